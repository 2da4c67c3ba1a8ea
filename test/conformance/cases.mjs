// How many conformance cases each advertised API has: `npm run test:cases`. Fails when one has fewer than three, when
// fewer than two of them are errors or races, or when fewer than half of all cases are.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const LEAST_CASES = 3;
const LEAST_TROUBLED = 2;
const LEAST_IN_ALL = 300;

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'conformance-cases-'));
const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
const { status } = spawnSync(
  process.execPath,
  [...jest, 'test/conformance/broker', '--silent', '--reporters=summary'],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NESTDAW_CONFORMANCE_CASES: folder },
  },
);
if (status !== 0) process.exit(status ?? 1);
const cases = readdirSync(folder).flatMap((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')));
rmSync(folder, { recursive: true });

const { Broker } = await import(pathToFileURL(`${root}dist/esm/broker/index.js`).href);
const { apisByKey } = await import(pathToFileURL(`${root}dist/esm/protocol/api-keys.js`).href);
const broker = await Broker.start({ port: 0 });
const served = await advertised(broker);
await broker.stop();

let failures = 0;
const line = (text, isFine) => {
  if (!isFine) failures++;
  console.log(`${isFine ? '  ' : 'x '}${text}`);
};
for (const key of served) {
  const all = cases.filter(({ asked }) => asked.includes(key)).length;
  const troubled = cases.filter((one) => one.troubled.includes(key)).length;
  const name = apisByKey.get(key).name.padEnd(32);
  line(`${name} ${all} cases, ${troubled} errors or races`, all >= LEAST_CASES && troubled >= LEAST_TROUBLED);
}
// What is sent as raw bytes asks no API by name; its file says what it is.
const isTrouble = ({ name, troubled }) => troubled.length > 0 || /^(Framing|Races)/.test(name);
const troubled = cases.filter(isTrouble).length;
line(`all APIs: ${cases.length} cases, ${troubled} errors or races`, cases.length >= LEAST_IN_ALL);
line(`half of them errors or races`, troubled * 2 >= cases.length);
process.exit(failures === 0 ? 0 : 1);

/** Asked with ApiVersions 0. */
async function advertised(broker) {
  // Key 18, version 0, correlation id 1, no client id.
  const answer = await broker.exchangeFrame(Buffer.from('0012000000000001ffff', 'hex'));
  return Array.from({ length: answer.readInt32BE(6) }, (_, i) => answer.readInt16BE(10 + 6 * i));
}
