// `npm run sample <name>`: builds the package and one sample, then runs the sample in its own folder, with its own
// application.properties. Arguments are handed on (`npm run sample orders -- --orders.payment-ms=50`), variables count
// as well (KAFKA_BOOTSTRAP_SERVERS=…). Without a name: the samples, one line each.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = (name) => `${root}samples/${name}`;
const names = readdirSync(`${root}samples`)
  .filter((name) => existsSync(`${folder(name)}/src/main.ts`))
  .sort();

const [name, ...args] = process.argv.slice(2);
if (!names.includes(name)) {
  console.log('usage: npm run sample <name> [-- --any.property=value …]\n');
  for (const each of names) console.log(`  ${each.padEnd(18)} ${summaryOf(each)}`);
  if (name === undefined) process.exit(0);
  console.error(`\nthere is no sample ${name}`);
  process.exit(2);
}

const node = (...argv) => execFileSync(process.execPath, argv, { cwd: root, stdio: 'inherit' });
node('scripts/build.mjs', '--esm');
node('node_modules/typescript/bin/tsc', '-p', `samples/${name}`);

const app = spawn(process.execPath, ['--enable-source-maps', 'dist/main.js', ...args], {
  cwd: folder(name),
  stdio: 'inherit',
});
/** Signals handed on: an application that ends by one of them has ended as it was told. */
const told = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    told.add(signal);
    app.kill(signal);
  });
}
app.once('exit', (code, signal) => process.exit(signal ? (told.has(signal) ? 0 : 1) : (code ?? 0)));

/** The first sentence below the title of a sample's README. */
function summaryOf(sample) {
  const text = readFileSync(`${folder(sample)}/README.md`, 'utf8');
  const paragraph = text.split(/\n\s*\n/).find((part) => part.trim() !== '' && !part.startsWith('#')) ?? '';
  return paragraph.replaceAll('\n', ' ').split(/(?<=\.)\s/)[0];
}
