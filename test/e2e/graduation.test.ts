import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Broker, type BrokerOptions } from '../../src/broker/broker.js';
import { encodeRecords } from '../../src/protocol/record-batch.js';
import { ClusterClient, type ClusterView } from '../support/cluster-view.js';
import { dumpLog, fetchKafka, filesIn, type KafkaNode, startNode, whyNoKafka } from '../support/kafka-node.js';

// From us to Apache Kafka and back, on one data directory: each program starts on what the other left and shows its
// clients the same topics, settings, records, groups and offsets.

const missing = whyNoKafka();
if (missing) console.warn(`SKIPPED: graduation to Apache Kafka and back. ${missing}`);

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
  });
}

/** What was there stays as it was; more may have come. */
function expectKept(after: ClusterView, before: ClusterView): void {
  expect(after.clusterId).toBe(before.clusterId);
  expect(after.topics).toMatchObject(before.topics);
  expect(after.groups).toMatchObject(before.groups);
}

/** Kafka's own tool reads every file below the directory and has nothing to say against it. */
function expectSound(path: string): void {
  const data = filesIn(logsOf(path), /^(?!__cluster_metadata).*\/\d{20}\.(log|index|timeindex|snapshot)$/);
  const printed = [
    dumpLog(data, ['--print-data-log', '--verify-index-only']),
    dumpLog(
      data.filter((file) => file.endsWith('.log')),
      ['--print-data-log'],
    ),
    dumpLog(filesIn(logsOf(path), /^__consumer_offsets.*\.log$/), ['--offsets-decoder']),
    dumpLog(filesIn(logsOf(path), /^__cluster_metadata-0\/.*\.(log|checkpoint)$/), ['--cluster-metadata-decoder']),
  ].join('\n');
  expect(
    printed.match(/.*(mismatch|not found|isvalid: false|corrupt|Found timestamp|Could not|invalid).*/gi),
  ).toBeNull();
}

(missing ? describe.skip : describe)('graduation', () => {
  beforeAll(() => fetchKafka(), 5 * MINUTES);

  it(
    'goes to Apache Kafka and back, twice, and nothing is lost',
    async () => {
      const path = directory();
      let seen: ClusterView | undefined;
      for (const round of ['1', '2']) {
        const ours = await nestdaw(path);
        if (seen) expectKept(await view(ours), seen);
        await live(ours, `n${round}`);
        seen = await view(ours);
        await ours.stop();
        expectSound(path);

        const theirs = await kafka(path);
        expectKept(await view(theirs), seen);
        await live(theirs, `k${round}`);
        seen = await view(theirs);
        await theirs.stop();
      }
      expectKept(await view(await nestdaw(path)), seen!);
    },
    5 * MINUTES,
  );
});
