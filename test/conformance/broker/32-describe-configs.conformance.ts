import { describe, expect, it } from '@jest/globals';
import { DescribeConfigs } from '../../../src/protocol/messages/index.js';
import { byText } from './harness/by-text.js';
import { BROKER, ConfigAdmin, TOPIC } from './harness/configs.js';
import { conformance } from './harness/world.js';

const world = conformance();
const admin = new ConfigAdmin(world);
describe('DescribeConfigs', () => {
  it.each([1, 2, 3, 4])('v%i describes what a topic overrides', async (version) => {
    const topic = await world.topic({ configs: { 'retention.ms': '777000' } });
    const answer = await admin.describeOne(topic.name, ['retention.ms', 'cleanup.policy'], TOPIC, {}, version);
    expect(answer).toMatchObject({ errorCode: 0, resourceType: TOPIC, resourceName: topic.name });
    const found = Object.fromEntries(answer.configs.map((config) => [config.name, config]));
    expect(Object.keys(found).sort(byText)).toEqual(['cleanup.policy', 'retention.ms']);
    expect(found['retention.ms']).toMatchObject({
      value: '777000',
      configSource: 1,
      readOnly: false,
      isSensitive: false,
    });
    expect(found['cleanup.policy']).toMatchObject({ value: 'delete', configSource: 5, readOnly: false });
    if (version >= 3) expect([found['retention.ms']!.configType, found['cleanup.policy']!.configType]).toEqual([5, 7]);
  });

  it('with null gives every key of a topic', async () => {
    const topic = await world.topic();
    const { configs } = await admin.describeOne(topic.name, null);
    const names = configs.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const key of KAFKA_TOPIC_KEYS) expect(names).toContain(key);
    expect(names.length).toBe(KAFKA_TOPIC_KEYS.length);
  });

  it('has the types and defaults of Kafka', async () => {
    const topic = await world.topic();
    const { configs } = await admin.describeOne(topic.name, null);
    const found = Object.fromEntries(configs.map(({ name, value, configType }) => [name, [value, configType]]));
    for (const [key, ...expected] of TOPIC_DEFAULTS) expect([key, ...(found[key] ?? [])]).toEqual([key, ...expected]);
  });

  it('leaves out keys that there are not', async () => {
    const topic = await world.topic();
    const { errorCode, configs } = await admin.describeOne(topic.name, ['no.such.key', 'retention.ms']);
    expect(errorCode).toBe(0);
    expect(configs.map(({ name }) => name)).toEqual(['retention.ms']);
  });

  it('gives synonyms in the order in which they count', async () => {
    const topic = await world.topic({ configs: { 'max.message.bytes': '777000', 'retention.ms': '777000' } });
    const keys = [...Object.keys(SYNONYMS), 'retention.ms', 'max.message.bytes'];
    const { configs } = await admin.describeOne(topic.name, keys, TOPIC, { includeSynonyms: true });
    const found = configs.map(({ name, synonyms }) => [name, synonyms.map((one) => [one.name, one.value, one.source])]);
    expect(Object.fromEntries(found)).toEqual({
      ...SYNONYMS,
      'max.message.bytes': [
        ['max.message.bytes', '777000', 1],
        ['message.max.bytes', '1048588', 5],
      ],
      'retention.ms': [['retention.ms', '777000', 1]],
    });
  });

  it('gives synonyms only to those who ask', async () => {
    const topic = await world.topic();
    expect((await admin.describeOne(topic.name, ['retention.ms'])).configs[0]!.synonyms).toEqual([]);
  });

  it('gives documentation only to those who ask', async () => {
    const topic = await world.topic();
    const without = await admin.describeOne(topic.name, ['retention.ms']);
    const withIt = await admin.describeOne(topic.name, ['retention.ms'], TOPIC, { includeDocumentation: true });
    expect(without.configs[0]!.documentation).toBeNull();
    expect(withIt.configs[0]!.documentation!.length).toBeGreaterThan(10);
  });

  it('of an unknown topic answers 3', async () => {
    const name = world.name();
    expect(await admin.describeOne(name, null)).toMatchObject({ errorCode: 3, resourceName: name, configs: [] });
  });

  it.each([
    ['a name that no topic can have', TOPIC, 'a b', 17],
    ['an empty topic name', TOPIC, '', 17],
    ['a broker that there is not', BROKER, '4711', 42],
    ['a broker whose name is no number', BROKER, 'one', 42],
    ['a kind that there is not', 99, 'x', 42],
    ['a kind of 0', 0, 'x', 42],
  ])('of %s answers with an error', async (_, type, name, code) => {
    const answer = await admin.describeOne(name, null, type);
    expect(answer).toMatchObject({ errorCode: code, resourceName: name, configs: [] });
  });

  it('describes the broker', async () => {
    const { errorCode, configs } = await admin.describeOne(await admin.nodeId(), null, BROKER);
    expect(errorCode).toBe(0);
    const found = Object.fromEntries(configs.map((config) => [config.name, config]));
    expect(found['num.partitions']).toMatchObject({ value: '1', configSource: 5, configType: 3 });
    expect(found['log.retention.hours']).toMatchObject({ value: '168', configType: 3 });
    expect([found['node.id']!.readOnly, found['num.partitions']!.readOnly]).toEqual([true, true]);
    expect(found['log.retention.ms']!.readOnly).toBe(false);
    expect(found['group.min.session.timeout.ms']).toMatchObject({ value: '300', configSource: 4 });
  });

  it('describes what is set for all brokers, which is nothing', async () => {
    const { errorCode, configs } = await admin.describeOne('', ['num.partitions', 'log.retention.hours'], BROKER);
    expect([errorCode, configs]).toEqual([0, []]);
  });

  it('answers several resources, each with its own', async () => {
    const topic = await world.topic();
    const absent = world.name();
    const resources = [topic.name, absent].map((resourceName) => ({
      resourceType: TOPIC,
      resourceName,
      configurationKeys: ['retention.ms'],
    }));
    const { results } = await world.send(DescribeConfigs, 4, { resources, includeSynonyms: false });
    expect(results.map(({ resourceName, errorCode }) => [resourceName, errorCode]).sort(byText)).toEqual(
      [
        [topic.name, 0],
        [absent, 3],
      ].sort(byText),
    );
  });
});

