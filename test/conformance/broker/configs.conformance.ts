import { describe, expect, it } from '@jest/globals';
import {
  AlterConfigs,
  DescribeConfigs,
  IncrementalAlterConfigs,
  Metadata,
} from '../../../src/protocol/messages/index.js';
import { batch } from './harness/batches.js';
import { byText } from './harness/by-text.js';
import { eventually } from './harness/eventually.js';
import { conformance } from './harness/world.js';

const world = conformance();
const TOPIC = 2;
const BROKER = 4;
const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;

const nodeId = async () => String((await world.send(Metadata, 9, { topics: [] })).brokers[0]!.nodeId);

async function describeOne(name: string, keys: string[] | null, type = TOPIC, more = {}, version = 4) {
  const answer = await world.send(DescribeConfigs, version, {
    resources: [{ resourceType: type, resourceName: name, configurationKeys: keys }],
    includeSynonyms: false,
    ...more,
  });
  return answer.results[0]!;
}

/** Value and source of one key. */
async function configOf(name: string, key: string, type = TOPIC): Promise<[string | null, number] | undefined> {
  const { configs } = await describeOne(name, [key], type);
  return configs[0] && [configs[0].value, configs[0].configSource];
}

type Change = [name: string, operation: number, value: string | null];

async function change(
  name: string,
  changes: readonly Change[],
  { type = TOPIC, validateOnly = false, version = 1 } = {},
) {
  const configs = changes.map(([key, configOperation, value]) => ({ name: key, configOperation, value }));
  const resources = [{ resourceType: type, resourceName: name, configs }];
  return (await world.send(IncrementalAlterConfigs, version, { resources, validateOnly })).responses[0]!;
}

async function replace(
  name: string,
  configs: Record<string, string | null>,
  { validateOnly = false, version = 2 } = {},
) {
  const given = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
  const resources = [{ resourceType: TOPIC, resourceName: name, configs: given }];
  return (await world.send(AlterConfigs, version, { resources, validateOnly })).responses[0]!;
}

