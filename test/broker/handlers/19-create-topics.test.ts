import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type RequestInput } from '../../../src/protocol/api.js';
import {
  CreatePartitions,
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  Metadata,
} from '../../../src/protocol/messages/index.js';
import { BrokerFixture } from '../../support/broker-fixture.js';

// Topics are made, grown, emptied and removed.

let fixture: BrokerFixture;
beforeEach(async () => {
  fixture = await BrokerFixture.start();
});
afterEach(() => fixture.stop());

type Wish = Partial<RequestInput<typeof CreateTopics>['topics'][number]> & { name: string };

async function create(wishes: Wish[], more: { version?: number; validateOnly?: boolean } = {}) {
  const { version = 7, validateOnly = false } = more;
  const topics = wishes.map((wish) => ({
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
    ...wish,
  }));
  return (await fixture.client.send(CreateTopics, version, { topics, validateOnly })).topics;
}

async function names(): Promise<string[]> {
  const { topics } = await fixture.client.send(Metadata, 9, { topics: null });
  return topics.map(({ name }) => name!);
}

describe('CreateTopics', () => {
  it('answers with id, size and the whole configuration', async () => {
    const configs = [{ name: 'retention.ms', value: '5' }];
    const [created] = await create([{ name: 'orders', numPartitions: 2, configs }]);
    expect(created).toMatchObject({ errorCode: 0, numPartitions: 2, replicationFactor: 1 });
    expect(created!.topicId).toMatch(/^[\w][\w-]{21}$/);
    const keys = created!.configs!.map(({ name }) => name);
    expect(keys).toEqual([...keys].sort());
    expect(created!.configs!.find(({ name }) => name === 'retention.ms')).toMatchObject({
      value: '5',
      configSource: 1,
    });
    expect(created!.configs!.find(({ name }) => name === 'segment.bytes')).toMatchObject({
      value: '1073741824',
      configSource: 5,
    });
  });

  it.each<[string, Wish, number]>([
    ['a name with a blank', { name: 'bad name' }, 17],
    ['no name', { name: '' }, 17],
    ['a dot', { name: '..' }, 17],
    ['a long name', { name: 'x'.repeat(250) }, 17],
    ['a name that metrics cannot tell from another', { name: 'or_ders' }, 17],
    ['a topic that exists', { name: 'or.ders' }, 36],
    ['no partitions', { name: 'a', numPartitions: 0 }, 37],
    ['partitions beyond all reason', { name: 'a', numPartitions: 1_000_000 }, 44],
    ['three copies', { name: 'a', replicationFactor: 3 }, 38],
    ['no copies', { name: 'a', replicationFactor: 0 }, 38],
    ['an unknown key', { name: 'a', configs: [{ name: 'retention.msec', value: '5' }] }, 40],
    ['a bad value', { name: 'a', configs: [{ name: 'retention.ms', value: 'soon' }] }, 40],
    ['a null value', { name: 'a', configs: [{ name: 'retention.ms', value: null }] }, 40],
    ['the metadata log', { name: '__cluster_metadata' }, 42],
    [
      'an assignment and a number of partitions',
      { name: 'a', assignments: [{ partitionIndex: 0, brokerIds: [1] }] },
      42,
    ],
    [
      'an assignment to nobody we know',
      { name: 'a', numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [2] }] },
      39,
    ],
  ])('refuses %s', async (_what, wish, errorCode) => {
    await create([{ name: 'or.ders' }]);
    const [answer] = await create([wish]);
    expect(answer).toMatchObject({ name: wish.name, errorCode });
    expect(answer!.errorMessage).toMatch(/\w/);
    expect(await names()).toEqual(['or.ders']);
  });

  it.each(['retention.msec', 'Rendition.ms'])('names the key that was meant by %s', async (name) => {
    const [answer] = await create([{ name: 'a', configs: [{ name, value: '5' }] }]);
    expect(answer!.errorMessage).toMatch(/did you mean 'retention.ms'/);
  });

  it('fails one topic without the others, and both of a pair with one name', async () => {
    const answers = await create([{ name: 'a' }, { name: 'b', numPartitions: 0 }, { name: 'c' }, { name: 'c' }]);
    expect(answers.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['a', 0],
      ['b', 37],
      ['c', 42],
    ]);
    expect(await names()).toEqual(['a']);
  });

  it('only looks when it is asked to', async () => {
    const [answer] = await create([{ name: 'a', numPartitions: 4 }], { validateOnly: true });
    expect(answer).toMatchObject({ errorCode: 0, numPartitions: 4 });
    expect(await names()).toEqual([]);
  });

  it('takes assignments and defaults', async () => {
    const assignments = [1, 0].map((partitionIndex) => ({ partitionIndex, brokerIds: [1] }));
    const [assigned] = await create([{ name: 'a', numPartitions: -1, replicationFactor: -1, assignments }]);
    expect(assigned).toMatchObject({ errorCode: 0, numPartitions: 2 });
    const [defaults] = await create([{ name: 'b', numPartitions: -1, replicationFactor: -1 }]);
    expect(defaults).toMatchObject({ errorCode: 0, numPartitions: 1, replicationFactor: 1 });
  });
});

