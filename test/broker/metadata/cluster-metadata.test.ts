import { describe, expect, it } from '@jest/globals';
import { ClusterMetadata } from '../../../src/broker/metadata/cluster-metadata.js';
import { encodeMetadataRecord, metadataRecord } from '../../../src/broker/metadata/metadata-record.js';
import {
  AbortTransaction,
  BeginTransaction,
  FeatureLevel,
  Topic,
} from '../../../src/broker/metadata/metadata-records.js';
import { type TopicPlan } from '../../../src/broker/metadata/topic-plans.js';
import { deferred } from '../../../src/common/lifecycle.js';
import { encodeRecords } from '../../../src/protocol/record-batch.js';
import { DIRECTORY, MetadataNode, topic } from './metadata-node.js';

// The metadata log: what is in it, in which order, and what a start makes of it.

describe('ClusterMetadata', () => {
  it('begins a new log as Kafka does', async () => {
    const node = await MetadataNode.start();
    expect(node.batches()).toEqual([
      ['control 2 epoch 1'],
      ['BeginTransaction v0', 'FeatureLevel v0', 'FeatureLevel v0', 'EndTransaction v0'],
      ['RegisterController v0'],
      ['RegisterBroker v3'],
      ['BrokerRegistrationChange v0 -1'],
    ]);
    expect(node.metadata.brokerEpoch).toBe(6);
    const state = node.fileSystem.readFile(`${DIRECTORY}/__cluster_metadata-0/quorum-state`).toString();
    expect(state).toBe(
      '{"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0}',
    );
  });

  it('begins a new epoch at every start and leaves in good order', async () => {
    const fileSystem = await (await MetadataNode.start()).stop();
    const node = await MetadataNode.start(fileSystem);
    expect(node.batches().slice(5)).toEqual([
      ['BrokerRegistrationChange v0 1'],
      ['control 2 epoch 2'],
      ['RegisterController v0'],
      ['RegisterBroker v3'],
      ['BrokerRegistrationChange v0 -1'],
    ]);
  });

  it('never lowers the epoch, also when the log was restored from an older copy', async () => {
    const fileSystem = await (await MetadataNode.start()).stop();
    const path = `${DIRECTORY}/__cluster_metadata-0/quorum-state`;
    fileSystem.writeFileAtomic(path, '{"leaderEpoch":9,"data_version":0}');
    const node = await MetadataNode.start(fileSystem);
    expect(node.batches()[6]).toEqual(['control 2 epoch 10']);
  });

  it('refuses a quorum of several nodes, and a form of it that it does not know', async () => {
    const fileSystem = await (await MetadataNode.start()).stop();
    const path = `${DIRECTORY}/__cluster_metadata-0/quorum-state`;
    fileSystem.writeFileAtomic(path, '{"leaderEpoch":1,"data_version":2}');
    await expect(MetadataNode.start(fileSystem)).rejects.toThrow(/data_version 2; up to 1 is known/);
    fileSystem.writeFileAtomic(
      path,
      '{"leaderEpoch":9,"currentVoters":[{"voterId":1},{"voterId":2}],"data_version":0}',
    );
    await expect(MetadataNode.start(fileSystem)).rejects.toMatchObject({ code: 'KAFKA_DATA_DIR_INVALID' });
  });

  it('writes one batch for one operation', async () => {
    const node = await MetadataNode.start();
    node.metadata.createTopic(topic('orders', { 'retention.ms': '5' }, 2));
    node.metadata.alterConfigs({ resourceType: 2, resourceName: 'orders' }, [
      { name: 'retention.ms', operation: 0, value: '6' },
      { name: 'segment.ms', operation: 0, value: '7' },
    ]);
    node.metadata.createPartitions({ name: 'orders', count: 3, assignments: null });
    await node.metadata.producerIds.next();
    await node.metadata.producerIds.next();
    expect(node.batches(8)).toEqual([
      ['Topic v0', 'Config v0 retention.ms=5', 'Partition v2', 'Partition v2'],
      ['Config v0 retention.ms=6', 'Config v0 segment.ms=7'],
      ['Partition v2'],
      ['ProducerIds v0 1000'],
    ]);
  });

  it('takes back the configuration of a topic before the topic, so that Kafka cannot give it to the next one', async () => {
    const node = await MetadataNode.start();
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
    const node = await MetadataNode.start();
    node.metadata.createTopic(topic('orders', { 'retention.ms': '5' }));
    const before = node.logs.get('__cluster_metadata', 0)!.logEndOffset;
    const orders = { resourceType: 2, resourceName: 'orders' };
    expect(node.metadata.alterConfigs(orders, [{ name: 'retention.ms', operation: 0, value: '5' }])).toBeUndefined();
    expect(node.metadata.alterConfigs(orders, [{ name: 'segment.ms', operation: 1, value: null }])).toBeUndefined();
    expect(node.logs.get('__cluster_metadata', 0)!.logEndOffset).toBe(before);
  });

  it('is the same after a replay, whatever was done before', async () => {
    const node = await MetadataNode.start();
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
    const again = await MetadataNode.open(node.kill());
    expect(seen(again.metadata)).toEqual(before);
    expect((again.metadata.createTopic(topic('d')) as TopicPlan).numPartitions).toBe(1);
  });

  it('makes the logs that a crash kept from being made', async () => {
    const node = await MetadataNode.start();
    node.fileSystem.onOperation = (operation, path) =>
      path.includes('orders-1') && operation !== 'sync' ? { code: 'EIO', crash: true } : undefined;
    expect(() => node.metadata.createTopic(topic('orders', {}, 2))).toThrow(/orders-1/);
    node.fileSystem.onOperation = undefined;
    const again = await MetadataNode.start(node.kill());
    expect(again.metadata.topics.get('orders')!.partitions).toHaveLength(2);
  });

  it('keeps logs that no topic claims, out of the way', async () => {
    const node = await MetadataNode.start();
    node.metadata.createTopic(topic('orders'));
    const batch = encodeRecords([{ key: null, value: Buffer.from('a') }], { timestamp: 1 });
    node.metadata.topics.log('orders', 0)!.append(batch, { origin: 'client', now: 1 });
    const fileSystem = await node.stop();
    fileSystem.remove(`${DIRECTORY}/__cluster_metadata-0`);
    const again = await MetadataNode.start(fileSystem);
    expect(fileSystem.list(DIRECTORY).filter((name) => /^orders-0\.[0-9a-f]{32}-stray$/.test(name))).toHaveLength(1);
    again.metadata.createTopic(topic('orders'));
    expect(again.metadata.topics.log('orders', 0)!.logEndOffset).toBe(0);
  });

  it('raises the leader epochs only where the machine went down', async () => {
    const node = await MetadataNode.start();
    node.metadata.createTopic(topic('orders'));
    const epochOf = ({ metadata }: MetadataNode) => metadata.topics.get('orders')!.state.partitions[0]!.leaderEpoch;
    const killed = await MetadataNode.start(node.kill());
    expect(epochOf(killed)).toBe(0);
    const restarted = await MetadataNode.start(await killed.stop());
    expect(epochOf(restarted)).toBe(0);
    const rebooted = await MetadataNode.start(restarted.kill(), 'next boot');
    expect(epochOf(rebooted)).toBe(1);
    expect(rebooted.metadata.topics.log('orders', 0)!.leaderEpoch).toBe(1);
  });

  it('reads past a transaction without an end, and closes it', async () => {
    const node = await MetadataNode.start();
    const log = node.logs.get('__cluster_metadata', 0)!;
    const open = [
      metadataRecord(BeginTransaction, 0, {}),
      metadataRecord(Topic, 0, { name: 'ghost', topicId: 'AAAAAAAAAAAAAAAAAAAABw' }),
    ];
    const records = open.map((record) => ({ key: null, value: encodeMetadataRecord(record) }));
    log.append(encodeRecords(records, { timestamp: 1 }), { origin: 'coordinator', now: 1 });
    const again = await MetadataNode.start(node.kill());
    expect(again.metadata.topics.get('ghost')).toBeUndefined();
    expect(again.batches(log.logEndOffset + 1)[0]).toEqual([`${AbortTransaction.name} v0`]);
  });

  it.each([
    ['metadata.version', 31, /metadata.version 31; up to 30 is known/],
    ['metadata.version', 6, /metadata.version 6; 7 is the lowest/],
    ['transaction.version', 3, /transaction.version 3; up to 2 is known/],
    ['telepathy.version', 1, /not known here: telepathy.version/],
  ])('refuses a directory with %s %d', async (name, featureLevel, message) => {
    const node = await MetadataNode.start();
    const log = node.logs.get('__cluster_metadata', 0)!;
    const value = encodeMetadataRecord(metadataRecord(FeatureLevel, 0, { name, featureLevel }));
    log.append(encodeRecords([{ key: null, value }], { timestamp: 1 }), { origin: 'coordinator', now: 1 });
    await expect(MetadataNode.open(node.kill())).rejects.toMatchObject({
      code: 'KAFKA_DATA_DIR_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('does not tell of a producer id before its block is durable', async () => {
    const node = await MetadataNode.start();
    const device = deferred();
    node.fileSystem.beforeSync = () => device.promise;
    let given = false;
    const next = node.metadata.producerIds.next().finally(() => {
      given = true;
    });
    await new Promise(setImmediate);
    expect(given).toBe(false);
    expect(node.batches(8)).toEqual([['ProducerIds v0 1000']]);
    device.resolve();
    expect(await next).toBe(0n);
  });
});
