import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, expect, it } from '@jest/globals';
import { Broker, type BrokerOptions } from '../../src/broker/broker.js';
import { messageOf } from '../../src/common/errors.js';
import { encodeRecords } from '../../src/protocol/record-batch.js';
import { ClusterTransactions } from '../support/cluster-transactions.js';
import { ClusterClient, type ClusterView } from '../support/cluster-view.js';
import { describeWith } from '../support/describe-with.js';
import {
  dumpLog,
  fetchKafka,
  filesIn,
  type KafkaNode,
  kafkaTool,
  startNode,
  whyNoKafka,
} from '../support/kafka-node.js';

// From us to Apache Kafka and back, on one data directory: each program starts on what the other left and shows its
// clients the same topics, settings, records, groups and offsets.

const missing = process.env.NESTDAW_GRADUATION ? whyNoKafka() : 'it takes two minutes: npm run test:graduation';

const MINUTES = 60_000;
const cleanUp: Array<() => unknown> = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

interface Node {
  readonly port: number;
  stop(): Promise<void>;
}

/** Kafka's data is in `logs` below it. */
function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'graduation-'));
  cleanUp.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const logsOf = (path: string): string => join(path, 'logs');

async function nestdaw(path: string, options: BrokerOptions = {}): Promise<Broker> {
  const broker = await Broker.start({ port: 0, dataDir: logsOf(path), ...options });
  cleanUp.push(() => broker.stop());
  return broker;
}

/** In a process of its own, to be killed, with the settings that Kafka was started with. */
async function nestdawProcess(path: string): Promise<{ readonly port: number; kill(): Promise<void> }> {
  const main = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));
  const args = [main, 'broker', '--config', join(path, 'server.properties')];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await gone;
  };
  cleanUp.push(kill);
  const [ready] = (await once(child.stdout, 'data')) as [Buffer];
  return { port: Number(/127\.0\.0\.1:(\d+)/.exec(ready.toString())![1]), kill };
}

async function kafka(path: string, options: Parameters<typeof startNode>[1] = {}): Promise<KafkaNode> {
  const node = await startNode(path, options);
  cleanUp.push(() => node.stop('SIGKILL'));
  return node;
}

