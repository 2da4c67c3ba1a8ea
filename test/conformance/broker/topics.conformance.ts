import { describe, expect, it } from '@jest/globals';
import {
  CreatePartitions,
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  DescribeLogDirs,
  Metadata,
} from '../../../src/protocol/messages/index.js';
import { ZERO_UUID } from '../../../src/protocol/wire-reader.js';
import { batch } from './harness/batches.js';
import { byText } from './harness/by-text.js';
import { eventually } from './harness/eventually.js';
import { conformance, UNKNOWN_ID } from './harness/world.js';

const world = conformance();

interface Wish {
  readonly name: string;
  readonly numPartitions?: number;
  readonly replicationFactor?: number;
  readonly assignments?: { partitionIndex: number; brokerIds: number[] }[];
  readonly configs?: { name: string; value: string | null }[];
}
const wish = (one: Wish) => ({ numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...one });
const create = (wishes: readonly Wish[], validateOnly = false, version = 7) =>
  world.send(CreateTopics, version, { topics: wishes.map(wish), timeoutMs: 10_000, validateOnly });
const exists = async (name: string) => {
  const { topics } = await world.send(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false });
  return topics[0]!.errorCode === 0;
};
const nodeId = async () => (await world.send(Metadata, 9, { topics: [] })).brokers[0]!.nodeId;

