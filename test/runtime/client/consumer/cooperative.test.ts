import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Broker } from '../../../../src/broker/broker.js';
import { partitionName, type TopicPartition } from '../../../../src/common/topic-partition.js';
import { KafkajsCluster } from '../../../../src/runtime/client/cluster/kafkajs-cluster.js';
import { type AssignorMember } from '../../../../src/runtime/client/consumer/assignors/assignor.js';
import { cooperativeStickyAssignor } from '../../../../src/runtime/client/consumer/assignors/cooperative-sticky-assignor.js';
import { withholdMoving } from '../../../../src/runtime/client/consumer/assignors/moving-partitions.js';
import { type ConsumerOptions } from '../../../../src/runtime/client/consumer/consumer-options.js';
import { KafkaProducer } from '../../../../src/runtime/client/producer/kafka-producer.js';
import { until } from '../../../../src/testing/until.js';
import { createTopic } from '../../../support/client-broker.js';
import { Reader, SESSION_MS } from '../../../support/group-reader.js';

const APACHE = process.env.KAFKA_BOOTSTRAP_SERVERS?.split(',')[0];
const COOPERATIVE = ['cooperative-sticky'];

const member = (memberId: string, partitions: readonly TopicPartition[], generationId: number): AssignorMember => ({
  memberId,
  groupInstanceId: null,
  topics: ['t'],
  userData: null,
  rackId: null,
  owned: { partitions, generationId },
});

/** Rebalances as members live them, without a group: what is not assigned is given up, and everybody joins again. */
class Rounds {
  readonly owned = new Map<string, readonly TopicPartition[]>();
  moved = 0;
  #generation = 0;

  constructor(readonly count: number) {}

