import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SimulatedBroker } from '../../proofs/coordinators/simulated-broker.js';
import { sleep } from '../../src/common/clock.js';
import { seededRandom } from '../../src/common/random.js';
import { CreateTopics, Fetch } from '../../src/protocol/messages/index.js';
import { InMemoryCluster, type InMemoryExchange } from '../../src/runtime/client/cluster/in-memory-cluster.js';
import { GroupConsumer } from '../../src/runtime/client/consumer/group-consumer.js';
import { type AssignedPartition } from '../../src/runtime/client/consumer-client.js';
import { ManualClock } from '../support/manual-clock.js';

// How long joining takes when nothing else costs time: on a virtual clock only what somebody waits for counts.

const HEARTBEAT_MS = 400;
/** What each request takes from afar. */
const TRIP_MS = 10;
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
    const onAssigned = (added: readonly AssignedPartition[]) =>
      consumer.commit(added.map(({ topic, partition, position }) => ({ topic, partition, offset: position })));
    const began = clock.monotonic();
    void consumer.start({ ...LISTENER, onAssigned });
    await clock.advance(25 * TRIP_MS);
    // Versions and metadata; topics, beside the coordinator and its connection's versions (2); joins (2); partitions and
    // offsets, which the leader asks for, and its assignment; where to begin (2), and a commit of that.
    expect((firstFetch! - began) / TRIP_MS).toBe(12);
  });
});
