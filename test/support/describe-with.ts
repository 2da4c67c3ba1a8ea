import { describe } from '@jest/globals';

// Tests that need something which a machine may lack: there they are skipped, and say so, once, where no reporter
// swallows it.

const told = new Set<string>();

/**
 * `describe`, or one that skips and says why.
 * @param what the part of the tests that needs it
 * @param whyMissing undefined where it is there
 */
export function describeWith(what: string, whyMissing: string | undefined): typeof describe {
  if (whyMissing === undefined) return describe;
  const line = `SKIPPED: ${what}: ${whyMissing}\n`;
  if (!told.has(line)) process.stderr.write(line);
  told.add(line);
  return describe.skip as typeof describe;
}