async function using<T>(node: Pick<Node, 'port'>, work: (client: ClusterClient) => Promise<T>): Promise<T> {
  const client = await ClusterClient.connect(node.port);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

const view = (node: Pick<Node, 'port'>): Promise<ClusterView> => using(node, (client) => client.view());

/** A bit of everything that a directory can hold; `round` makes the names of a second time others. */
async function live(node: Pick<Node, 'port'>, round: string): Promise<void> {
  await using(node, async (client) => {
    await client.createTopic(`orders-${round}`, 3, { 'retention.ms': '86400000' });
    await client.createTopic(`keyed-${round}`, 1, { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': '99999999' });
    await client.createTopic(`gone-${round}`, 2, { 'retention.bytes': '5' });
    for (let partition = 0; partition < 3; partition++) {
      await client.produce(`orders-${round}`, partition, [`${round} a`, `${round} b`, `${round} c`]);
    }
    await client.produce(`keyed-${round}`, 0, ['1', '2', '1']);
    // Three segments, with entries in their indexes.
    await client.createTopic(`bulk-${round}`, 1, { 'segment.bytes': '1048576' });
    const filling = 'x'.repeat(1000);
    for (let batch = 0; batch < 25; batch++) {
      await client.produce(
        `bulk-${round}`,
        0,
        Array.from({ length: 100 }, (_, i) => `${batch}-${i} ${filling}`),
      );
    }
    await client.produce(`gone-${round}`, 1, ['x']);
    await client.addPartitions(`orders-${round}`, 5);
    await client.produce(`orders-${round}`, 4, ['late']);
    await client.setConfigs(2, `orders-${round}`, { 'retention.ms': '86400001', 'max.message.bytes': '2000000' });
    await client.commit(`billing-${round}`, `orders-${round}`, { 0: 2, 4: 1 }, 'a note');
    await client.commit('everyone', `orders-${round}`, { 1: 3 });
    const producerId = await client.producerId();
    const idempotent = { producerId, producerEpoch: 0, baseSequence: 0, timestamp: Date.now() };
    await client.append(`orders-${round}`, 0, encodeRecords([{ key: null, value: Buffer.from('once') }], idempotent));
    await client.deleteTopic(`gone-${round}`);
    await transact(client, round);
  });
}

/** Three transactions: committed with offsets, aborted, and left open. The one left open before is given up. */
async function transact(cluster: ClusterClient, round: string): Promise<void> {
  const client = new ClusterTransactions(cluster);
  if (!(await client.isServed())) return;
  const topic = `paid-${round}`;
  await cluster.createTopic(topic);
  const owner = await client.takeOver('teller');
  await client.begin(owner, topic, ['kept']);
  await client.commitOffset(owner, `tellers-${round}`, `orders-${round}`, 3);
  await client.end(owner, true);
  const second = await client.takeOver('teller');
  await client.begin(second, topic, ['dropped']);
  await client.end(second, false);
  await client.begin(await client.takeOver(`sleeper-${round}`), topic, ['open']);
  await cluster.produce(topic, 0, ['behind']);
}

/** Ends what a round left open, by taking its id over: what lay behind it can be read then. */
async function wakeSleeper(node: Pick<Node, 'port'>, round: string, seen: ClusterView): Promise<void> {
  await using(node, async (cluster) => {
    const client = new ClusterTransactions(cluster);
    if (!seen.topics[`paid-${round}`] || !(await client.isServed())) return;
    expect((await cluster.records(`paid-${round}`, 0, 0, 4)).map(textOf)).toEqual(['kept']);
    await client.takeOver(`sleeper-${round}`);
    await cluster.untilStable(`paid-${round}`, 0, 7);
    expect((await cluster.records(`paid-${round}`, 0, 0, 7)).map(textOf)).toEqual(['kept', 'behind']);
  });
}

const textOf = (record: string): string => record.slice(record.indexOf('=') + 1);

/** What was there stays as it was; more may have come. */
function expectKept(after: ClusterView, before: ClusterView): void {
  expect(after.clusterId).toBe(before.clusterId);
  expect(after.topics).toMatchObject(before.topics);
  expect(after.groups).toMatchObject(before.groups);
}

/** Kafka's own tool reads every file below the directory and has nothing to say against it. */
function expectSound(path: string): string {
  const data = filesIn(logsOf(path), /^(?!__cluster_metadata).*\/\d{20}\.(log|index|timeindex|snapshot)$/);
  const dumps = [
    dumpLog(data, ['--print-data-log', '--verify-index-only']),
    dumpLog(
      data.filter((file) => file.endsWith('.log')),
      ['--print-data-log'],
    ),
    dumpLog(filesIn(logsOf(path), /^__consumer_offsets.*\.log$/), ['--offsets-decoder']),
    dumpLog(filesIn(logsOf(path), /^__cluster_metadata-0\/.*\.(log|checkpoint)$/), ['--cluster-metadata-decoder']),
  ];
  for (const dump of dumps) expect(dump).toMatch(/^Dumping /);
  const printed = dumps.join('\n');
  const complaints =
    /^.*(non-consecutive|mismatch|not found|isvalid: false|corrupt|found timestamp|could not|error|invalid).*$/gim;
  expect(printed.match(complaints)).toBeNull();
  return printed;
}

describeWith('graduation to Apache Kafka and back', missing)('graduation', () => {
  beforeAll(() => fetchKafka(), 5 * MINUTES);

  it(
    'goes to Apache Kafka and back, twice, and nothing is lost',
    async () => {
      const path = directory();
      let seen: ClusterView | undefined;
      for (const round of ['1', '2']) {
        const ours = await nestdaw(path);
        if (seen) {
          expectKept(await view(ours), seen);
          await wakeSleeper(ours, 'k1', seen);
        }
        await live(ours, `n${round}`);
        seen = await view(ours);
        await ours.stop();
        expectSound(path);

        const theirs = await kafka(path);
        expectKept(await view(theirs), seen);
        await wakeSleeper(theirs, `n${round}`, seen);
        // From the second round on all that this Kafka has is switched on.
        if (round === '1') kafkaTool('FeatureCommand', theirs, ['upgrade', '--release-version', '4.3']);
        await live(theirs, `k${round}`);
        seen = await view(theirs);
        await theirs.stop();
      }
      const last = await view(await nestdaw(path));
      expectKept(last, seen!);
      const groups = ['billing-k1', 'billing-k2', 'billing-n1', 'billing-n2', 'everyone'];
      expect(Object.keys(last.groups)).toEqual(expect.arrayContaining(groups));
    },
    3 * MINUTES,
  );

  it(
    'keeps the partitions of several directories where they are',
    async () => {
      const path = directory();
      const directories = [logsOf(path), join(path, 'more')];
      const config = { 'log.dirs': directories.join(',') };
      const places = () =>
        directories.map((each) =>
          readdirSync(each)
            .filter((name) => /^orders-n1-\d$/.test(name))
            .sort(),
        );
      const start = async (): Promise<Broker> => {
        const broker = await Broker.start({ port: 0, config });
        cleanUp.push(() => broker.stop());
        return broker;
      };
      const first = await start();
      await live(first, 'n1');
      let seen = await view(first);
      await first.stop();
      const before = places();
      expect(before.flat()).toHaveLength(5);
      for (const each of before) expect(each.length).toBeGreaterThanOrEqual(2);

      const theirs = await kafka(path, { overrides: config });
      expectKept(await view(theirs), seen);
      await live(theirs, 'k1');
      seen = await view(theirs);
      await theirs.stop();
      expect(places()).toEqual(before);

      const second = await start();
      expectKept(await view(second), seen);
      expect(second.health()).toEqual({ status: 'up', problems: [] });
    },
    2 * MINUTES,
  );

  it.each([
    ['with its voters in the configuration', []],
    ['with its voters in the log', ['--standalone']],
    ['of Kafka 3.9', ['--release-version', '3.9']],
    ['of Kafka 3.3', ['--release-version', '3.3']],
  ])(
    'starts on a directory of Apache Kafka %s, and hands it back',
    async (_, formatArgs) => {
      const path = directory();
      const first = await kafka(path, { formatArgs });
      await using(first, async (client) => {
        await client.setConfigs(4, '', { 'log.cleaner.threads': '2', 'min.insync.replicas': '1' });
        await client.createTopic('reborn', 1, { 'retention.ms': '1' });
        await client.deleteTopic('reborn');
      });
      await live(first, 'k1');
      let seen = await view(first);
      await first.stop();

      const ours = await nestdaw(path);
      expectKept(await view(ours), seen);
      expect(await using(ours, (client) => client.configs(4, ''))).toContain('log.cleaner.threads=2');
      await live(ours, 'n1');
      seen = await view(ours);
      await ours.stop();
      expectSound(path);

      const second = await kafka(path, { formatArgs });
      expectKept(await view(second), seen);
      await using(second, async (client) => {
        // Kafka forgets to forget the configuration of a deleted topic.
        await client.createTopic('reborn');
        expect(await client.configs(2, 'reborn')).toEqual(['min.insync.replicas=1']);
      });
      await live(second, 'k2');
      seen = await view(second);
      await second.stop();
      expectKept(await view(await nestdaw(path)), seen);
    },
    3 * MINUTES,
  );

  it.each([
    ['with its voters in the configuration', []],
    ['with its voters in the log', ['--standalone', '--add-scram', 'SCRAM-SHA-256=[name=alice,password=secret]']],
  ])(
    'makes the first start of a directory that was only formatted, %s',
    async (_, formatArgs) => {
      const path = directory();
      await (await kafka(path, { formatArgs })).stop('SIGKILL');
      // As `format` left it.
      for (const name of readdirSync(logsOf(path))) {
        const kept = ['meta.properties', 'bootstrap.checkpoint', '__cluster_metadata-0'].includes(name);
        if (!kept) rmSync(join(logsOf(path), name), { recursive: true });
      }
      for (const name of readdirSync(join(logsOf(path), '__cluster_metadata-0'))) {
        if (!name.endsWith('.checkpoint')) rmSync(join(logsOf(path), '__cluster_metadata-0', name));
      }
      const ours = await nestdaw(path);
      await live(ours, 'n1');
      const seen = await view(ours);
      await ours.stop();
      const printed = expectSound(path);
      expect(printed).toContain('"name":"metadata.version","featureLevel":30');
      expect(printed).toContain('"name":"transaction.version","featureLevel":2');
      expect(printed.includes('USER_SCRAM_CREDENTIAL_RECORD')).toBe(formatArgs.length > 0);
      expectKept(await view(await kafka(path, { formatArgs })), seen);
    },
    2 * MINUTES,
  );

  it(
    'goes on after kill -9, of Apache Kafka and of us',
    async () => {
      const path = directory();
      const first = await kafka(path);
      await live(first, 'k1');
      await using(first, (client) => client.commitAsConsumer('newer', 'orders-k1', { 0: 1, 1: 2 }));
      let seen = await view(first);
      expect(seen.groups.newer).toHaveLength(2);
      await first.stop('SIGKILL');

      const ours = await nestdawProcess(path);
      expectKept(await view(ours), seen);
      await live(ours, 'n1');
      // Its members are gone; its offsets are anybody's.
      await using(ours, (client) => client.commit('newer', 'orders-k1', { 0: 2 }));
      seen = await view(ours);
      await ours.kill();

      const second = await kafka(path);
      expectKept(await view(second), seen);
      await live(second, 'k2');
      seen = await view(second);
      await second.stop('SIGKILL');
      expectKept(await view(await nestdaw(path)), seen);
    },
    3 * MINUTES,
  );

  it.each([
    ['configured', []],
    ['kept in the log', ['--standalone']],
  ])(
    'reads the snapshots of Apache Kafka, and writes such as it reads, voters %s',
    async (_, formatArgs) => {
      const often = { 'metadata.log.max.record.bytes.between.snapshots': '2000' };
      const path = directory();
      const metadata = join(logsOf(path), '__cluster_metadata-0');
      const snapshots = () => readdirSync(metadata).filter((name) => /-\d{10}\.checkpoint$/.test(name)).length;

      const first = await kafka(path, { formatArgs, overrides: often });
      await live(first, 'k1');
      let seen = await view(first);
      await first.stop();
      const before = snapshots();
      expect(before).toBeGreaterThan(formatArgs.length);

      const ours = await nestdaw(path, { config: often });
      expectKept(await view(ours), seen);
      await live(ours, 'n1');
      seen = await view(ours);
      await ours.stop();
      // All before it is gone.
      expect(snapshots()).toBe(1);
      expect(filesIn(metadata, /^0{20}\.log$/)).toEqual([]);
      expectSound(path);

      const second = await kafka(path, { formatArgs });
      expectKept(await view(second), seen);
      await live(second, 'k2');
      seen = await view(second);
      await second.stop();
      expectKept(await view(await nestdaw(path)), seen);
    },
    3 * MINUTES,
  );

  it(
    'does not start where Apache Kafka runs, as far as the system tells',
    async () => {
      const path = directory();
      await kafka(path);
      const outcome = await nestdaw(path).then(() => 'started', messageOf);
      expect(outcome).toMatch(existsSync('/proc/locks') ? /^Apache Kafka \(process \d+\) runs on/ : /^started$/);
    },
    MINUTES,
  );
});
