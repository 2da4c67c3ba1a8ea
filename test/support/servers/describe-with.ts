import { describe } from '@jest/globals';

// Tests that need a server of somebody else's: where it is not installed they are skipped, and say so.

/** `describe`, or one that skips and names what is missing. */
export function describeWith(server: string, isInstalled: boolean): typeof describe {
  if (isInstalled) return describe;
  console.warn(`SKIPPED: ${server} is not installed, and what is tested against it`);
  return describe.skip as typeof describe;
}
