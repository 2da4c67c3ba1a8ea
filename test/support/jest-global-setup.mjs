import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// Worker threads, the command line and the samples run compiled files, which Jest's transform does not reach.
// The compiler is incremental and takes well under a second when nothing changed, so simply always build.
export default function globalSetup() {
  if (process.env.NESTDAW_SKIP_BUILD) return; // unit tests alone, while the tree is in motion
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const node = (...args) => execFileSync(process.execPath, args, { cwd, stdio: 'inherit' });
  node('scripts/build.mjs', '--esm');
  node('node_modules/typescript/bin/tsc', '-p', 'samples/orders');
}
