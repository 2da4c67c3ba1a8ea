import { describe, expect, it } from '@jest/globals';
import {
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  DescribeConfigs,
  IncrementalAlterConfigs,
  Metadata,
  OffsetCommit,
  OffsetDelete,
} from '../../../src/protocol/messages/index.js';
import { ZERO_UUID } from '../../../src/protocol/wire-reader.js';
import { batch, recordsIn, sequenced } from './harness/batches.js';
import { eventually } from './harness/eventually.js';
import { Group } from './harness/group.js';
import { conformance } from './harness/world.js';

// What happens at once: whoever comes first, the state afterwards is one that some order would have led to.

const world = conformance();
const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const deleteTopic = (name: string, client = world.client) =>
  client.send(DeleteTopics, 6, { topics: [{ name, topicId: ZERO_UUID }], timeoutMs: 10_000 });

describe('Races: logs', () => {
  it('a reader that starts while others write misses nothing and sees nothing twice', async () => {
    const topic = await world.topic();
    const writers = await Promise.all([0, 1, 2].map(() => world.connect()));
    const reader = await world.connect();
    const seen: string[] = [];
    const reading = (async () => {
      for (let at = 0; at < 30; ) {
        const { records } = await topic.fetch(at, { client: reader, maxWaitMs: 10_000 });
        const values = recordsIn(records).map(({ value }) => String(value));
        seen.push(...values);
        at += values.length;
      }
    })();
    const written = writers.flatMap((client, w) =>
      range(10).map((i) => topic.produce(batch([`${w}-${i}`]), { client })),
    );
    const offsets = (await Promise.all(written)).map(({ baseOffset }) => baseOffset);
    await reading;
    const expected: string[] = [];
    offsets.forEach((offset, i) => {
      expected[offset] = `${Math.floor(i / 10)}-${i % 10}`;
    });
    expect(seen).toEqual(expected);
  });

  it('two connections of one idempotent producer store each sequence once', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    const clients = await Promise.all([0, 1].map(() => world.connect()));
    // Both send all; the second of each pair is a duplicate, or out of order when it is ahead.
    const answers = await Promise.all(
      clients.map((client) => Promise.all(range(4).map((i) => topic.produce(sequenced(id, 0, i), { client })))),
    );
    const codes = answers.flat().map(({ errorCode }) => errorCode);
    expect(codes.every((code) => code === 0 || code === 45)).toBe(true);
    const values = await topic.values();
    expect(new Set(values).size).toBe(values.length);
    expect(values).toEqual(range(values.length).map((i) => `s${i}`));
  });

  it('of an idempotent producer and its successor only one goes on', async () => {
    const topic = await world.topic();
    const id = await world.producerId();
    await topic.produce(sequenced(id, 0, 0));
    const [old, fresh] = [await world.connect(), await world.connect()];
    const [late] = await Promise.all([
      topic.produce(sequenced(id, 0, 1), { client: old }),
      topic.produce(sequenced(id, 1, 0), { client: fresh }),
    ]);
    expect([0, 47]).toContain(late.errorCode);
    expect((await topic.produce(sequenced(id, 0, 2), { client: old })).errorCode).toBe(47);
    expect((await topic.produce(sequenced(id, 1, 1), { client: fresh })).errorCode).toBe(0);
    expect(await topic.ends()).toEqual([0, late.errorCode === 0 ? 4 : 3]);
  });

  it('a write beside a deletion of the topic is stored or refused, never both', async () => {
    const topic = await world.topic();
    const other = await world.connect();
    const [answers] = await Promise.all([
      Promise.all(range(10).map((i) => topic.produce(batch([`v${i}`])))),
      deleteTopic(topic.name, other),
    ]);
    for (const [i, { errorCode, baseOffset }] of answers.entries()) {
      // 6: the partition is going away under a write that had found it.
      expect([0, 3, 6]).toContain(errorCode);
      expect(baseOffset).toBe(errorCode === 0 ? i : -1);
    }
    await eventually(async () => expect((await topic.fetch(0)).errorCode).toBe(3));
  });

  it('a deletion of records beside writes cuts where it says', async () => {
    const topic = await world.topic();
    await topic.write(['a', 'b', 'c']);
    const other = await world.connect();
    const topics = [{ name: topic.name, partitions: [{ partitionIndex: 0, offset: 2 }] }];
    const [answers] = await Promise.all([
      Promise.all(range(5).map(() => topic.produce(batch(['x'])))),
      other.send(DeleteRecords, 2, { topics, timeoutMs: 5000 }),
    ]);
    expect(answers.map(({ baseOffset }) => baseOffset)).toEqual([3, 4, 5, 6, 7]);
    expect(await topic.ends()).toEqual([2, 8]);
  });

  it('two deletions of records leave the further start', async () => {
    const topic = await world.topic();
    await topic.write(['a', 'b', 'c', 'd']);
    const clients = await Promise.all([1, 3, 2].map(() => world.connect()));
    await Promise.all(
      [1, 3, 2].map((offset, i) =>
        clients[i]!.send(DeleteRecords, 2, {
          topics: [{ name: topic.name, partitions: [{ partitionIndex: 0, offset }] }],
          timeoutMs: 5000,
        }),
      ),
    );
    expect(await topic.ends()).toEqual([3, 4]);
  });

  it('a parked reader whose records are deleted learns that it is out of range', async () => {
    const topic = await world.topic();
    await topic.write(['a']);
    const client = await world.connect();
    const parked = topic.fetch(0, { client, minBytes: 1 << 20, maxWaitMs: 300 });
    await topic.fetch(0);
    const topics = [{ name: topic.name, partitions: [{ partitionIndex: 0, offset: 1 }] }];
    await world.send(DeleteRecords, 2, { topics, timeoutMs: 5000 });
    expect((await parked).errorCode).toBe(1);
  });
});

