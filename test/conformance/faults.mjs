// Whether the conformance suite sees what it should: small faults are put into a copy of the built broker, one after
// another, and the suite runs against each. Prints what was caught; fails when more than two were not.
//
//   npm run test:faults [-- NUMBER …]     only these faults
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FAULTS, faulty, fileOf } from './fault-list.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const built = `${root}dist/esm`;
const copy = `${root}dist/faulty`;
const MAY_ESCAPE = 2;
/** A fault may make answers wait for ever: then the suite is stopped, and has caught it. */
const DEADLINE_MS = 240_000;

/** Runs the suite against the broker in `directory`; whether all its cases passed. */
async function suitePasses(directory) {
  const code = `
    const { Broker } = await import(${JSON.stringify(`${directory}/broker/index.js`)});
    const { readFileSync } = await import('node:fs');
    const config = JSON.parse(readFileSync('scripts/kafka-limits.json', 'utf8'));
    const broker = await Broker.start({ port: 0, config });
    console.log(broker.bootstrapServers);`;
  const broker = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const address = await new Promise((resolve) => {
      broker.stdout.once('data', (bytes) => resolve(String(bytes).trim()));
      broker.once('exit', () => resolve(undefined));
    });
    if (!address) return false;
    const options = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
    const { status } = spawnSync(
      process.execPath,
      [...options, 'node_modules/jest/bin/jest.js', 'test/conformance/broker', '--bail', '--silent', '--maxWorkers=1'],
      {
        cwd: root,
        stdio: 'ignore',
        timeout: DEADLINE_MS,
        env: { ...process.env, KAFKA_BOOTSTRAP_SERVERS: address, NESTDAW_SKIP_BUILD: '1' },
      },
    );
    return status === 0;
  } finally {
    broker.kill('SIGKILL');
  }
}

/** A copy of the build with one fault in it. */
function seed(fault) {
  rmSync(copy, { recursive: true, force: true });
  cpSync(built, copy, { recursive: true });
  writeFileSync(fileOf(copy, fault), faulty(built, fault));
}

async function main(numbers) {
  spawnSync(process.execPath, ['scripts/build.mjs', '--esm'], { cwd: root, stdio: 'inherit' });
  const chosen = FAULTS.map((fault, i) => [i + 1, fault]).filter(([i]) => numbers.length === 0 || numbers.includes(i));
  for (const [, fault] of chosen) faulty(built, fault);
  if (!(await suitePasses(built))) throw new Error('the suite does not pass without any fault');
  let escaped = 0;
  for (const [i, fault] of chosen) {
    seed(fault);
    const from = performance.now();
    const caught = !(await suitePasses(copy));
    if (!caught) escaped++;
    const seconds = ((performance.now() - from) / 1000).toFixed(0);
    console.log(`${caught ? 'caught ' : 'ESCAPED'} ${String(i).padStart(2)} ${fault[0]} (${seconds} s)`);
  }
  rmSync(copy, { recursive: true, force: true });
  console.log(`${chosen.length - escaped} of ${chosen.length} faults caught`);
  process.exit(escaped > MAY_ESCAPE ? 1 : 0);
}

await main(process.argv.slice(2).map(Number));
