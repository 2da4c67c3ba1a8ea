import { describe } from '@jest/globals';

// Tests that need a server of somebody else's: where it is not installed they are skipped, and say so.

/** `describe`, or one that skips and names what is missing. */
export function describeWith(server: string, isInstalled: boolean): (name: string, tests: () => void) => void {
  if (isInstalled) return describe;
  return (name, tests) => {
    console.warn(`SKIPPED: ${name} (${server} is not installed)`);
    describe.skip(`${name} (${server} is not installed)`, tests);
  };
}