describe('Races: topics and configs', () => {
  it('create and delete of one name leave it there or not, and the name usable', async () => {
    const name = world.name();
    const [one, other] = [await world.connect(), await world.connect()];
    const wish = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
    const [created, deleted] = await Promise.all([
      one.send(CreateTopics, 7, { topics: [wish], timeoutMs: 10_000, validateOnly: false }),
      deleteTopic(name, other),
    ]);
    expect(created.topics[0]!.errorCode).toBe(0);
    const gone = deleted.responses[0]!.errorCode === 0;
    expect([0, 3]).toContain(deleted.responses[0]!.errorCode);
    await eventually(async () => {
      const { topics } = await world.send(Metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false });
      expect(topics[0]!.errorCode).toBe(gone ? 3 : 0);
    });
    if (gone) expect(await (await world.topic({ name })).write(['a'])).toBe(0);
  });

  it('of many who delete at once one succeeds', async () => {
    const topic = await world.topic();
    const clients = await Promise.all(range(4).map(() => world.connect()));
    const answers = await Promise.all(clients.map((client) => deleteTopic(topic.name, client)));
    const codes = answers.map(({ responses }) => responses[0]!.errorCode).sort((a, b) => a - b);
    expect(codes).toEqual([0, 3, 3, 3]);
  });

  it('changes of different keys at once are all kept', async () => {
    const topic = await world.topic();
    const keys = ['retention.ms', 'segment.ms', 'flush.messages', 'max.message.bytes'];
    const clients = await Promise.all(keys.map(() => world.connect()));
    const answers = await Promise.all(
      keys.map((name, i) => {
        const configs = [{ name, configOperation: 0, value: '1000000' }];
        const resources = [{ resourceType: 2, resourceName: topic.name, configs }];
        return clients[i]!.send(IncrementalAlterConfigs, 1, { resources, validateOnly: false });
      }),
    );
    expect(answers.map(({ responses }) => responses[0]!.errorCode)).toEqual([0, 0, 0, 0]);
    await eventually(async () => {
      const resources = [{ resourceType: 2, resourceName: topic.name, configurationKeys: keys }];
      const { results } = await world.send(DescribeConfigs, 4, { resources, includeSynonyms: false });
      expect(results[0]!.configs.map(({ value }) => value)).toEqual(keys.map(() => '1000000'));
    });
  });
});

