// Whether the conformance suite sees what it should: small faults are put into a copy of the built broker, one after
// another, and the suite runs against each. Prints what was caught; fails when more than two were not.
//
//   npm run test:faults [-- NUMBER …]     only these faults
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const built = `${root}dist/esm`;
const copy = `${root}dist/faulty`;
const MAY_ESCAPE = 2;
/** A fault may make answers wait for ever: then the suite is stopped, and has caught it. */
const DEADLINE_MS = 240_000;

/** What goes wrong, in which file, which text of the build becomes which. */
const FAULTS = [
  ['checksums are not looked at', 'log/append-validator', '!verifyCrc(batch)', 'false'],
  [
    'the largest batch is refused',
    'log/append-validator',
    'size > config.maxMessageBytes',
    'size >= config.maxMessageBytes',
  ],
  [
    'compacted topics take records without a key',
    'log/append-validator',
    'facts.keyless.length > 0',
    'facts.keyless.length > 9',
  ],
  ['a batch may hold fewer records than it says', 'log/record-check', 'if (at !== end)', 'if (at > end)'],
  ['retries are stored twice', 'log/producer-state', 'if (duplicate)', 'if (false)'],
  ['only four batches are known again', 'log/producer-state', 'REMEMBERED_BATCHES = 5', 'REMEMBERED_BATCHES = 4'],
  [
    'sequences wrap one too late',
    'log/producer-state',
    '(sequence + by) % 0x8000_0000',
    '(sequence + by) % 0x8000_0001',
  ],
  [
    'old epochs may write',
    'log/producer-state',
    "if (epoch < state.epoch)\n            return refused(ErrorCode.INVALID_PRODUCER_EPOCH, staleEpoch(batch, epoch, state));\n        if (origin === 'client')",
    "if (origin === 'client')",
  ],
  ['acks=0 is answered', 'handlers/00-produce', 'request.acks === ACKS_NONE)', 'request.acks === 99)'],
  ['reading at the end is out of range', 'log/log-reader', 'offset > logEndOffset', 'offset >= logEndOffset'],
  ['large batches get stuck', 'log/log-reader', 'maxBytes, minOneBatch, limit)', 'maxBytes, false, limit)'],
  ['a waiting fetch sleeps through deletions', 'fetch/fetch-purgatory', "change === 'closed'", "change === 'shut'"],
  [
    'min.bytes is taken for one',
    'fetch/fetch-purgatory',
    'if (total >= minBytes)\n                    wake()',
    'if (total >= 1)\n                    wake()',
  ],
  ['times are searched by batch', 'log/time-lookup', 'record.timestamp >= timestamp', 'true'],
  [
    'a deletion of records may go beyond the end',
    'log/partition-log',
    'target > this.highWatermark',
    'target > this.highWatermark + 1',
  ],
  ['newcomers join without an id', 'coordinator/group/group-join', 'request.requireKnownMemberId', 'false'],
  [
    'followers learn of all members',
    'coordinator/group/group-rebalance',
    'member.memberId === group.leaderId)',
    'true)',
  ],
  [
    'a heartbeat does not tell of a rebalance',
    'coordinator/group/classic-group',
    "this.#core.state === 'PreparingRebalance' ?",
    "this.#core.state === 'Rebalancing' ?",
  ],
  [
    'old generations may commit',
    'coordinator/group/classic-group',
    'generationId === this.#core.generationId ?',
    'generationId <= this.#core.generationId ?',
  ],
  [
    'a replaced static member goes on',
    'coordinator/group/group-roster',
    'if (current !== memberId)',
    'if (current === memberId && false)',
  ],
  [
    'the first strategy wins, whatever the votes',
    'coordinator/group/protocol-selection',
    'count > votes.get(winner)',
    'count > 99',
  ],
  ['offsets outlive their topic', 'coordinator/group/group-offsets', 'name === topic)', 'name === `${topic}!`)'],
  ['the leader epoch of a commit is lost', 'coordinator/group/group-offsets', 'committed?.leaderEpoch ?? -1', '-1'],
  ['validateOnly creates', 'handlers/19-create-topics', 'createTopic(wish, validateOnly)', 'createTopic(wish, false)'],
  [
    'AlterConfigs keeps what it does not name',
    'metadata/config-plans',
    '.filter((name) => !named.has(name))',
    '.filter(() => false)',
  ],
  ['the same number of partitions is an increase', 'metadata/topic-plans', 'count <= current', 'count < current'],
];

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
      [...options, 'node_modules/jest/bin/jest.js', 'test/conformance/broker', '--bail', '--silent'],
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

/** A copy of the build with one text exchanged for another. */
function seed([what, module, before, after, which = 'only']) {
  rmSync(copy, { recursive: true, force: true });
  cpSync(built, copy, { recursive: true });
  const file = `${copy}/broker/${module}.js`;
  const source = readFileSync(file, 'utf8');
  const at = which === 'last' ? source.lastIndexOf(before) : source.indexOf(before);
  if (at < 0) throw new Error(`'${what}': ${module} does not hold ${before}`);
  if (which === 'only' && source.indexOf(before, at + 1) >= 0) {
    throw new Error(`'${what}': ${module} holds ${before} more than once`);
  }
  writeFileSync(file, source.slice(0, at) + after + source.slice(at + before.length));
}

async function main(numbers) {
  spawnSync(process.execPath, ['scripts/build.mjs', '--esm'], { cwd: root, stdio: 'inherit' });
  const chosen = FAULTS.map((fault, i) => [i + 1, fault]).filter(([i]) => numbers.length === 0 || numbers.includes(i));
  for (const [, fault] of chosen) seed(fault);
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
