import { describe, expect, it } from '@jest/globals';
import { BrokerConfig } from '../../../src/broker/broker-config.js';
import { LogManager } from '../../../src/broker/log/log-manager.js';
import { MemoryFileSystem } from '../../../src/broker/log/memory-file-system.js';
import { ClusterMetadata } from '../../../src/broker/metadata/cluster-metadata.js';
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  metadataRecord,
} from '../../../src/broker/metadata/metadata-record.js';
import {
  AbortTransaction,
  BeginTransaction,
  FeatureLevel,
  Topic,
} from '../../../src/broker/metadata/metadata-records.js';
import { type TopicPlan } from '../../../src/broker/metadata/topic-plans.js';
import { deferred } from '../../../src/common/lifecycle.js';
import { silentLogger } from '../../../src/common/logger.js';
import { seededRandom } from '../../../src/common/random.js';
import { encodeRecords, recordsOf, verifyCrc } from '../../../src/protocol/record-batch.js';
import { batchSize, isControl, leaderEpoch } from '../../../src/protocol/record-batch-header.js';
import { ManualClock } from '../../support/manual-clock.js';

// The metadata log: what is in it, in which order, and what a start makes of it.

const DIRECTORY = '/data';

class Node {
  readonly clock = new ManualClock();

  private constructor(
    readonly fileSystem: MemoryFileSystem,
    readonly logs: LogManager,
    readonly metadata: ClusterMetadata,
  ) {}

  static async open(fileSystem: MemoryFileSystem, bootId = 'boot'): Promise<Node> {
    const clock = new ManualClock();
    const random = seededRandom(7);
    const shared = { fileSystem, clock, random, logger: silentLogger };
    const logs = await LogManager.open({ ...shared, directory: DIRECTORY, nodeId: 1, bootId });
    return new Node(fileSystem, logs, new ClusterMetadata({ ...shared, logs, config: new BrokerConfig() }));
  }

  static async start(fileSystem = new MemoryFileSystem(), bootId?: string): Promise<Node> {
    const node = await Node.open(fileSystem, bootId);
    await node.metadata.register({ host: 'localhost', port: 9092 });
    return node;
  }

  async stop(): Promise<MemoryFileSystem> {
    await this.metadata.unregister();
    await this.logs.stop();
    return this.fileSystem;
  }

  kill(): MemoryFileSystem {
    this.fileSystem.crash();
    return this.fileSystem;
  }

  /** What the log holds: a list per batch, each record as `Name` or with the given fields. */
  batches(from = 0): string[][] {
    const out: string[][] = [];
    const log = this.logs.get('__cluster_metadata', 0)!;
    const { records } = log.read(from, { maxBytes: 1 << 20, minOneBatch: true, isolation: 'read_uncommitted' });
    for (let at = 0; at < records.length; at += batchSize(records, at)) {
      if (!verifyCrc(records, at)) throw new Error(`the batch at byte ${at} is corrupt`);
      const names = [...recordsOf(records, at)].map(({ value, key, offsetDelta }) => {
        if (isControl(records, at)) return `control ${key!.readInt16BE(2)} epoch ${leaderEpoch(records, at)}`;
        const { type, version, message } = decodeMetadataRecord(value!, offsetDelta);
        return `${type.name} v${version}${detail(message)}`;
      });
      out.push(names);
    }
    return out;
  }
}

function detail(message: any): string {
  if (message.name !== undefined && message.value !== undefined) return ` ${message.name}=${message.value}`;
  if (message.nextProducerId !== undefined) return ` ${message.nextProducerId}`;
  if (message.fenced !== undefined && message.incarnationId === undefined) return ` ${message.fenced}`;
  return '';
}

const topic = (name: string, configs: Record<string, string> = {}, numPartitions = 1) => ({
  name,
  numPartitions,
  replicationFactor: 1,
  configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
});

