import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SimulatedBroker } from '../../proofs/coordinators/simulated-broker.js';
import { sleep } from '../../src/common/clock.js';
import { seededRandom } from '../../src/common/random.js';
import { CreateTopics, Fetch, JoinGroup, SyncGroup } from '../../src/protocol/messages/index.js';
import { InMemoryCluster, type InMemoryExchange } from '../../src/runtime/client/cluster/in-memory-cluster.js';
import { GroupConsumer } from '../../src/runtime/client/consumer/group-consumer.js';
import { type AssignedPartition, type ConsumerEvent } from '../../src/runtime/client/consumer-client.js';
import { ManualClock } from '../support/manual-clock.js';

// How long joining takes when nothing else costs time: on a virtual clock only what somebody waits for counts.

const HEARTBEAT_MS = 400;
/** What each request takes from afar. */
const TRIP_MS = 10;
const DRAIN_MS = 300;
const LISTENER = { onAssigned: () => undefined, onRevoked: () => undefined, onLost: () => undefined };

describe.each(['range', 'cooperative-sticky'])('joining by %s', (strategy) => {
  let clock: ManualClock;
  let broker: SimulatedBroker;
  const consumers: GroupConsumer[] = [];
  const alive = new AbortController();

  beforeEach(async () => {
    clock = new ManualClock();
    broker = new SimulatedBroker(clock, 1, () => undefined);
    await broker.start();
    const cluster = open();
    await cluster.connect();
    const topic = { name: 'orders', numPartitions: 4, replicationFactor: 1, assignments: [], configs: [] };
    await cluster.send(cluster.nodes()[0]!.nodeId, CreateTopics, 5, { topics: [topic], validateOnly: false });
    await cluster.close();
  });

  afterEach(async () => {
    const stopped = Promise.all(consumers.splice(0).map((consumer) => consumer.stop()));
    for (let i = 0; i < 50; i++) await clock.advance(100);
    await stopped;
    await broker.kill();
  });

  const open = () => new InMemoryCluster({ exchange: broker.exchangeFor(alive.signal), clock });

  function newConsumer(createCluster: () => InMemoryCluster): GroupConsumer {
    const consumer = new GroupConsumer({
      groupId: 'billing',
      topics: ['orders'],
      createCluster,
      autoOffsetReset: 'earliest',
      heartbeatIntervalMs: HEARTBEAT_MS,
      partitionAssignmentStrategy: [strategy],
      clock,
      random: seededRandom(consumers.length + 1),
    });
    consumers.push(consumer);
    return consumer;
  }

  /** Ms until it has its share. */
  async function join(share: number): Promise<number> {
    const consumer = newConsumer(open);
    const began = clock.monotonic();
    void consumer.start(LISTENER);
    for (let i = 0; i < 5_000 && consumer.assignment().length < share; i++) await clock.advance(1);
    return clock.monotonic() - began;
  }

  it('takes the first member milliseconds, each further one a heartbeat of the others', async () => {
    expect(await join(4)).toBeLessThanOrEqual(20);
    // Cooperative members hand partitions on in a second round, which all of them hear of soon.
    expect(await join(2)).toBeLessThanOrEqual(HEARTBEAT_MS + 100);
    expect(await join(1)).toBeLessThanOrEqual(HEARTBEAT_MS + 100);
  });

  it('takes the first record from afar as many round trips as depend on each other', async () => {
    let firstFetch: number | undefined;
    const consumer = newConsumer(() => {
      const exchange = broker.exchangeFor(alive.signal);
      const far: InMemoryExchange = async (frame, connection) => {
        if (frame.readInt16BE(0) === Fetch.key) firstFetch ??= clock.monotonic();
        await sleep(clock, TRIP_MS);
        return exchange(frame, connection);
      };
      return new InMemoryCluster({ exchange: far, clock });
    });
    const onAssigned = (added: readonly AssignedPartition[]) => {
      consumer.prefetch();
      return consumer.commit(added.map(({ topic, partition, position }) => ({ topic, partition, offset: position })));
    };
    const began = clock.monotonic();
    void consumer.start({ ...LISTENER, onAssigned });
    await clock.advance(25 * TRIP_MS);
    // Versions; the coordinator and the nodes, which a pipe without sockets answers one by one (2), beside the topics;
    // joins (2); the offsets, which the leader asks for, and its assignment; where to begin.
    expect((firstFetch! - began) / TRIP_MS).toBe(8);
  });

  it('tells what each rebalance took, as the broker saw it', async () => {
    const seen: Array<{ from: number; to?: number }> = [];
    const consumer = newConsumer(() => {
      const exchange = broker.exchangeFor(alive.signal);
      const watched: InMemoryExchange = async (frame, connection) => {
        const api = frame.readInt16BE(0);
        const isFirst = seen.length === 0 || seen.at(-1)!.to !== undefined;
        if (api === JoinGroup.key && isFirst) seen.push({ from: clock.monotonic() });
        const answer = await exchange(frame, connection);
        if (api === SyncGroup.key) seen.at(-1)!.to = clock.monotonic();
        return answer;
      };
      return new InMemoryCluster({ exchange: watched, clock });
    });
    const told: Array<Extract<ConsumerEvent, { type: 'rebalanced' }>> = [];
    consumer.onEvent((event) => void (event.type === 'rebalanced' && told.push(event)));
    void consumer.start({ ...LISTENER, onRevoked: () => sleep(clock, DRAIN_MS) });
    for (let i = 0; i < 100 && consumer.assignment().length < 4; i++) await clock.advance(1);
    await join(2);
    await clock.advance(100);
    expect(told.length).toBe(strategy === 'range' ? 2 : 3);
    expect(told.map(({ drainMs }) => drainMs)).toEqual([0, DRAIN_MS, 0].slice(0, told.length));
    expect(told.map(({ reason }) => reason).slice(0, 2)).toEqual(['the consumer starts', 'the group rebalances']);
    told.forEach(({ joinMs, drainMs, totalMs }, i) => {
      expect(Math.abs(joinMs - (seen[i]!.to! - seen[i]!.from))).toBeLessThanOrEqual(50);
      expect(Math.abs(totalMs - joinMs - drainMs)).toBeLessThanOrEqual(50);
    });
  });
});
