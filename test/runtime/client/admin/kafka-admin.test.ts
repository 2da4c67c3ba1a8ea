import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { KafkaAdmin, TopicBuilder } from '../../../../src/index.js';
import { KafkajsCluster } from '../../../../src/runtime/client/cluster/kafkajs-cluster.js';
import { until } from '../../../../src/testing/until.js';
import { type ClientBroker, startClientBroker } from '../../../support/client-broker.js';
import { RecordingLogger } from '../../../support/fake-clients.js';

// The admin client on our broker, or on Apache Kafka.

const names: string[] = [];
const admins: KafkaAdmin[] = [];
let broker: ClientBroker;
let admin: KafkaAdmin;
let logger: RecordingLogger;

const nameOf = (prefix: string) => `${prefix}-${process.pid}-${process.hrtime.bigint()}`;
function topicName(): string {
  names.push(nameOf('admin'));
  return names.at(-1)!;
}

function adminOf(more: Partial<ConstructorParameters<typeof KafkaAdmin>[0]> = {}): KafkaAdmin {
  const made = new KafkaAdmin({
    openCluster: () =>
      new KafkajsCluster({ bootstrapServers: [broker.address], clientId: 'admin-test', allowAutoCreateTopics: false }),
    logger,
    ...more,
  });
  admins.push(made);
  return made;
}

beforeAll(async () => {
  broker = await startClientBroker();
  logger = new RecordingLogger();
  admin = adminOf();
});
afterEach(async () => {
  await admin.deleteTopics(...names.splice(0));
});
afterAll(async () => {
  for (const one of admins.splice(0)) await one.close();
  await broker.stop();
});