describe('ClusterMetadata', () => {
  it('begins a new log as Kafka does', async () => {
    const node = await Node.start();
    expect(node.batches()).toEqual([
      ['control 2 epoch 1'],
      ['BeginTransaction v0', 'FeatureLevel v0', 'EndTransaction v0'],
      ['RegisterController v0'],
      ['RegisterBroker v3'],
      ['BrokerRegistrationChange v0 -1'],
    ]);
    expect(node.metadata.brokerEpoch).toBe(5);
    const state = node.fileSystem.readFile(`${DIRECTORY}/__cluster_metadata-0/quorum-state`).toString();
    expect(state).toBe(
      '{"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0}',
    );
  });

  it('begins a new epoch at every start and leaves in good order', async () => {
    const fileSystem = await (await Node.start()).stop();
    const node = await Node.start(fileSystem);
    expect(node.batches().slice(5)).toEqual([
      ['BrokerRegistrationChange v0 1'],
      ['control 2 epoch 2'],
      ['RegisterController v0'],
      ['RegisterBroker v3'],
      ['BrokerRegistrationChange v0 -1'],
    ]);
  });

  it('never lowers the epoch, also when the log was restored from an older copy', async () => {
    const fileSystem = await (await Node.start()).stop();
    const path = `${DIRECTORY}/__cluster_metadata-0/quorum-state`;
    fileSystem.writeFileAtomic(path, '{"leaderEpoch":9,"data_version":0}');
    const node = await Node.start(fileSystem);
    expect(node.batches()[6]).toEqual(['control 2 epoch 10']);
  });

  it('refuses a quorum of several nodes, and one that keeps its voters in the log', async () => {
    const fileSystem = await (await Node.start()).stop();
    fileSystem.writeFileAtomic(`${DIRECTORY}/__cluster_metadata-0/quorum-state`, '{"leaderEpoch":1,"data_version":1}');
    await expect(Node.start(fileSystem)).rejects.toThrow(/data_version 1/);
    const path = `${DIRECTORY}/__cluster_metadata-0/quorum-state`;
    fileSystem.writeFileAtomic(
      path,
      '{"leaderEpoch":9,"currentVoters":[{"voterId":1},{"voterId":2}],"data_version":0}',
    );
    await expect(Node.start(fileSystem)).rejects.toMatchObject({ code: 'KAFKA_DATA_DIR_INVALID' });
  });

  it('writes one batch for one operation', async () => {
    const node = await Node.start();
    node.metadata.createTopic(topic('orders', { 'retention.ms': '5' }, 2));
    node.metadata.alterConfigs({ resourceType: 2, resourceName: 'orders' }, [
      { name: 'retention.ms', operation: 0, value: '6' },
      { name: 'segment.ms', operation: 0, value: '7' },
    ]);
    node.metadata.createPartitions({ name: 'orders', count: 3, assignments: null });
    await node.metadata.producerIds.next();
    await node.metadata.producerIds.next();
    expect(node.batches(7)).toEqual([
      ['Topic v0', 'Config v0 retention.ms=5', 'Partition v2', 'Partition v2'],
      ['Config v0 retention.ms=6', 'Config v0 segment.ms=7'],
      ['Partition v2'],
      ['ProducerIds v0 1000'],
    ]);
  });

  it('takes back the configuration of a topic before the topic, so that Kafka cannot give it to the next one', async () => {
    const node = await Node.start();
    node.metadata.createTopic(topic('orders', { 'retention.ms': '5', 'segment.ms': '6' }));
    const before = node.logs.get('__cluster_metadata', 0)!.logEndOffset;
    node.metadata.deleteTopic('orders');
    expect(node.batches(before)).toEqual([
      ['Config v0 retention.ms=null', 'Config v0 segment.ms=null', 'RemoveTopic v0'],
    ]);
    node.metadata.createTopic(topic('orders'));
    expect(node.metadata.topics.get('orders')!.config.overrides.size).toBe(0);
  });

  it('writes nothing for what changes nothing', async () => {
    const node = await Node.start();
    node.metadata.createTopic(topic('orders', { 'retention.ms': '5' }));
    const before = node.logs.get('__cluster_metadata', 0)!.logEndOffset;
    const orders = { resourceType: 2, resourceName: 'orders' };
    expect(node.metadata.alterConfigs(orders, [{ name: 'retention.ms', operation: 0, value: '5' }])).toBeUndefined();
    expect(node.metadata.alterConfigs(orders, [{ name: 'segment.ms', operation: 1, value: null }])).toBeUndefined();
    expect(node.logs.get('__cluster_metadata', 0)!.logEndOffset).toBe(before);
  });

  it('is the same after a replay, whatever was done before', async () => {
    const node = await Node.start();
    const { metadata } = node;
    for (const name of ['a', 'b', 'c']) metadata.createTopic(topic(name, { 'retention.ms': '5' }, 2));
    metadata.deleteTopic('b');
    metadata.createPartitions({ name: 'c', count: 4, assignments: null });
    metadata.alterConfigs({ resourceType: 4, resourceName: '' }, [
      { name: 'log.retention.bytes', operation: 0, value: '3' },
    ]);
    await metadata.producerIds.next();
    const seen = ({ image, topics }: ClusterMetadata) => ({
      topics: [...image.topics()],
      configs: [...topics.all()].map(({ name, config }) => [name, [...config.overrides]]),
      features: [...image.features],
      next: image.nextProducerId,
      logs: [...topics.all()].map(({ partitions }) => partitions.map((log) => log.topicId)),
    });
    const before = seen(metadata);
    const again = await Node.open(node.kill());
    expect(seen(again.metadata)).toEqual(before);
    expect((again.metadata.createTopic(topic('d')) as TopicPlan).numPartitions).toBe(1);
  });

  it('makes the logs that a crash kept from being made', async () => {
    const node = await Node.start();
    node.fileSystem.onOperation = (operation, path) =>
      path.includes('orders-1') && operation !== 'sync' ? { code: 'EIO', crash: true } : undefined;
    expect(() => node.metadata.createTopic(topic('orders', {}, 2))).toThrow(/orders-1/);
    node.fileSystem.onOperation = undefined;
    const again = await Node.start(node.kill());
    expect(again.metadata.topics.get('orders')!.partitions).toHaveLength(2);
  });

  it('keeps logs that no topic claims, out of the way', async () => {
    const node = await Node.start();
    node.metadata.createTopic(topic('orders'));
    const batch = encodeRecords([{ key: null, value: Buffer.from('a') }], { timestamp: 1 });
    node.metadata.topics.log('orders', 0)!.append(batch, { origin: 'client', now: 1 });
    const fileSystem = await node.stop();
    fileSystem.remove(`${DIRECTORY}/__cluster_metadata-0`);
    const again = await Node.start(fileSystem);
    expect(fileSystem.list(DIRECTORY).filter((name) => /^orders-0\.[0-9a-f]{32}-stray$/.test(name))).toHaveLength(1);
    again.metadata.createTopic(topic('orders'));
    expect(again.metadata.topics.log('orders', 0)!.logEndOffset).toBe(0);
  });

  it('raises the leader epochs only where the machine went down', async () => {
    const node = await Node.start();
    node.metadata.createTopic(topic('orders'));
    const epochOf = ({ metadata }: Node) => metadata.topics.get('orders')!.state.partitions[0]!.leaderEpoch;
    const killed = await Node.start(node.kill());
    expect(epochOf(killed)).toBe(0);
    const restarted = await Node.start(await killed.stop());
    expect(epochOf(restarted)).toBe(0);
    const rebooted = await Node.start(restarted.kill(), 'next boot');
    expect(epochOf(rebooted)).toBe(1);
    expect(rebooted.metadata.topics.log('orders', 0)!.leaderEpoch).toBe(1);
  });

  it('reads past a transaction without an end, and closes it', async () => {
    const node = await Node.start();
    const log = node.logs.get('__cluster_metadata', 0)!;
    const open = [
      metadataRecord(BeginTransaction, 0, {}),
      metadataRecord(Topic, 0, { name: 'ghost', topicId: 'AAAAAAAAAAAAAAAAAAAABw' }),
    ];
    const records = open.map((record) => ({ key: null, value: encodeMetadataRecord(record) }));
    log.append(encodeRecords(records, { timestamp: 1 }), { origin: 'coordinator', now: 1 });
    const again = await Node.start(node.kill());
    expect(again.metadata.topics.get('ghost')).toBeUndefined();
    expect(again.batches(log.logEndOffset + 1)[0]).toEqual([`${AbortTransaction.name} v0`]);
  });

  it.each([
    ['metadata.version', 31, /metadata.version 31; up to 30 is known/],
    ['eligible.leader.replicas.version', 1, /not served here: eligible.leader.replicas.version/],
  ])('refuses a directory with %s %d', async (name, featureLevel, message) => {
    const node = await Node.start();
    const log = node.logs.get('__cluster_metadata', 0)!;
    const value = encodeMetadataRecord(metadataRecord(FeatureLevel, 0, { name, featureLevel }));
    log.append(encodeRecords([{ key: null, value }], { timestamp: 1 }), { origin: 'coordinator', now: 1 });
    await expect(Node.open(node.kill())).rejects.toMatchObject({
      code: 'KAFKA_DATA_DIR_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('does not tell of a producer id before its block is durable', async () => {
    const node = await Node.start();
    const device = deferred();
    node.fileSystem.beforeSync = () => device.promise;
    let given = false;
    const next = node.metadata.producerIds.next().finally(() => {
      given = true;
    });
    await new Promise(setImmediate);
    expect(given).toBe(false);
    expect(node.batches(7)).toEqual([['ProducerIds v0 1000']]);
    device.resolve();
    expect(await next).toBe(0n);
  });
});
