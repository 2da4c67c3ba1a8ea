import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Broker } from '../../../../src/broker/broker.js';
import { deferred } from '../../../../src/common/lifecycle.js';
import { silentLogger } from '../../../../src/common/logger.js';
import { partitionName } from '../../../../src/common/topic-partition.js';
import { JoinGroup } from '../../../../src/protocol/messages/11-join-group.js';
import { SyncGroup } from '../../../../src/protocol/messages/14-sync-group.js';
import { KafkajsCluster } from '../../../../src/runtime/client/cluster/kafkajs-cluster.js';
import { GroupConsumer } from '../../../../src/runtime/client/consumer/group-consumer.js';
import { encodeAssignment } from '../../../../src/runtime/client/consumer/membership/consumer-protocol.js';
import { encodeLeaderNote } from '../../../../src/runtime/client/consumer/membership/leader-note.js';
import { until } from '../../../../src/testing/until.js';
import { createTopic } from '../../../support/client-broker.js';
import { Reader, SESSION_MS } from '../../../support/group-reader.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { ScriptedGroup } from '../../../support/scripted-group.js';

// A static member that dies between giving partitions up and joining again: its successor gets the assignment that
// lacks them, without a rebalance. Somebody has to ask for one, or they are read by nobody.

const APACHE = process.env.KAFKA_BOOTSTRAP_SERVERS?.split(',')[0];
const COOPERATIVE = ['cooperative-sticky'];

describe('the successor of a static member that died while it gave partitions up', () => {
  let broker: Broker | undefined;
  let address: string;
  const readers: Reader[] = [];

  beforeEach(async () => {
    const config = { 'group.initial.rebalance.delay.ms': '0', 'group.min.session.timeout.ms': '100' };
    broker = APACHE ? undefined : await Broker.start({ port: 0, config });
    address = APACHE ?? broker!.bootstrapServers;
  });

  afterEach(async () => {
    await Promise.all(readers.splice(0).map((reader) => reader.stop()));
    await broker?.stop();
  });

  it('has them handed on', async () => {
    const topic = await createTopic(address, 4);
    const groupId = `static-${process.pid}-${process.hrtime.bigint()}`;
    const optionsOf = (groupInstanceId: string) => ({
      groupId,
      topics: [topic],
      groupInstanceId,
      sessionTimeoutMs: SESSION_MS * 20,
      heartbeatIntervalMs: SESSION_MS / 9,
      partitionAssignmentStrategy: COOPERATIVE,
      logger: silentLogger,
    });
    const start = (groupInstanceId: string): Promise<Reader> => {
      readers.push(new Reader(address, optionsOf(groupInstanceId)));
      return readers.at(-1)!.start();
    };
    // It never comes to join again: for the group it dies while it gives partitions up.
    const givesUp = deferred();
    const death = deferred();
    const revoking = (): Promise<void> => {
      givesUp.resolve();
      return death.promise;
    };
    const one = new GroupConsumer({
      ...optionsOf('one'),
      createCluster: () => new KafkajsCluster({ bootstrapServers: [address] }),
    });
    await one.start({ onAssigned: () => undefined, onRevoked: revoking, onLost: () => undefined });
    const two = await start('two');
    await givesUp.promise;
    const successor = await start('one');
    expect(successor.log[0]).toBe('assigned 2 kept 0');
    const names = (): string[] =>
      [successor, two].flatMap(({ consumer }) => consumer.assignment().map(partitionName)).sort();
    const all = [0, 1, 2, 3].map((partition) => partitionName({ topic, partition }));
    await until(() => names().join() === all.join(), { what: 'an owner for each partition' }).finally(() =>
      death.resolve(),
    );
    await one.stop();
  });
});

describe('a static member that gets an assignment from before it came', () => {
  let clock: ManualClock;
  let group: ScriptedGroup;
  let consumer: GroupConsumer;

  async function joins(
    userData: Buffer | null,
    { strategy = COOPERATIVE, isStatic = true, leads = false } = {},
  ): Promise<number> {
    clock = new ManualClock();
    group = new ScriptedGroup({ orders: 2 }, clock);
    let id = 0;
    group.script.on(JoinGroup, (request) => {
      const memberId = request.memberId === '' ? `member-${++id}` : request.memberId;
      return {
        generationId: ++group.generationId,
        protocolType: 'consumer',
        protocolName: request.protocols[0]!.name,
        leader: leads ? memberId : 'another',
        skipAssignment: request.memberId === '',
        memberId,
        errorCode: 0,
        members: [],
      };
    });
    const partitions = [{ topic: 'orders', partition: 0 }];
    let given = userData;
    group.script.on(SyncGroup, () => {
      const assignment = encodeAssignment({ partitions, userData: given });
      given =
        userData === null
          ? null
          : encodeLeaderNote({ grownTopics: new Set(), givesUp: false, handsOn: false, topics: ['orders'] });
      return { errorCode: 0, protocolType: 'consumer', assignment };
    });
    consumer = new GroupConsumer({
      groupId: 'billing',
      topics: ['orders'],
      createCluster: group.script.open,
      autoOffsetReset: 'earliest',
      partitionAssignmentStrategy: strategy,
      ...(isStatic && { groupInstanceId: 'one' }),
      logger: silentLogger,
      clock,
    });
    const listener = { onAssigned: () => undefined, onRevoked: () => undefined, onLost: () => undefined };
    void consumer.start(listener);
    await clock.advance(20_000);
    const stopped = consumer.stop();
    await clock.advance(5_000);
    await stopped;
    return group.script.callsOf(JoinGroup).length;
  }

  const note = (givesUp: boolean): Buffer =>
    encodeLeaderNote({ grownTopics: new Set(['orders']), givesUp, handsOn: givesUp, topics: ['orders'] });

  it('joins again when the note says that partitions were given up, and only then', async () => {
    expect(await joins(note(true))).toBe(2);
    expect(await joins(note(false))).toBe(1);
  });

  it('joins again once when no note says what was given up: another client leads the group', async () => {
    expect(await joins(null)).toBe(2);
  });

  it('joins again once when it succeeds to a leader of another client, which left no note of what it saw', async () => {
    expect(await joins(null, { strategy: ['range'], leads: true })).toBe(2);
  });

  it('does not when it is dynamic, or gives everything up before it joins', async () => {
    expect(await joins(null, { isStatic: false })).toBe(1);
    expect(await joins(note(true), { isStatic: false })).toBe(1);
    expect(await joins(null, { strategy: ['range'] })).toBe(1);
  });
});
