import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SimulatedBroker } from '../../proofs/coordinators/simulated-broker.js';
import { seededRandom } from '../../src/common/random.js';
import { CreateTopics } from '../../src/protocol/messages/index.js';
import { InMemoryCluster } from '../../src/runtime/client/cluster/in-memory-cluster.js';
import { GroupConsumer } from '../../src/runtime/client/consumer/group-consumer.js';
import { ManualClock } from '../support/manual-clock.js';

// How long joining takes when nothing else costs time: on a virtual clock only what somebody waits for counts.

const HEARTBEAT_MS = 400;

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

  /** Ms until it has its share. */
  async function join(share: number): Promise<number> {
    const consumer = new GroupConsumer({
      groupId: 'billing',
      topics: ['orders'],
      createCluster: open,
      heartbeatIntervalMs: HEARTBEAT_MS,
      partitionAssignmentStrategy: [strategy],
      clock,
      random: seededRandom(consumers.length + 1),
    });
    consumers.push(consumer);
    const began = clock.monotonic();
    void consumer.start({ onAssigned: () => undefined, onRevoked: () => undefined, onLost: () => undefined });
    for (let i = 0; i < 5_000 && consumer.assignment().length < share; i++) await clock.advance(1);
    return clock.monotonic() - began;
  }

  it('takes the first member milliseconds, the second a heartbeat of the first', async () => {
    expect(await join(4)).toBeLessThanOrEqual(20);
    // Cooperative members hand partitions on in a second round, which the newcomer's next heartbeat tells it of.
    const rounds = strategy === 'range' ? 1 : 2;
    expect(await join(2)).toBeLessThanOrEqual(rounds * HEARTBEAT_MS + 100);
  });
});