describe('CreateTopics', () => {
  it.each([2, 3, 4, 5, 6, 7])('v%i creates a topic that can be used', async (version) => {
    const name = world.name();
    const answer = await create([{ name, numPartitions: 3 }], false, version);
    const [created] = answer.topics;
    expect(created).toMatchObject({ name, errorCode: 0, errorMessage: null });
    if (version >= 5)
      expect(created).toMatchObject({ numPartitions: 3, replicationFactor: 1, topicConfigErrorCode: 0 });
    await world.untilServed(name, 3);
    const { topics } = await world.send(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false });
    expect(topics[0]!.partitions.length).toBe(3);
    if (version >= 7) expect(topics[0]!.topicId).toBe(created!.topicId);
  });

  it.each([
    ['', 17],
    ['.', 17],
    ['..', 17],
    ['with space', 17],
    ['slash/ed', 17],
    ['žluť', 17],
    ['colon:ed', 17],
    ['x'.repeat(250), 17],
  ])('refuses the name "%s"', async (name, code) => {
    const [answer] = (await create([{ name }])).topics;
    expect(answer).toMatchObject({ name, errorCode: code });
    expect(typeof answer!.errorMessage).toBe('string');
    expect(await exists(name)).toBe(false);
  });

  it('takes a name of 249 characters of every kind that is allowed', async () => {
    const name = `${world.name('A.b_c-9')}${'x'.repeat(249)}`.slice(0, 249);
    expect((await create([{ name }])).topics[0]!.errorCode).toBe(0);
    await eventually(async () => expect(await exists(name)).toBe(true));
  });

  it('refuses a name that there is already and leaves the topic as it is', async () => {
    const topic = await world.topic({ partitions: 2 });
    await topic.write(['kept'], { partition: 1 });
    expect((await create([{ name: topic.name, numPartitions: 5 }])).topics[0]!.errorCode).toBe(36);
    expect((await topic.produce(batch(['x']), { partition: 2 })).errorCode).toBe(3);
    expect(await topic.values(1)).toEqual(['kept']);
  });

  it('refuses a name that differs from another only by dot and underscore', async () => {
    const name = world.name('a.b');
    await world.topic({ name });
    const other = name.replace('a.b', 'a_b');
    expect((await create([{ name: other }])).topics[0]!.errorCode).toBe(17);
    expect(await exists(other)).toBe(false);
  });

  it('refuses a name that comes twice in the request, once', async () => {
    const [name, good] = [world.name(), world.name()];
    const { topics } = await create([{ name }, { name: good }, { name }]);
    expect(topics.map((topic) => [topic.name, topic.errorCode]).sort(byText)).toEqual(
      [
        [good, 0],
        [name, 42],
      ].sort(byText),
    );
    expect(await exists(name)).toBe(false);
  });

  it.each([0, -2, -100])('refuses %i partitions', async (numPartitions) => {
    const name = world.name();
    expect((await create([{ name, numPartitions }])).topics[0]!.errorCode).toBe(37);
    expect(await exists(name)).toBe(false);
  });

  it.each([0, -2, 2, 3, 32767])('refuses a replication factor of %i on one node', async (replicationFactor) => {
    const name = world.name();
    expect((await create([{ name, replicationFactor }])).topics[0]!.errorCode).toBe(38);
    expect(await exists(name)).toBe(false);
  });

  it.each([4, 7])('v%i takes −1 for the defaults', async (version) => {
    const name = world.name();
    const { topics } = await create([{ name, numPartitions: -1, replicationFactor: -1 }], false, version);
    expect(topics[0]!.errorCode).toBe(0);
    if (version >= 5) expect(topics[0]).toMatchObject({ numPartitions: 1, replicationFactor: 1 });
  });

  it('creates what is assigned by hand', async () => {
    const id = await nodeId();
    const name = world.name();
    const assignments = [0, 1].map((partitionIndex) => ({ partitionIndex, brokerIds: [id] }));
    const { topics } = await create([{ name, numPartitions: -1, replicationFactor: -1, assignments }]);
    expect(topics[0]).toMatchObject({ errorCode: 0, numPartitions: 2, replicationFactor: 1 });
    await world.untilServed(name, 2);
  });

  it.each([
    ['with a number of partitions beside it', [42], { numPartitions: 1, replicationFactor: -1, at: [[0]] }],
    ['with a replication factor beside it', [42], { numPartitions: -1, replicationFactor: 1, at: [[0]] }],
    ['to a broker that there is not', [39], { numPartitions: -1, replicationFactor: -1, at: [[0], [777]] }],
    ['of no replicas', [39], { numPartitions: -1, replicationFactor: -1, at: [[]] }],
  ])('refuses an assignment %s', async (_, codes, { at, ...numbers }) => {
    const id = await nodeId();
    const name = world.name();
    const assignments = at.map((ids, partitionIndex) => ({
      partitionIndex,
      brokerIds: (ids as number[]).map((given) => (given === 0 ? id : given)),
    }));
    expect(codes).toContain((await create([{ name, ...numbers, assignments }])).topics[0]!.errorCode);
    expect(await exists(name)).toBe(false);
  });

  it.each([
    ['a partition twice', [0, 0], 39],
    ['partitions with a gap', [0, 2], 39],
    ['partitions that do not begin at 0', [1], 39],
  ])('refuses an assignment of %s', async (_, indexes, code) => {
    const id = await nodeId();
    const name = world.name();
    const assignments = indexes.map((partitionIndex) => ({ partitionIndex, brokerIds: [id] }));
    const { topics } = await create([{ name, numPartitions: -1, replicationFactor: -1, assignments }]);
    expect(topics[0]!.errorCode).toBe(code);
    expect(await exists(name)).toBe(false);
  });

  it.each([
    ['an unknown key', 'no.such.key', '1'],
    ['a number that is none', 'retention.ms', 'long'],
    ['a number out of range', 'retention.ms', '-2'],
    ['a word that is not in the list', 'cleanup.policy', 'remove'],
    ['no value', 'retention.ms', null],
    ['a truth value that is none', 'preallocate', 'maybe'],
    ['a ratio above 1', 'min.cleanable.dirty.ratio', '1.5'],
    ['a codec that there is not', 'compression.type', 'brotli'],
    ['an unknown kind of time', 'message.timestamp.type', 'Now'],
    ['a segment that is too small', 'segment.bytes', '13'],
  ])('refuses a config with %s', async (_, key, value) => {
    const name = world.name();
    const [answer] = (await create([{ name, configs: [{ name: key, value }] }])).topics;
    expect(answer!.errorCode).toBe(40);
    expect(await exists(name)).toBe(false);
  });

  it('answers the configs in force, sorted, those that were given as given', async () => {
    const name = world.name();
    const given = [
      { name: 'retention.ms', value: '1234567' },
      { name: 'cleanup.policy', value: 'compact' },
    ];
    const [answer] = (await create([{ name, configs: given }])).topics;
    const configs = answer!.configs!;
    const names = configs.map((config) => config.name);
    expect(names).toEqual([...names].sort(byText));
    const of = (key: string) => configs.find((config) => config.name === key);
    expect(of('retention.ms')).toMatchObject({
      value: '1234567',
      configSource: 1,
      readOnly: false,
      isSensitive: false,
    });
    expect(of('cleanup.policy')).toMatchObject({ value: 'compact', configSource: 1 });
    expect(of('max.message.bytes')).toMatchObject({ value: '1048588', configSource: 5 });
  });

  it('with validateOnly checks everything and creates nothing', async () => {
    const [good, bad] = [world.name(), world.name()];
    const { topics } = await create(
      [
        { name: good, numPartitions: 4 },
        { name: bad, numPartitions: 0 },
      ],
      true,
    );
    const codes = Object.fromEntries(topics.map((topic) => [topic.name, topic.errorCode]));
    expect(codes).toEqual({ [good]: 0, [bad]: 37 });
    expect(topics.find(({ name }) => name === good)).toMatchObject({ numPartitions: 4, replicationFactor: 1 });
    expect([await exists(good), await exists(bad)]).toEqual([false, false]);
  });

  it('with validateOnly knows what exists', async () => {
    const topic = await world.topic();
    expect((await create([{ name: topic.name }], true)).topics[0]!.errorCode).toBe(36);
  });

  it('creates the good ones of a request beside the bad ones', async () => {
    const [one, bad, other] = [world.name(), world.name(), world.name()];
    const { topics } = await create([{ name: one }, { name: bad, replicationFactor: 9 }, { name: other }]);
    const codes = Object.fromEntries(topics.map((topic) => [topic.name, topic.errorCode]));
    expect(codes).toEqual({ [one]: 0, [bad]: 38, [other]: 0 });
    await eventually(async () =>
      expect([await exists(one), await exists(bad), await exists(other)]).toEqual([true, false, true]),
    );
  });

  it('lets one of two who create at once win', async () => {
    const name = world.name();
    const clients = await Promise.all([0, 1, 2, 3].map(() => world.connect()));
    const answers = await Promise.all(
      clients.map((client) =>
        client.send(CreateTopics, 7, { topics: [wish({ name })], timeoutMs: 10_000, validateOnly: false }),
      ),
    );
    expect(answers.map(({ topics }) => topics[0]!.errorCode).sort(byText)).toEqual([0, 36, 36, 36]);
  });

  it('answers a request without topics', async () => {
    expect((await create([])).topics).toEqual([]);
  });
});

