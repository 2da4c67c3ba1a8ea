import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Broker, type BrokerOptions } from '../../src/broker/broker.js';
import { MemoryFileSystem } from '../../src/broker/log/disk/memory-file-system.js';
import { apisByKey } from '../../src/protocol/api-keys.js';
import {
  CreateTopics,
  DeleteTopics,
  Fetch,
  FindCoordinator,
  InitProducerId,
  ListOffsets,
  Metadata,
  Produce,
} from '../../src/protocol/messages/index.js';
import { encodeRecords } from '../../src/protocol/record-batch.js';
import { until } from '../../src/testing/until.js';
import { ManualClock } from '../support/manual-clock.js';
import { directClient, type RawClient, SocketClient } from '../support/raw-client.js';

// The broker as a whole: start, stop, what survives.

const cleanUp: Array<() => unknown> = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

async function start(options: BrokerOptions = {}): Promise<Broker> {
  const broker = await Broker.start({ port: 0, ...options });
  cleanUp.push(() => broker.stop());
  return broker;
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'nestdaw-broker-'));
  cleanUp.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const topic = (name: string, numPartitions = 1) => ({
  name,
  numPartitions,
  replicationFactor: 1,
  assignments: [],
  configs: [],
});

async function createTopic(client: RawClient, name: string, partitions = 1) {
  const answer = await client.send(CreateTopics, 7, { topics: [topic(name, partitions)], validateOnly: false });
  return answer.topics[0]!;
}

async function produce(client: RawClient, name: string, value: string) {
  const records = encodeRecords([{ key: null, value: Buffer.from(value) }], { timestamp: Date.now() });
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const answer = await client.send(Produce, 9, { acks: -1, timeoutMs: 1000, topicData });
  return answer.responses[0]!.partitionResponses[0]!;
}

async function endOffset(client: RawClient, name: string): Promise<number> {
  const topics = [{ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }];
  const answer = await client.send(ListOffsets, 5, { replicaId: -1, topics });
  return answer.topics[0]!.partitions[0]!.offset;
}

