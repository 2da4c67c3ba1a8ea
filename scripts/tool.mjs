// Builds the package, the samples that proofs run and the tools, then runs one of the tools:
// `node scripts/tool.mjs prove …`.
import { execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = `${root}node_modules/typescript/bin/tsc`;
const node = (...args) => execFileSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
node('scripts/build.mjs');
node(tsc, '-p', 'samples/orders');
node(tsc, '-p', 'samples/transactions');
node(tsc, '-p', 'tsconfig.tools.json');

const [name, ...args] = process.argv.slice(2);
const entry = { prove: 'dist/tools/proofs/prove.js', bench: 'dist/tools/bench/bench.js' }[name];
const tool = spawn(process.execPath, ['--expose-gc', entry, ...args], { cwd: root, stdio: 'inherit' });
tool.once('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 0)));
