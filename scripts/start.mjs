// `npm start`: builds the package and the orders sample, then runs the sample in its own folder. Arguments are
// handed on: npm start -- --orders.payment-ms=50
import { execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const sample = `${root}samples/orders`;
const tsc = `${root}node_modules/typescript/bin/tsc`;
execFileSync(process.execPath, ['scripts/build.mjs', '--esm'], { cwd: root, stdio: 'inherit' });
execFileSync(process.execPath, [tsc, '-p', sample], { cwd: root, stdio: 'inherit' });

const app = spawn(process.execPath, ['--enable-source-maps', 'dist/main.js', ...process.argv.slice(2)], {
  cwd: sample,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => app.kill(signal));
app.once('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 0)));