describe('DeleteTopics', () => {
  const remove = (topics: { name?: string | null; topicId?: string }[]) =>
    world.send(DeleteTopics, 6, {
      topics: topics.map(({ name = null, topicId = ZERO_UUID }) => ({ name, topicId })),
      timeoutMs: 10_000,
    });

  it.each([1, 2, 3, 4, 5])('v%i deletes by name', async (version) => {
    const topic = await world.topic();
    await topic.write(['a']);
    const answer = await world.send(DeleteTopics, version, { topicNames: [topic.name], timeoutMs: 10_000 });
    expect(answer.responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([[topic.name, 0]]);
    await eventually(async () => expect(await exists(topic.name)).toBe(false));
    await eventually(async () => expect((await topic.fetch(0)).errorCode).toBe(3));
  });

  it('v6 deletes by name and tells the id', async () => {
    const topic = await world.topic();
    const { responses } = await remove([{ name: topic.name }]);
    expect(responses[0]).toMatchObject({ name: topic.name, topicId: topic.id, errorCode: 0 });
    await eventually(async () => expect(await exists(topic.name)).toBe(false));
  });

  it('v6 deletes by id and tells the name', async () => {
    const topic = await world.topic();
    const { responses } = await remove([{ topicId: topic.id }]);
    expect(responses[0]).toMatchObject({ name: topic.name, topicId: topic.id, errorCode: 0 });
    await eventually(async () => expect(await exists(topic.name)).toBe(false));
  });

  it('of an unknown name answers 3', async () => {
    const name = world.name();
    expect((await remove([{ name }])).responses[0]).toMatchObject({ name, errorCode: 3 });
  });

  it('of an unknown id answers 100', async () => {
    expect((await remove([{ topicId: UNKNOWN_ID }])).responses[0]).toMatchObject({
      topicId: UNKNOWN_ID,
      errorCode: 100,
    });
  });

  it('refuses name and id together and deletes nothing', async () => {
    const topic = await world.topic();
    expect((await remove([{ name: topic.name, topicId: topic.id }])).responses[0]!.errorCode).toBe(42);
    expect(await exists(topic.name)).toBe(true);
  });

  it('refuses neither name nor id', async () => {
    expect((await remove([{}])).responses[0]!.errorCode).toBe(42);
  });

  it('refuses a topic that comes twice and deletes the others', async () => {
    const [twice, once] = [await world.topic(), await world.topic()];
    const { responses } = await remove([{ name: twice.name }, { name: once.name }, { name: twice.name }]);
    const codes = responses.map(({ name, errorCode }) => [name, errorCode] as const);
    expect(codes.filter(([name]) => name === once.name)).toEqual([[once.name, 0]]);
    expect(codes.some(([name, code]) => name === twice.name && code === 42)).toBe(true);
    expect(await exists(twice.name)).toBe(true);
    await eventually(async () => expect(await exists(once.name)).toBe(false));
  });

  it('refuses a second deletion', async () => {
    const topic = await world.topic();
    const codes = [await remove([{ topicId: topic.id }]), await remove([{ topicId: topic.id }])].map(
      ({ responses }) => responses[0]!.errorCode,
    );
    expect(codes).toEqual([0, 100]);
  });

  it('makes room for a topic of the same name with another id', async () => {
    const topic = await world.topic({ partitions: 2, configs: { 'retention.ms': '1000000' } });
    await topic.write(['old']);
    await remove([{ name: topic.name }]);
    const again = await world.topic({ name: topic.name });
    expect(again.id).not.toBe(topic.id);
    await eventually(async () => expect(await again.ends()).toEqual([0, 0]));
    expect((await again.produce(batch(['x']), { partition: 1 })).errorCode).toBe(3);
  });
});

describe('CreatePartitions', () => {
  const grow = (
    topics: { name: string; count: number; assignments?: { brokerIds: number[] }[] | null }[],
    validateOnly = false,
    version = 3,
  ) =>
    world.send(CreatePartitions, version, {
      topics: topics.map((topic) => ({ assignments: null, ...topic })),
      timeoutMs: 10_000,
      validateOnly,
    });

  it.each([0, 1, 2, 3])('v%i adds partitions and keeps what is there', async (version) => {
    const topic = await world.topic();
    await topic.write(['kept']);
    const { results } = await grow([{ name: topic.name, count: 3 }], false, version);
    expect(results).toMatchObject([{ name: topic.name, errorCode: 0, errorMessage: null }]);
    await world.untilServed(topic.name, 3);
    expect(await topic.values(0)).toEqual(['kept']);
    expect(await topic.ends(2)).toEqual([0, 0]);
  });

  it.each([2, 1, 0, -1])('refuses a count of %i for a topic of two', async (count) => {
    const topic = await world.topic({ partitions: 2 });
    expect((await grow([{ name: topic.name, count }])).results[0]!.errorCode).toBe(37);
    expect((await topic.fetch(0, { partition: 1 })).errorCode).toBe(0);
  });

  it('of an unknown topic answers 3', async () => {
    const name = world.name();
    expect((await grow([{ name, count: 3 }])).results).toMatchObject([{ name, errorCode: 3 }]);
    expect(await exists(name)).toBe(false);
  });

  it('refuses a topic that comes twice', async () => {
    const topic = await world.topic();
    const { results } = await grow([
      { name: topic.name, count: 2 },
      { name: topic.name, count: 3 },
    ]);
    expect(results.map(({ name, errorCode }) => [name, errorCode])).toEqual([[topic.name, 42]]);
    expect((await topic.fetch(0, { partition: 1 })).errorCode).toBe(3);
  });

  it('with validateOnly changes nothing', async () => {
    const topic = await world.topic();
    expect((await grow([{ name: topic.name, count: 2 }], true)).results[0]!.errorCode).toBe(0);
    expect((await topic.fetch(0, { partition: 1 })).errorCode).toBe(3);
  });

  it('takes an assignment of what is added', async () => {
    const id = await nodeId();
    const topic = await world.topic();
    const assignments = [{ brokerIds: [id] }, { brokerIds: [id] }];
    expect((await grow([{ name: topic.name, count: 3, assignments }])).results[0]!.errorCode).toBe(0);
    await world.untilServed(topic.name, 3);
  });

  it.each([
    ['too short', 3, [[0]]],
    ['too long', 2, [[0], [0]]],
    ['to a broker that there is not', 2, [[777]]],
    ['without replicas', 2, [[]]],
  ])('refuses an assignment that is %s', async (_, count, at) => {
    const id = await nodeId();
    const topic = await world.topic();
    const assignments = (at as number[][]).map((ids) => ({ brokerIds: ids.map((given) => given || id) }));
    expect((await grow([{ name: topic.name, count, assignments }])).results[0]!.errorCode).toBe(39);
    expect((await topic.fetch(0, { partition: 1 })).errorCode).toBe(3);
  });
});

describe('DeleteRecords', () => {
  const cut = async (name: string, offset: number, partitionIndex = 0, version = 2) => {
    const topics = [{ name, partitions: [{ partitionIndex, offset }] }];
    const answer = await world.send(DeleteRecords, version, { topics, timeoutMs: 5000 });
    return answer.topics[0]!.partitions[0]!;
  };

  it.each([0, 1, 2])('v%i moves the start of the log', async (version) => {
    const topic = await world.topic();
    await topic.write(['a', 'b', 'c']);
    expect(await cut(topic.name, 2, 0, version)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
    expect(await topic.ends()).toEqual([2, 3]);
  });

  it('takes −1 for the end', async () => {
    const topic = await world.topic();
    await topic.write(['a', 'b']);
    expect(await cut(topic.name, -1)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
    expect(await topic.ends()).toEqual([2, 2]);
    expect(await topic.write(['c'])).toBe(2);
  });

  it('never moves it back', async () => {
    const topic = await world.topic();
    await topic.write(['a', 'b', 'c']);
    await cut(topic.name, 2);
    expect(await cut(topic.name, 1)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
    expect(await cut(topic.name, 2)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
    expect(await topic.ends()).toEqual([2, 3]);
  });

  it.each([4, 1000, -2])('refuses offset %i in a log of three', async (offset) => {
    const topic = await world.topic();
    await topic.write(['a', 'b', 'c']);
    expect(await cut(topic.name, offset)).toMatchObject({ errorCode: 1, lowWatermark: -1 });
    expect(await topic.ends()).toEqual([0, 3]);
  });

  it('of an unknown topic or partition answers 3', async () => {
    const topic = await world.topic();
    expect(await cut(topic.name, 0, 5)).toMatchObject({ errorCode: 3, lowWatermark: -1 });
    expect(await cut(world.name(), 0)).toMatchObject({ errorCode: 3, lowWatermark: -1 });
  });

  it('refuses a topic that is only compacted', async () => {
    const topic = await world.topic({ configs: { 'cleanup.policy': 'compact' } });
    const key = Buffer.from('k');
    await topic.produce(batch([{ key, value: key }]));
    expect((await cut(topic.name, 1)).errorCode).toBe(44);
    expect(await topic.ends()).toEqual([0, 1]);
  });

  it('takes one that is compacted and deleted', async () => {
    const topic = await world.topic({ configs: { 'cleanup.policy': 'compact,delete' } });
    const key = Buffer.from('k');
    await topic.produce(batch([{ key, value: key }]));
    expect(await cut(topic.name, 1)).toMatchObject({ errorCode: 0, lowWatermark: 1 });
  });

  it('refuses an internal topic', async () => {
    await world.group();
    expect((await cut('__consumer_offsets', 0)).errorCode).toBe(17);
  });
});

describe('DescribeLogDirs', () => {
  it.each([1, 2, 3, 4, 5])('v%i gives the size of a partition', async (version) => {
    const topic = await world.topic({ partitions: 2 });
    const sent = batch(['some value']);
    await topic.produce(Buffer.from(sent), { partition: 1 });
    const topics = [{ topic: topic.name, partitions: [0, 1] }];
    const answer = await world.send(DescribeLogDirs, version, { topics });
    if (version >= 3) expect(answer.errorCode).toBe(0);
    expect(answer.results.length).toBe(1);
    const [dir] = answer.results;
    expect([dir!.errorCode, dir!.logDir.startsWith('/')]).toEqual([0, true]);
    const found = dir!.topics[0]!.partitions.map((partition) => [
      partition.partitionIndex,
      partition.partitionSize,
      partition.offsetLag,
      partition.isFutureKey,
    ]);
    expect(found.sort(byText)).toEqual([
      [0, 0, 0, false],
      [1, sent.length, 0, false],
    ]);
    if (version >= 4) expect(dir!.totalBytes).toBeGreaterThan(0);
  });

  it('takes null for all topics', async () => {
    const topic = await world.topic();
    const answer = await world.send(DescribeLogDirs, 4, { topics: null });
    expect(answer.results[0]!.topics.map(({ name }) => name)).toContain(topic.name);
  });

  it('leaves out what there is not', async () => {
    const topic = await world.topic();
    const topics = [
      { topic: world.name(), partitions: [0] },
      { topic: topic.name, partitions: [0, 9] },
    ];
    const answer = await world.send(DescribeLogDirs, 4, { topics });
    expect(answer.results[0]!.topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
      [topic.name, 1],
    ]);
  });
});
