import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { SimulatedBroker } from '../../proofs/coordinators/simulated-broker.js';
import { silentLogger } from '../../src/common/logger.js';
import { seededRandom } from '../../src/common/random.js';
import { CreateTopics } from '../../src/protocol/messages/index.js';
import { InMemoryCluster } from '../../src/runtime/client/cluster/in-memory-cluster.js';
import { GroupConsumer } from '../../src/runtime/client/consumer/group-consumer.js';
import { KafkaProducer } from '../../src/runtime/client/producer/kafka-producer.js';
import { type ContainerEvent } from '../../src/runtime/listener/container-events.js';
import { ListenerContainer } from '../../src/runtime/listener/listener-container.js';
import { endpointOf, GatedHandler } from '../support/listener-harness.js';
import { ManualClock } from '../support/manual-clock.js';

// A listener that is slower than its topic's retention, on a clock of the test's own: it is told of before the broker
// deletes what it has not read.

const MINUTE = 60_000;
const RETENTION_MS = 60 * MINUTE;

let clock: ManualClock;
let broker: SimulatedBroker;
let container: ListenerContainer;
const handler = new GatedHandler();
const events: Array<Extract<ContainerEvent, { type: 'retention-near' }>> = [];
const alive = new AbortController();

const open = () => new InMemoryCluster({ exchange: broker.exchangeFor(alive.signal), clock });

beforeEach(async () => {
  events.length = 0;
  clock = new ManualClock();
  broker = new SimulatedBroker(clock, 1, () => undefined);
  await broker.start();
});

afterEach(async () => {
  await settled(Promise.all([container.stop(), handler.endAll()]));
  await broker.kill();
});

async function settled<T>(promise: Promise<T>): Promise<T> {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  void promise.catch(() => undefined).finally(done);
  for (let i = 0; i < 500 && !isDone; i++) await clock.advance(100);
  return promise;
}

async function createTopic(name: string, configs: Readonly<Record<string, string>>): Promise<void> {
  const cluster = open();
  await settled(cluster.connect());
  const topic = {
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  };
  const request = { topics: [topic], validateOnly: false };
  await settled(cluster.send(cluster.nodes()[0]!.nodeId, CreateTopics, 5, request));
  await cluster.close();
}

/** So many records, now. */
async function send(topic: string, count: number): Promise<void> {
  const producer = new KafkaProducer({ cluster: open(), options: { lingerMs: 0 }, clock });
  await settled(producer.start());
  const record = { key: Buffer.from('k'), value: Buffer.from('x') };
  await settled(Promise.all(Array.from({ length: count }, () => producer.send(topic, 0, record))));
  await settled(producer.stop());
}

async function listen(topic: string): Promise<void> {
  container = new ListenerContainer({
    endpoint: endpointOf({ topics: [topic], handler: { kind: 'record', invoke: handler.invoke } }),
    createConsumer: () =>
      new GroupConsumer({
        groupId: 'billing',
        topics: [topic],
        createCluster: open,
        autoOffsetReset: 'earliest',
        clock,
        random: seededRandom(7),
      }),
    clock,
    logger: silentLogger,
    settings: { slowHandler: 'warn' },
  });
  container.onEvent((event) => void (event.type === 'retention-near' && events.push(event)));
  await settled(container.start());
}

async function passes(minutes: number): Promise<void> {
  for (let i = 0; i < minutes; i++) await clock.advance(MINUTE);
}

it('is told at 80 % of retention.ms how many records are in danger, once, and again when it happens again', async () => {
  await createTopic('orders', { 'retention.ms': String(RETENTION_MS) });
  await send('orders', 3);
  await listen('orders');
  await passes(20);
  await send('orders', 2);
  await passes(26);
  expect(events).toEqual([]);
  await passes(4);
  const partition = { topic: 'orders', partition: 0 };
  const told = { type: 'retention-near', consumer: 0, partition, retentionMs: RETENTION_MS };
  expect(events).toEqual([{ ...told, position: 0, records: 3 }]);
  // It catches up: the last two are young enough for now, and not for ever.
  for (const offset of [0, 1, 2]) await handler.end(offset);
  await passes(2);
  expect(events).toHaveLength(1);
  await passes(20);
  expect(events.slice(1)).toEqual([{ ...told, position: 3, records: 2 }]);
});

it('is not told of where nothing is deleted for its age', async () => {
  await createTopic('states', { 'retention.ms': String(RETENTION_MS), 'cleanup.policy': 'compact' });
  await send('states', 3);
  await listen('states');
  await passes(70);
  expect(events).toEqual([]);
});