describe('DescribeConfigs', () => {
  it.each([1, 2, 3, 4])('v%i describes what a topic overrides', async (version) => {
    const topic = await world.topic({ configs: { 'retention.ms': '777000' } });
    const answer = await describeOne(topic.name, ['retention.ms', 'cleanup.policy'], TOPIC, {}, version);
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
    const { configs } = await describeOne(topic.name, null);
    const names = configs.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const key of KAFKA_TOPIC_KEYS) expect(names).toContain(key);
    expect(names.length).toBe(KAFKA_TOPIC_KEYS.length);
  });

  it('has the types and defaults of Kafka', async () => {
    const topic = await world.topic();
    const { configs } = await describeOne(topic.name, null);
    const found = Object.fromEntries(configs.map(({ name, value, configType }) => [name, [value, configType]]));
    for (const [key, ...expected] of TOPIC_DEFAULTS) expect([key, ...(found[key] ?? [])]).toEqual([key, ...expected]);
  });

  it('leaves out keys that there are not', async () => {
    const topic = await world.topic();
    const { errorCode, configs } = await describeOne(topic.name, ['no.such.key', 'retention.ms']);
    expect(errorCode).toBe(0);
    expect(configs.map(({ name }) => name)).toEqual(['retention.ms']);
  });

  it('gives synonyms in the order in which they count', async () => {
    const topic = await world.topic({ configs: { 'max.message.bytes': '777000', 'retention.ms': '777000' } });
    const keys = [...Object.keys(SYNONYMS), 'retention.ms', 'max.message.bytes'];
    const { configs } = await describeOne(topic.name, keys, TOPIC, { includeSynonyms: true });
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
    expect((await describeOne(topic.name, ['retention.ms'])).configs[0]!.synonyms).toEqual([]);
  });

  it('gives documentation only to those who ask', async () => {
    const topic = await world.topic();
    const without = await describeOne(topic.name, ['retention.ms']);
    const withIt = await describeOne(topic.name, ['retention.ms'], TOPIC, { includeDocumentation: true });
    expect(without.configs[0]!.documentation).toBeNull();
    expect(withIt.configs[0]!.documentation!.length).toBeGreaterThan(10);
  });

  it('of an unknown topic answers 3', async () => {
    const name = world.name();
    expect(await describeOne(name, null)).toMatchObject({ errorCode: 3, resourceName: name, configs: [] });
  });

  it.each([
    ['a name that no topic can have', TOPIC, 'a b', 17],
    ['an empty topic name', TOPIC, '', 17],
    ['a broker that there is not', BROKER, '4711', 42],
    ['a broker whose name is no number', BROKER, 'one', 42],
    ['a kind that there is not', 99, 'x', 42],
    ['a kind of 0', 0, 'x', 42],
  ])('of %s answers with an error', async (_, type, name, code) => {
    const answer = await describeOne(name, null, type);
    expect(answer).toMatchObject({ errorCode: code, resourceName: name, configs: [] });
  });

  it('describes the broker', async () => {
    const { errorCode, configs } = await describeOne(await nodeId(), null, BROKER);
    expect(errorCode).toBe(0);
    const found = Object.fromEntries(configs.map((config) => [config.name, config]));
    expect(found['num.partitions']).toMatchObject({ value: '1', configSource: 5, configType: 3 });
    expect(found['log.retention.hours']).toMatchObject({ value: '168', configType: 3 });
    expect([found['node.id']!.readOnly, found['num.partitions']!.readOnly]).toEqual([true, true]);
    expect(found['log.retention.ms']!.readOnly).toBe(false);
    expect(found['group.min.session.timeout.ms']).toMatchObject({ value: '300', configSource: 4 });
  });

  it('describes what is set for all brokers, which is nothing', async () => {
    const { errorCode, configs } = await describeOne('', ['num.partitions', 'log.retention.hours'], BROKER);
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

describe('IncrementalAlterConfigs', () => {
  it.each([0, 1])('v%i sets a key and leaves the others', async (version) => {
    const topic = await world.topic({ configs: { 'retention.ms': '1000000' } });
    const answer = await change(topic.name, [['segment.ms', SET, '60000']], { version });
    expect(answer).toMatchObject({ errorCode: 0, errorMessage: null, resourceType: TOPIC, resourceName: topic.name });
    await eventually(async () => expect(await configOf(topic.name, 'segment.ms')).toEqual(['60000', 1]));
    expect(await configOf(topic.name, 'retention.ms')).toEqual(['1000000', 1]);
  });

  it('deletes a key back to its default', async () => {
    const topic = await world.topic({ configs: { 'retention.ms': '1000000' } });
    expect((await change(topic.name, [['retention.ms', DELETE, null]])).errorCode).toBe(0);
    await eventually(async () => expect(await configOf(topic.name, 'retention.ms')).toEqual(['604800000', 5]));
  });

  it('deletes a key that is not set without an error', async () => {
    const topic = await world.topic();
    expect((await change(topic.name, [['retention.ms', DELETE, null]])).errorCode).toBe(0);
  });

  it('appends to and subtracts from a list', async () => {
    const topic = await world.topic();
    expect((await change(topic.name, [['cleanup.policy', APPEND, 'compact']])).errorCode).toBe(0);
    await eventually(async () => expect(await configOf(topic.name, 'cleanup.policy')).toEqual(['delete,compact', 1]));
    expect((await change(topic.name, [['cleanup.policy', APPEND, 'compact']])).errorCode).toBe(0);
    expect(await configOf(topic.name, 'cleanup.policy')).toEqual(['delete,compact', 1]);
    expect((await change(topic.name, [['cleanup.policy', SUBTRACT, 'delete']])).errorCode).toBe(0);
    await eventually(async () => expect(await configOf(topic.name, 'cleanup.policy')).toEqual(['compact', 1]));
  });

  it.each<[string, Change, number]>([
    ['an unknown key', ['no.such.key', SET, '1'], 40],
    ['a value of the wrong type', ['retention.ms', SET, 'long'], 40],
    ['a value out of range', ['retention.ms', SET, '-2'], 40],
    ['a word that is not in the list', ['cleanup.policy', SET, 'remove'], 40],
    ['an append to what is no list', ['retention.ms', APPEND, '1'], 40],
    ['a subtraction from what is no list', ['retention.ms', SUBTRACT, '1'], 40],
    ['no value', ['retention.ms', SET, null], 42],
  ])('refuses %s and changes nothing', async (_, one, code) => {
    const topic = await world.topic({ configs: { 'segment.ms': '60000' } });
    const answer = await change(topic.name, [['segment.ms', SET, '70000'], one]);
    expect([answer.errorCode, typeof answer.errorMessage]).toEqual([code, 'string']);
    expect(await configOf(topic.name, 'segment.ms')).toEqual(['60000', 1]);
  });

  it('refuses an operation that there is not', async () => {
    const topic = await world.topic();
    const { errorCode } = await change(topic.name, [['retention.ms', 9, '1']]);
    // Apache Kafka fails inside; a broker that says what is wrong does better.
    expect([42, -1]).toContain(errorCode);
    expect(await configOf(topic.name, 'retention.ms')).toEqual(['604800000', 5]);
  });

  it('refuses the same key twice', async () => {
    const topic = await world.topic();
    const answer = await change(topic.name, [
      ['retention.ms', SET, '1'],
      ['retention.ms', SET, '2'],
    ]);
    expect(answer.errorCode).toBe(42);
    expect(await configOf(topic.name, 'retention.ms')).toEqual(['604800000', 5]);
  });

  it('refuses the same resource twice', async () => {
    const topic = await world.topic();
    const one = {
      resourceType: TOPIC,
      resourceName: topic.name,
      configs: [{ name: 'retention.ms', configOperation: SET, value: '5' }],
    };
    const { responses } = await world.send(IncrementalAlterConfigs, 1, { resources: [one, one], validateOnly: false });
    expect(new Set(responses.map(({ errorCode }) => errorCode))).toEqual(new Set([42]));
    expect(await configOf(topic.name, 'retention.ms')).toEqual(['604800000', 5]);
  });

  it.each([
    ['an unknown topic', () => world.name(), 3],
    ['a name that no topic can have', () => 'a b', 17],
  ])('of %s answers with an error', async (_, name, code) => {
    expect((await change(name(), [['retention.ms', SET, '1']])).errorCode).toBe(code);
  });

  it('refuses for a broker a key that is read at the start only', async () => {
    const id = await nodeId();
    expect((await change(id, [['num.partitions', SET, '3']], { type: BROKER })).errorCode).toBe(42);
    expect(await configOf(id, 'num.partitions', BROKER)).toEqual(['1', 5]);
  });

  it('with validateOnly changes nothing', async () => {
    const topic = await world.topic();
    expect((await change(topic.name, [['retention.ms', SET, '5000']], { validateOnly: true })).errorCode).toBe(0);
    expect((await change(topic.name, [['retention.ms', SET, 'x']], { validateOnly: true })).errorCode).toBe(40);
    expect(await configOf(topic.name, 'retention.ms')).toEqual(['604800000', 5]);
  });

  it('changes the good ones of several topics', async () => {
    const [one, other] = [await world.topic(), await world.topic()];
    const resource = (resourceName: string, value: string) => ({
      resourceType: TOPIC,
      resourceName,
      configs: [{ name: 'retention.ms', configOperation: SET, value }],
    });
    const resources = [resource(one.name, '5000'), resource(other.name, 'no number')];
    const { responses } = await world.send(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
    const codes = Object.fromEntries(responses.map(({ resourceName, errorCode }) => [resourceName, errorCode]));
    expect(codes).toEqual({ [one.name]: 0, [other.name]: 40 });
    await eventually(async () => expect(await configOf(one.name, 'retention.ms')).toEqual(['5000', 1]));
    expect(await configOf(other.name, 'retention.ms')).toEqual(['604800000', 5]);
  });

  it.each([
    ['a smaller batch', 'max.message.bytes', '100', 10],
    ['another kind of cleaning', 'cleanup.policy', 'compact', 87],
    ['a narrower window of time', 'message.timestamp.before.max.ms', '1000', 32],
  ])('acts at once on the next write: %s', async (_, key, value, code) => {
    const topic = await world.topic();
    const write = () => topic.produce(batch(['x'.repeat(200)], { timestamp: Date.now() - 60_000 }));
    expect((await write()).errorCode).toBe(0);
    await change(topic.name, [[key, SET, value]]);
    await eventually(async () => expect((await write()).errorCode).toBe(code));
    await change(topic.name, [[key, DELETE, null]]);
    await eventually(async () => expect((await write()).errorCode).toBe(0));
  });

  it('acts at once on the time of records', async () => {
    const topic = await world.topic();
    await change(topic.name, [['message.timestamp.type', SET, 'LogAppendTime']]);
    await eventually(async () => expect((await topic.produce(batch(['a']))).logAppendTimeMs).toBeGreaterThan(0));
  });

  it.each([
    ['a key that needs a restart', 'log.dirs', '/elsewhere', 42],
    ['a value that is none', 'log.retention.ms', 'long', 40],
  ])('refuses for a broker: %s', async (_, key, value, codeMeant) => {
    const answer = await change(await nodeId(), [[key, SET, value]], { type: BROKER });
    // Apache Kafka reports both as an invalid request.
    expect([42, codeMeant]).toContain(answer.errorCode);
  });

  it('refuses a broker that there is not', async () => {
    expect((await change('4711', [['log.retention.ms', SET, '1']], { type: BROKER })).errorCode).toBe(42);
  });

  it('sets a key of the broker and takes it back', async () => {
    const id = await nodeId();
    expect((await change(id, [['log.cleaner.delete.retention.ms', SET, '86400001']], { type: BROKER })).errorCode).toBe(
      0,
    );
    await eventually(async () =>
      expect(await configOf(id, 'log.cleaner.delete.retention.ms', BROKER)).toEqual(['86400001', 2]),
    );
    expect((await change(id, [['log.cleaner.delete.retention.ms', DELETE, null]], { type: BROKER })).errorCode).toBe(0);
    await eventually(async () =>
      expect(await configOf(id, 'log.cleaner.delete.retention.ms', BROKER)).toEqual(['86400000', 5]),
    );
  });

  it('sets a key for all brokers, which topics then inherit, and takes it back', async () => {
    const topic = await world.topic();
    const key = 'log.index.interval.bytes';
    expect((await change('', [[key, SET, '5000']], { type: BROKER })).errorCode).toBe(0);
    await eventually(async () => expect(await configOf(topic.name, 'index.interval.bytes')).toEqual(['5000', 3]));
    expect(await configOf('', key, BROKER)).toEqual(['5000', 3]);
    expect((await change('', [[key, DELETE, null]], { type: BROKER })).errorCode).toBe(0);
    await eventually(async () => expect(await configOf(topic.name, 'index.interval.bytes')).toEqual(['4096', 5]));
  });
});

describe('AlterConfigs', () => {
  it.each([0, 1, 2])('v%i replaces all that a topic overrides', async (version) => {
    const topic = await world.topic({ configs: { 'retention.ms': '1000000', 'segment.ms': '60000' } });
    expect(await replace(topic.name, { 'segment.ms': '70000' }, { version })).toMatchObject({ errorCode: 0 });
    await eventually(async () => expect(await configOf(topic.name, 'segment.ms')).toEqual(['70000', 1]));
    expect(await configOf(topic.name, 'retention.ms')).toEqual(['604800000', 5]);
  });

  it('with nothing takes every override away', async () => {
    const topic = await world.topic({ configs: { 'retention.ms': '1000000' } });
    expect((await replace(topic.name, {})).errorCode).toBe(0);
    await eventually(async () => expect(await configOf(topic.name, 'retention.ms')).toEqual(['604800000', 5]));
  });

  it.each([
    ['an unknown key', { 'no.such.key': '1' }, 40],
    ['a value that is none', { 'retention.ms': 'x' }, 40],
    ['no value', { 'retention.ms': null }, 42],
  ])('refuses %s and keeps what was', async (_, configs, code) => {
    const topic = await world.topic({ configs: { 'segment.ms': '60000' } });
    expect((await replace(topic.name, configs as Record<string, string | null>)).errorCode).toBe(code);
    expect(await configOf(topic.name, 'segment.ms')).toEqual(['60000', 1]);
  });

  it('with validateOnly changes nothing', async () => {
    const topic = await world.topic({ configs: { 'segment.ms': '60000' } });
    expect((await replace(topic.name, { 'retention.ms': '5' }, { validateOnly: true })).errorCode).toBe(0);
    expect(await configOf(topic.name, 'segment.ms')).toEqual(['60000', 1]);
  });

  it('of an unknown topic answers 3', async () => {
    expect((await replace(world.name(), { 'retention.ms': '5' })).errorCode).toBe(3);
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