const TOPIC_DEFAULTS: readonly (readonly [string, string, number])[] = [
  ['cleanup.policy', 'delete', 7],
  ['compression.type', 'producer', 2],
  ['delete.retention.ms', '86400000', 5],
  ['file.delete.delay.ms', '60000', 5],
  ['flush.messages', '9223372036854775807', 5],
  ['flush.ms', '9223372036854775807', 5],
  ['index.interval.bytes', '4096', 3],
  ['max.compaction.lag.ms', '9223372036854775807', 5],
  ['max.message.bytes', '1048588', 3],
  ['message.timestamp.after.max.ms', '3600000', 5],
  ['message.timestamp.before.max.ms', '9223372036854775807', 5],
  ['message.timestamp.type', 'CreateTime', 2],
  ['min.cleanable.dirty.ratio', '0.5', 6],
  ['min.compaction.lag.ms', '0', 5],
  ['min.insync.replicas', '1', 3],
  ['preallocate', 'false', 1],
  ['retention.bytes', '-1', 5],
  ['retention.ms', '604800000', 5],
  ['segment.bytes', '1073741824', 3],
  ['segment.index.bytes', '10485760', 3],
  ['segment.jitter.ms', '0', 5],
  ['segment.ms', '604800000', 5],
  ['unclean.leader.election.enable', 'false', 1],
];
/** Defaults under the broker's names. Those of another unit (hours for ms) are not listed. */
const SYNONYMS: Readonly<Record<string, unknown>> = {
  'cleanup.policy': [['log.cleanup.policy', 'delete', 5]],
  'segment.bytes': [['log.segment.bytes', '1073741824', 5]],
  'segment.ms': [],
  'flush.ms': [],
  'compression.type': [['compression.type', 'producer', 5]],
  'message.timestamp.type': [['log.message.timestamp.type', 'CreateTime', 5]],
};
const KAFKA_TOPIC_KEYS = [
  ...TOPIC_DEFAULTS.map(([key]) => key),
  'compression.gzip.level',
  'compression.lz4.level',
  'compression.zstd.level',
  'follower.replication.throttled.replicas',
  'leader.replication.throttled.replicas',
  'local.retention.bytes',
  'local.retention.ms',
  'remote.log.copy.disable',
  'remote.log.delete.on.disable',
  'remote.storage.enable',
];
