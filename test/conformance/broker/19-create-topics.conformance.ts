import { describe, expect, it } from '@jest/globals';
import { CreateTopics, Metadata } from '../../../src/protocol/messages/index.js';
import { batch } from './harness/batches.js';
import { byText } from './harness/by-text.js';
import { eventually } from './harness/eventually.js';
import { conformance } from './harness/world.js';

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
    expect(await world.exists(name)).toBe(false);
  });

  it('takes a name of 249 characters of every kind that is allowed', async () => {
    const name = `${world.name('A.b_c-9')}${'x'.repeat(249)}`.slice(0, 249);
    expect((await create([{ name }])).topics[0]!.errorCode).toBe(0);
    await eventually(async () => expect(await world.exists(name)).toBe(true));
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
    expect(await world.exists(other)).toBe(false);
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
    expect(await world.exists(name)).toBe(false);
  });

  it.each([0, -2, -100])('refuses %i partitions', async (numPartitions) => {
    const name = world.name();
    expect((await create([{ name, numPartitions }])).topics[0]!.errorCode).toBe(37);
    expect(await world.exists(name)).toBe(false);
  });

  it.each([0, -2, 2, 3, 32767])('refuses a replication factor of %i on one node', async (replicationFactor) => {
    const name = world.name();
    expect((await create([{ name, replicationFactor }])).topics[0]!.errorCode).toBe(38);
    expect(await world.exists(name)).toBe(false);
  });

  it.each([4, 7])('v%i takes −1 for the defaults', async (version) => {
    const name = world.name();
    const { topics } = await create([{ name, numPartitions: -1, replicationFactor: -1 }], false, version);
    expect(topics[0]!.errorCode).toBe(0);
    if (version >= 5) expect(topics[0]).toMatchObject({ numPartitions: 1, replicationFactor: 1 });
  });

  it('creates what is assigned by hand', async () => {
    const id = await world.nodeId();
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
    const id = await world.nodeId();
    const name = world.name();
    const assignments = at.map((ids, partitionIndex) => ({
      partitionIndex,
      brokerIds: (ids as number[]).map((given) => (given === 0 ? id : given)),
    }));
    expect(codes).toContain((await create([{ name, ...numbers, assignments }])).topics[0]!.errorCode);
    expect(await world.exists(name)).toBe(false);
  });

  it.each([
    ['a partition twice', [0, 0], 39],
    ['partitions with a gap', [0, 2], 39],
    ['partitions that do not begin at 0', [1], 39],
  ])('refuses an assignment of %s', async (_, indexes, code) => {
    const id = await world.nodeId();
    const name = world.name();
    const assignments = indexes.map((partitionIndex) => ({ partitionIndex, brokerIds: [id] }));
    const { topics } = await create([{ name, numPartitions: -1, replicationFactor: -1, assignments }]);
    expect(topics[0]!.errorCode).toBe(code);
    expect(await world.exists(name)).toBe(false);
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
    expect(await world.exists(name)).toBe(false);
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
    expect([await world.exists(good), await world.exists(bad)]).toEqual([false, false]);
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
      expect([await world.exists(one), await world.exists(bad), await world.exists(other)]).toEqual([
        true,
        false,
        true,
      ]),
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