describe('Broker', () => {
  it('listens on a port of its own and can be stopped twice', async () => {
    const broker = await start();
    expect(broker.bootstrapServers).toBe(`127.0.0.1:${broker.port}`);
    expect(broker.clusterId).toMatch(/^[\w-]{22}$/);
    const client = await SocketClient.connect(broker.port);
    const { brokers, clusterId, controllerId } = await client.send(Metadata, 9, { topics: [] });
    expect({ brokers, clusterId, controllerId }).toEqual({
      brokers: [{ nodeId: 1, host: '127.0.0.1', port: broker.port, rack: null }],
      clusterId: broker.clusterId,
      controllerId: 1,
    });
    await broker.stop();
    await broker.stop();
    await client.closed;
  });

  it.each([
    ['on disk', () => ({ dataDir: folder() })],
    ['in memory', () => ({ fileSystem: new MemoryFileSystem() })],
  ])('continues where it stopped (%s)', async (_where, place) => {
    const options: BrokerOptions = place();
    const first = await start(options);
    let client = directClient(first);
    const { topicId } = await createTopic(client, 'orders', 3);
    await produce(client, 'orders', 'a');
    const { producerId } = await client.send(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 });
    expect(producerId).toBe(0n);
    await first.stop();

    const second = await start(options);
    client = directClient(second);
    expect(second.clusterId).toBe(first.clusterId);
    const { topics } = await client.send(Metadata, 12, { topics: null });
    expect(topics.map((t) => [t.name, t.topicId, t.partitions.length])).toEqual([['orders', topicId, 3]]);
    expect(topics[0]!.partitions[0]).toMatchObject({ leaderId: 1, leaderEpoch: 0, isrNodes: [1] });
    expect(await produce(client, 'orders', 'b')).toMatchObject({ errorCode: 0, baseOffset: 1 });
    const next = await client.send(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 });
    // The rest of the first block is gone with the first run: no id is ever given twice.
    expect(next.producerId).toBe(1000n);
  });

  it('survives a kill between any two requests', async () => {
    const fileSystem = new MemoryFileSystem();
    const first = await Broker.start({ port: 0, fileSystem, bootId: 'boot' });
    await createTopic(directClient(first), 'orders');
    await produce(directClient(first), 'orders', 'a');
    fileSystem.crash();
    await first.stop().catch(() => undefined);

    const second = await start({ fileSystem, bootId: 'boot' });
    const client = directClient(second);
    expect(await endOffset(client, 'orders')).toBe(1);
    const { topics } = await client.send(Metadata, 12, { topics: null });
    expect(topics[0]!.partitions[0]!.leaderEpoch).toBe(0);
  });

  it('keeps acknowledged topics through a loss of power, under a new leader epoch', async () => {
    const fileSystem = new MemoryFileSystem({ trackDurability: true });
    const first = await Broker.start({ port: 0, fileSystem, bootId: 'one' });
    await createTopic(directClient(first), 'orders', 2);
    await directClient(first).send(FindCoordinator, 2, { key: 'billing', keyType: 0 });
    fileSystem.powerLoss();
    await first.stop().catch(() => undefined);

    const second = await start({ fileSystem, bootId: 'two' });
    const client = directClient(second);
    const { topics } = await client.send(Metadata, 12, { topics: null });
    expect(topics.map(({ name, partitions }) => [name, partitions.map((p) => p.leaderEpoch)])).toEqual([
      ['orders', [1, 1]],
      ['__consumer_offsets', Array.from({ length: 50 }, () => 1)],
    ]);
    expect(await produce(client, 'orders', 'a')).toMatchObject({ errorCode: 0, baseOffset: 0 });
  });

  it('gives a topic that is created again a new id and an empty log', async () => {
    const dataDir = folder();
    let broker = await start({ dataDir });
    let client = directClient(broker);
    const first = await createTopic(client, 'orders');
    await produce(client, 'orders', 'a');
    await client.send(DeleteTopics, 6, { topics: [{ name: 'orders' }], timeoutMs: 1 } as never);
    const second = await createTopic(client, 'orders');
    expect(second.errorCode).toBe(0);
    expect(second.topicId).not.toBe(first.topicId);
    expect(await endOffset(client, 'orders')).toBe(0);
    await broker.stop();
    broker = await start({ dataDir });
    client = directClient(broker);
    expect(await endOffset(client, 'orders')).toBe(0);
  });

  it('lets nobody else use its folder', async () => {
    const dataDir = folder();
    const broker = await start({ dataDir });
    await expect(Broker.start({ port: 0, dataDir })).rejects.toMatchObject({ code: 'KAFKA_DATA_DIR_LOCKED' });
    await broker.stop();
    await start({ dataDir });
  });

  it('leaves nothing open when it cannot start', async () => {
    const dataDir = folder();
    const other = await start();
    await expect(Broker.start({ port: other.port, dataDir })).rejects.toMatchObject({
      code: 'KAFKA_BROKER_START_FAILED',
    });
    await start({ dataDir, port: [other.port, 0] });
  });

  it('answers what is parked when it stops', async () => {
    const clock = new ManualClock();
    const broker = await start({ clock });
    const client = await SocketClient.connect(broker.port);
    await createTopic(client, 'orders');
    const timers = clock.pending;
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
    const parked = client.send(Fetch, 11, {
      maxWaitMs: 60_000,
      minBytes: 1,
      isolationLevel: 0,
      topics: [{ topic: 'orders', partitions }],
    });
    await until(() => clock.pending > timers);
    // Nothing waits for time: the clock stands still.
    await broker.stop();
    expect((await parked).responses[0]!.partitions[0]!.errorCode).toBe(0);
  });

  it('makes the topic of committed offsets when a group first asks', async () => {
    const broker = await start({ config: { 'offsets.topic.num.partitions': '7' } });
    const client = directClient(broker);
    const found = await client.send(FindCoordinator, 2, { key: 'billing', keyType: 0 });
    expect(found).toMatchObject({ errorCode: 0, nodeId: 1, host: '127.0.0.1', port: broker.port });
    const { topics } = await client.send(Metadata, 9, { topics: null });
    expect(topics.map(({ name, isInternal, partitions }) => [name, isInternal, partitions.length])).toEqual([
      ['__consumer_offsets', true, 7],
    ]);
  });
});

describe('Broker against nonsense', () => {
  it('answers or closes, whatever comes in, and goes on', async () => {
    const broker = await start();
    const keys = [...apisByKey.keys()];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...keys),
        fc.integer({ min: 0, max: 14 }),
        fc.uint8Array({ maxLength: 120 }),
        async (key, version, bytes) => {
          const header = Buffer.alloc(10);
          header.writeInt16BE(key, 0);
          header.writeInt16BE(version, 2);
          header.writeInt16BE(-1, 8);
          // Nobody waits in this test: requests that park would hold it up.
          if ([1, 11, 14].includes(key)) return;
          const answer = await broker.exchange(Buffer.concat([header, bytes]));
          if (answer === 'close' || answer === undefined) return;
          const [first] = answer;
          expect(first!.readInt32BE(0)).toBe(Buffer.concat(answer).length - 4);
        },
      ),
      { numRuns: 1500 },
    );
    const client = directClient(broker);
    expect(await client.send(Metadata, 9, { topics: [] })).toMatchObject({ controllerId: 1 });
  });
});