  /** One rebalance; whether somebody had to give something up. */
  rebalance(): boolean {
    const members = [...this.owned].map(([id, partitions]) => member(id, partitions, this.#generation));
    this.#generation++;
    const goal = cooperativeStickyAssignor.assign(new Map([['t', this.count]]), members);
    const assignment = withholdMoving(goal, members);
    let givesUp = false;
    for (const [id, before] of this.owned) {
      const after = assignment.get(id)!;
      const names = new Set(after.map(partitionName));
      const gone = before.filter((tp) => !names.has(partitionName(tp)));
      this.moved += gone.length;
      givesUp ||= gone.length > 0;
      for (const tp of after) {
        const others = members.filter(({ memberId, owned }) => memberId !== id && owned!.partitions.includes(tp));
        if (others.length > 0) throw new Error(`${partitionName(tp)} has two owners`);
      }
      this.owned.set(id, after);
    }
    return givesUp;
  }

  settle(): number {
    let rounds = 1;
    while (this.rebalance()) rounds++;
    return rounds;
  }
}

describe('cooperative-sticky', () => {
  it('never has a partition owned twice, is even after two rounds, and moves no more than that needs', () => {
    const changes = fc.array(fc.oneof(fc.constant('join' as const), fc.nat(5)), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 24 }), changes, (count, steps) => {
        const rounds = new Rounds(count);
        let ids = 0;
        for (const step of steps) {
          if (step === 'join' || rounds.owned.size === 0) rounds.owned.set(`m${ids++}`, []);
          else rounds.owned.delete([...rounds.owned.keys()][step % rounds.owned.size]!);
          if (rounds.owned.size === 0) continue;
          const before = rounds.moved;
          expect(rounds.settle()).toBeLessThanOrEqual(2);
          const sizes = [...rounds.owned.values()].map(({ length }) => length);
          expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(count);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
          // Who stays keeps everything when somebody leaves.
          expect(rounds.moved - before).toBeLessThanOrEqual(step === 'join' ? Math.ceil(count / sizes.length) : 0);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('believes the newer of two that say that they own one, and gives it to nobody when both are as new', () => {
    const partition = [{ topic: 't', partition: 0 }];
    const decide = (...members: AssignorMember[]) =>
      withholdMoving(cooperativeStickyAssignor.assign(new Map([['t', 1]]), members), members);
    expect(decide(member('a', partition, 3), member('b', partition, 4)).get('b')).toEqual(partition);
    const tie = decide(member('a', partition, 4), member('b', partition, 4));
    expect([...tie.values()].flat()).toEqual([]);
  });
});

describe('cooperative members over sockets', () => {
  let broker: Broker | undefined;
  let address: string;
  let producer: KafkaProducer;
  let groupId: string;
  let groups = 0;
  const readers: Reader[] = [];

  beforeAll(async () => {
    broker = APACHE
      ? undefined
      : await Broker.start({
          port: 0,
          config: { 'group.initial.rebalance.delay.ms': '0', 'group.min.session.timeout.ms': '100' },
        });
    address = APACHE ?? broker!.bootstrapServers;
    producer = new KafkaProducer({
      cluster: new KafkajsCluster({ bootstrapServers: [address] }),
      options: { lingerMs: 0 },
    });
    await producer.start();
  });

  afterEach(async () => {
    await Promise.all(readers.splice(0).map((reader) => reader.stop()));
  });

  afterAll(async () => {
    await producer.stop();
    await broker?.stop();
  });

  function reader(topic: string, options: Partial<ConsumerOptions> = {}): Reader {
    const made = new Reader(address, {
      groupId,
      topics: [topic],
      partitionAssignmentStrategy: COOPERATIVE,
      ...options,
    });
    readers.push(made);
    return made;
  }

  const newGroup = (): string => (groupId = `coop-${process.pid}-${process.hrtime.bigint()}-${++groups}`);
  const sizes = (): number[] => readers.map(({ consumer }) => consumer.assignment().length).sort((a, b) => a - b);
  const allOnce = (topic: string, count: number): void => {
    const names = readers.flatMap(({ consumer }) => consumer.assignment().map(partitionName)).sort();
    expect(names).toEqual(Array.from({ length: count }, (_, partition) => partitionName({ topic, partition })).sort());
  };

  it('go on with the partitions that stay while others join and leave', async () => {
    newGroup();
    const topic = await createTopic(address, 6);
    const one = await reader(topic).start();
    expect(one.log).toEqual(['assigned 6 kept 0']);
    // Nobody may hold it up: while the second member joins, records of what stays are read and committed.
    let sent = 0;
    let isOver = false;
    const sending = (async () => {
      for (; !isOver; sent++) {
        await producer.send(topic, sent % 6, { key: null, value: Buffer.from(`r${sent}`) });
      }
    })();
    let revoking = 0;
    one.revoking = async () => {
      const before = one.records.length;
      await until(() => one.records.length > before + 20, { what: 'records while partitions are given up' });
      revoking++;
    };
    const two = reader(topic);
    await two.start();
    await until(() => sizes().join() === '3,3', { what: 'three partitions each' });
    expect(revoking).toBe(1);
    one.revoking = () => undefined;
    // One round takes three away, the next hands them on; the first member never lost one that stayed.
    expect(one.log.filter((line) => line.startsWith('revoked'))).toEqual(['revoked 3']);
    expect(two.log.filter((line) => line.startsWith('revoked'))).toEqual([]);
    allOnce(topic, 6);
    readers.splice(readers.indexOf(two), 1);
    await two.stop();
    await until(() => one.consumer.assignment().length === 6, { what: 'all partitions back' });
    isOver = true;
    await sending;
    await until(() => one.records.length + two.records.length >= sent);
    expect([...one.values(), ...two.values()].sort()).toEqual(Array.from({ length: sent }, (_, i) => `r${i}`).sort());
    expect([...one.log, ...two.log].filter((line) => !/^(assigned|revoked)/.test(line))).toEqual([]);
  });

  it('commit while the group waits for a member that takes its time', async () => {
    newGroup();
    const topic = await createTopic(address, 4);
    const eager = { partitionAssignmentStrategy: ['cooperative-sticky', 'sticky'] };
    const slow = await reader(topic, eager).start();
    const one = reader(topic);
    await one.start();
    await until(() => sizes().join() === '2,2');
    let release: () => void = () => undefined;
    slow.revoking = () => new Promise<void>((resolve) => (release = resolve));
    const three = reader(topic);
    const joining = three.start();
    await until(() => slow.log.some((line) => line.startsWith('revoked')), { what: 'the eager member draining' });
    // It holds up the join of all; the cooperative one reads and commits on.
    const mine = one.consumer.assignment();
    const before = one.records.length;
    for (const { partition } of mine) {
      for (let i = 0; i < 5; i++) await producer.send(topic, partition, { key: null, value: Buffer.from('while') });
    }
    await until(() => one.records.length >= before + 10, { what: 'records while the group waits' });
    const offset = one.consumer.position(topic, mine[0]!.partition)!;
    await one.consumer.commit([{ ...mine[0]!, offset }]);
    release();
    slow.revoking = () => undefined;
    await joining;
    await until(() => sizes().join() === '1,1,2', { what: 'a share each' });
    allOnce(topic, 4);
    expect(one.log.filter((line) => !/^(assigned|revoked)/.test(line))).toEqual([]);
  });

  it('keep their partitions over a restart when they are static', async () => {
    newGroup();
    const topic = await createTopic(address, 4);
    const statics = ['a', 'b'].map((groupInstanceId) => ({ groupInstanceId, sessionTimeoutMs: SESSION_MS * 4 }));
    const [first, second] = statics.map((options) => reader(topic, options));
    await first!.start();
    await second!.start();
    await until(() => sizes().join() === '2,2');
    const before = second!.consumer.assignment().map(partitionName).sort();
    const log = [...first!.log];
    readers.splice(readers.indexOf(second!), 1);
    await second!.stop();
    const again = await reader(topic, statics[1]!).start();
    expect(again.consumer.assignment().map(partitionName).sort()).toEqual(before);
    expect(first!.log).toEqual(log);
  });
});