describe('topics', () => {
  it('are created, given more partitions, described, listed and deleted', async () => {
    const name = topicName();
    await admin.createOrModifyTopics(
      TopicBuilder.name(name).partitions(2).replicas(1).config('retention.ms', 60_000).build(),
    );
    expect((await admin.describeTopics(name)).get(name)).toMatchObject({
      name,
      isInternal: false,
      partitions: [{ partition: 0, replicas: [expect.any(Number)] }, { partition: 1 }],
    });
    await admin.createOrModifyTopics({ name, partitions: 5 });
    await until(async () => (await admin.describeTopics(name)).get(name)?.partitions.length === 5);
    await admin.createOrModifyTopics({ name, partitions: 1 });
    expect(logger.lines.at(-1)).toBe(`warn topic ${name} has 5 partitions and 1 are declared: Kafka takes none away`);
    expect(await admin.listTopics()).toContain(name);
    names.pop();
    await admin.deleteTopics(name);
    await until(async () => !(await admin.listTopics()).includes(name));
    expect((await admin.describeTopics(name)).size).toBe(0);
    await expect(admin.deleteTopics(name)).rejects.toMatchObject({ errorName: 'UNKNOWN_TOPIC_OR_PARTITION' });
  });

  it('have configs, which are changed where that is asked for', async () => {
    const name = topicName();
    await admin.createOrModifyTopics(TopicBuilder.name(name).partitions(1).compact().build());
    expect((await admin.topicConfigs(name)).get('cleanup.policy')).toMatchObject({
      value: 'compact',
      isDefault: false,
    });
    await admin.alterTopicConfigs(name, { 'retention.ms': '1234', 'cleanup.policy': null });
    const value = async (key: string) => (await admin.topicConfigs(name)).get(key)?.value;
    await until(async () => (await value('retention.ms')) === '1234' && (await value('cleanup.policy')) === 'delete');
    const declared = { name, configs: { 'retention.ms': 5678 } };
    await admin.createOrModifyTopics(declared);
    expect(await value('retention.ms')).toBe('1234');
    await adminOf({ modifyTopicConfigs: true }).createOrModifyTopics(declared);
    await until(async () => (await value('retention.ms')) === '5678');
    await expect(admin.alterTopicConfigs(name, { 'no.such.config': '1' })).rejects.toMatchObject({
      errorName: expect.stringMatching(/INVALID_CONFIG|INVALID_REQUEST/),
    });
  });

  it('have configs with the one who set them, and with their meaning', async () => {
    const name = topicName();
    await admin.createOrModifyTopics(TopicBuilder.name(name).partitions(1).config('retention.ms', 60_000).build());
    const configs = await admin.topicConfigs(name);
    expect(configs.get('retention.ms')).toMatchObject({ origin: 'topic', isDefault: false });
    expect(configs.get('segment.ms')).toMatchObject({ origin: 'default', isDefault: true });
    expect((await admin.configDocumentation({ kind: 'topic', name })).get('retention.ms')).toMatch(/\w+ \w+/);
    const { nodeId } = (await admin.describeCluster()).nodes[0]!;
    const owner = { kind: 'broker', name: String(nodeId) } as const;
    // Whoever starts it gives it this one, in its file.
    const broker = (await admin.describeConfigs(owner)).get(owner.name)!;
    expect(broker.get('group.initial.rebalance.delay.ms')).toMatchObject({ value: '0', origin: 'file' });
    expect((await admin.configDocumentation(owner)).get('replica.fetch.max.bytes')).toMatch(/\w+ \w+/);
  });

  it('lie in directories of brokers', async () => {
    const { nodeId } = (await admin.describeCluster()).nodes[0]!;
    expect(await admin.logDirs(nodeId)).toEqual([
      { path: expect.stringMatching(/^\//), totalBytes: expect.any(Number), usableBytes: expect.any(Number) },
    ]);
  });

  it('with more copies than one node can hold have one, with a warning, on ours; elsewhere they are refused', async () => {
    const name = topicName();
    const declared = TopicBuilder.name(name).partitions(1).replicas(3).build();
    const outcome = await admin.createOrModifyTopics(declared).then(
      () => 'made',
      (error: { errorName?: string }) => error.errorName,
    );
    expect(outcome).toBe(broker.isApacheKafka ? 'INVALID_REPLICATION_FACTOR' : 'made');
    if (broker.isApacheKafka) names.pop();
    const copies = (await admin.describeTopics(name)).get(name)?.partitions[0]?.replicas.length;
    expect(copies).toBe(broker.isApacheKafka ? undefined : 1);
    const warnings = logger.lines.filter((line) =>
      line.startsWith(`warn ${name}: declared with more than one replica`),
    );
    expect(warnings).toHaveLength(broker.isApacheKafka ? 0 : 1);
  });

  it('have offsets, and lose records before one', async () => {
    const name = topicName();
    await admin.createOrModifyTopics({ name, partitions: 2 });
    expect((await admin.topicOffsets(name)).map(({ partition, offset }) => `${partition}@${offset}`).sort()).toEqual([
      '0@0',
      '1@0',
    ]);
    expect(await admin.offsetsAt([{ topic: name, partition: 1 }], Date.now())).toEqual([
      { topic: name, partition: 1, offset: 0 },
    ]);
    expect(await admin.deleteRecords([{ topic: name, partition: 0, offset: 0 }])).toEqual([
      { topic: name, partition: 0, offset: 0 },
    ]);
    await expect(admin.deleteRecords([{ topic: name, partition: 0, offset: 5 }])).rejects.toMatchObject({
      errorName: 'OFFSET_OUT_OF_RANGE',
    });
  });
});

describe('groups', () => {
  it('have offsets that can be moved and forgotten while nobody is in them', async () => {
    const topic = topicName();
    const groupId = nameOf('group');
    await admin.createOrModifyTopics({ name: topic, partitions: 2 });
    await admin.alterGroupOffsets(groupId, [
      { topic, partition: 0, offset: 0 },
      { topic, partition: 1, offset: 0 },
    ]);
    expect((await admin.groupOffsets(groupId)).sort((a, b) => a.partition - b.partition)).toEqual([
      { topic, partition: 0, offset: 0, metadata: '', end: 0, lag: 0 },
      { topic, partition: 1, offset: 0, metadata: '', end: 0, lag: 0 },
    ]);
    expect((await admin.listGroups()).find((group) => group.groupId === groupId)).toBeDefined();
    expect((await admin.describeGroups(groupId)).get(groupId)).toMatchObject({ state: 'Empty', members: [] });
    await admin.deleteGroupOffsets(groupId, [{ topic, partition: 1 }]);
    expect((await admin.groupOffsets(groupId)).map(({ partition }) => partition)).toEqual([0]);
    await admin.deleteGroups(groupId);
    expect((await admin.describeGroups(groupId)).get(groupId)!.state).toBe('Dead');
    await expect(admin.deleteGroups(groupId)).rejects.toMatchObject({ errorName: 'GROUP_ID_NOT_FOUND' });
  });
});

describe('the cluster', () => {
  it('has an id and nodes', async () => {
    const { clusterId, nodes } = await admin.describeCluster();
    expect([await admin.clusterId(), nodes.length]).toEqual([clusterId, 1]);
    const { nodeId } = nodes[0]!;
    const configs = await admin.describeConfigs({ kind: 'broker', name: String(nodeId) });
    expect(configs.get(String(nodeId))!.size).toBeGreaterThan(10);
  });

  it('that is away is asked until the time of an operation is over', async () => {
    const away = adminOf({
      openCluster: () => new KafkajsCluster({ bootstrapServers: ['127.0.0.1:1'], clientId: 'x' }),
      operationTimeoutMs: 50,
    });
    await expect(away.listTopics()).rejects.toMatchObject({ code: 'KAFKA_CONNECTION_FAILED' });
    const ended = adminOf();
    await ended.close();
    await expect(ended.listTopics()).rejects.toMatchObject({ code: 'KAFKA_STOPPED' });
  });
});