describe('DeleteTopics', () => {
  it('deletes by name and by id, and says what it does not know', async () => {
    const idOfA = await fixture.createTopic('a');
    await fixture.createTopic('b');
    const topics = [
      { name: null, topicId: idOfA },
      { name: 'b' },
      { name: 'c' },
      { name: null, topicId: 'AAAAAAAAAAAAAAAAAAAABQ' },
    ];
    const request = { topics: topics.map((topic) => ({ topicId: undefined, ...topic })), timeoutMs: 1 };
    const { responses } = await fixture.client.send(DeleteTopics, 6, request as never);
    expect(responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 3],
      [null, 100],
    ]);
    expect(await names()).toEqual([]);
  });

  it('refuses a topic named twice, and all when deletion is off', async () => {
    await fixture.createTopic('a');
    const twice = await fixture.client.send(DeleteTopics, 5, { topicNames: ['a', 'a'], timeoutMs: 1 });
    expect(twice.responses.map(({ errorCode }) => errorCode)).toEqual([42]);
    const closed = await BrokerFixture.start({ config: { 'delete.topic.enable': 'false' } });
    await closed.createTopic('a');
    const off = await closed.client.send(DeleteTopics, 5, { topicNames: ['a'], timeoutMs: 1 });
    expect(off.responses[0]!.errorCode).toBe(73);
    await closed.stop();
  });
});

describe('CreatePartitions', () => {
  it('adds partitions that can be used at once', async () => {
    await fixture.createTopic('a');
    await fixture.createTopic('b', 2);
    const grow = async (
      name: string,
      count: number,
      validateOnly = false,
      assignments: { brokerIds: number[] }[] | null = null,
    ) => {
      const request = { topics: [{ name, count, assignments }], timeoutMs: 1, validateOnly };
      return (await fixture.client.send(CreatePartitions, 3, request)).results[0]!.errorCode;
    };
    expect(await grow('a', 3)).toBe(0);
    expect(await fixture.appendValues('a', ['x'], { partition: 2 })).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await grow('b', 2)).toBe(37);
    expect(await grow('c', 2)).toBe(3);
    expect(await grow('b', 3, false, [])).toBe(39);
    expect(await grow('b', 3, false, [{ brokerIds: [9] }])).toBe(39);
    expect(await grow('b', 9, true)).toBe(0);
    expect(await fixture.appendValues('b', ['x'], { partition: 2 })).toMatchObject({ errorCode: 3 });
  });
});

describe('DeleteRecords', () => {
  it('moves the start of the log, and refuses what it must', async () => {
    await fixture.createTopic('a');
    await fixture.createTopic('compacted', 1, { 'cleanup.policy': 'compact' });
    await fixture.appendValues('a', ['1', '2']);
    await fixture.appendValues('a', ['3']);
    const cut = async (name: string, offset: number, partitionIndex = 0) => {
      const topics = [{ name, partitions: [{ partitionIndex, offset }] }];
      return (await fixture.client.send(DeleteRecords, 1, { topics, timeoutMs: 1 })).topics[0]!.partitions[0];
    };
    expect(await cut('a', 2)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
    expect(await fixture.read('a', 1)).toMatchObject({ errorCode: 1 });
    expect(await fixture.read('a', 2)).toMatchObject({ errorCode: 0, logStartOffset: 2 });
    expect(await cut('a', 1)).toMatchObject({ errorCode: 0, lowWatermark: 2 });
    expect(await cut('a', 4)).toMatchObject({ errorCode: 1 });
    expect(await cut('a', -1)).toMatchObject({ errorCode: 0, lowWatermark: 3 });
    expect(await cut('a', 0, 5)).toMatchObject({ errorCode: 3 });
    expect(await cut('compacted', 0)).toMatchObject({ errorCode: 44 });
  });
});