describe('Races: groups', () => {
  it('two processes under one instance id: one of them is fenced, whichever it is', async () => {
    const group = await Group.create(world);
    const members = [await group.newcomer({ instanceId: 'i' }), await group.newcomer({ instanceId: 'i' })];
    const answers = await Promise.all(members.map((member) => member.join()));
    const codes = answers.map(({ errorCode }) => errorCode).sort((a, b) => a - b);
    // The first may have been answered before the second came: then its heartbeat tells it.
    expect([
      [0, 0],
      [0, 82],
    ]).toContainEqual(codes);
    const joined = members.filter((_, i) => answers[i]!.errorCode === 0);
    const alive = await Promise.all(joined.map((member) => member.heartbeat()));
    expect(alive.filter((code) => code !== 82 && code !== 25).length).toBe(1);
    expect((await group.describe()).members.length).toBe(1);
  });

  it('a leader that leaves while the others sync does not strand them', async () => {
    const group = await Group.create(world);
    const [leader, follower] = await group.stable({}, {});
    const rejoined = leader!.join();
    await follower!.heartbeatUntil(27);
    await Promise.all([follower!.join(), rejoined]);
    const waiting = follower!.sync();
    await leader!.leave();
    expect((await waiting).errorCode).toBe(27);
    expect(await follower!.join()).toMatchObject({ errorCode: 0, leader: follower!.memberId });
    expect((await follower!.sync({ [follower!.memberId]: 'all' })).errorCode).toBe(0);
    expect(await group.state()).toBe('Stable 1');
  });

  it('a leader whose connection breaks before it assigns is given up, and another leads', async () => {
    const group = await Group.create(world);
    const [leader, follower] = await group.stable(
      { sessionTimeoutMs: 1500, rebalanceTimeoutMs: 3000 },
      { rebalanceTimeoutMs: 800 },
    );
    const rejoined = leader!.join();
    await follower!.heartbeatUntil(27);
    await Promise.all([follower!.join(), rejoined]);
    const waiting = follower!.sync();
    leader!.client.close();
    expect((await waiting).errorCode).toBe(27);
    expect(await follower!.join()).toMatchObject({ errorCode: 0, leader: follower!.memberId });
  });

  it('a commit that crosses a rebalance is of its generation or refused', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const [first] = await group.stable({});
    const second = await group.newcomer();
    await second.join();
    const commits = await world.connect();
    const committing = (async () => {
      const codes: number[] = [];
      for (let offset = 1; codes.at(-1) === undefined || codes.at(-1) === 0; offset++) {
        const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: null }];
        const answer = await commits.send(OffsetCommit, 8, {
          groupId: group.id,
          generationIdOrMemberEpoch: 1,
          memberId: first!.memberId,
          topics: [{ name: topic.name, partitions }],
        });
        codes.push(answer.topics[0]!.partitions[0]!.errorCode);
      }
      return codes;
    })();
    const entering = second.join();
    await first!.heartbeatUntil(27);
    await first!.join();
    await entering;
    const codes = await committing;
    expect(codes.at(-1)).toBe(22);
    expect(await group.committed(topic.name)).toBe(codes.length - 1 === 0 ? -1 : codes.length - 1);
  });

  it('members that leave and join at once end in one stable group', async () => {
    const group = await Group.create(world);
    const [one, two] = await group.stable({}, {});
    const three = await group.newcomer();
    const [, entered] = await Promise.all([
      two!.leave(),
      three.enter(),
      one!.heartbeatUntil(27).then(() => one!.join()),
    ]);
    expect(entered.errorCode).toBe(0);
    // The newcomer may have come a generation later than the one that saw the other leave.
    await eventually(async () => {
      if (one!.generationId !== three.generationId) await Promise.all([one!.join(), three.join()]);
      expect(one!.generationId).toBe(three.generationId);
    });
    await group.syncAll([one!, three]);
    expect(await group.state()).toBe('Stable 2');
  });

  it('a deletion of an offset beside its commit leaves one or the other', async () => {
    const topic = await world.topic();
    const group = await Group.create(world);
    const member = await group.newcomer();
    await member.commit(topic.name, 1);
    const [deleted, committed] = await Promise.all([
      world.send(OffsetDelete, 0, {
        groupId: group.id,
        topics: [{ name: topic.name, partitions: [{ partitionIndex: 0 }] }],
      }),
      member.commit(topic.name, 2),
    ]);
    expect([deleted.errorCode, committed]).toEqual([0, 0]);
    expect([-1, 2]).toContain(await group.committed(topic.name));
  });
});
