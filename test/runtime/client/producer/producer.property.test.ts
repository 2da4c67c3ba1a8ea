import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hasCode } from '../../../../src/common/errors.js';
import { seededRandom } from '../../../../src/common/random.js';
import { ErrorCode } from '../../../../src/protocol/error-codes.js';
import { Produce } from '../../../../src/protocol/messages/00-produce.js';
import { InMemoryCluster } from '../../../../src/runtime/client/cluster/in-memory-cluster.js';
import { KafkaProducer } from '../../../../src/runtime/client/producer/kafka-producer.js';
import { type RecordMetadata } from '../../../../src/runtime/client/producer-client.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { type Call, CLOSE, HANG, ModelBroker } from '../../../support/model-broker.js';

// The producer against a broker that loses answers, cuts connections, refuses and moves leaders: whatever it says
// was stored is there, once, in order.

const FAULTS = [
  'lost-answer',
  'late-answer',
  'repeated',
  'silence',
  'cut',
  'cut-after',
  'refused',
  'retriable',
  'leader-moves',
  'none',
] as const;

const scenario = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  records: fc.integer({ min: 20, max: 60 }),
  batchSize: fc.constantFrom(100, 250, 16_384),
  lingerMs: fc.constantFrom(0, 5),
  deliveryTimeoutMs: fc.constantFrom(2_000, 120_000),
  faults: fc.array(fc.constantFrom(...FAULTS), { minLength: 1, maxLength: 25 }),
});

type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

interface Sent {
  readonly partition: number;
  readonly value: string;
  result?: RecordMetadata;
  error?: Error;
  /** Times that it was told an end. */
  ends: number;
}

async function run(given: Scenario): Promise<{ sent: Sent[]; broker: ModelBroker }> {
  const clock = new ManualClock();
  const broker = new ModelBroker({ orders: 3 }, 2);
  const random = seededRandom(given.seed);
  const faults = [...given.faults];
  broker.on(Produce, (call) => inject(broker, clock, call, faults.shift() ?? 'none'));
  const producer = new KafkaProducer({
    cluster: new InMemoryCluster({ exchange: broker.exchange, clock }),
    clock,
    random,
    options: {
      batchSize: given.batchSize,
      lingerMs: given.lingerMs,
      deliveryTimeoutMs: given.deliveryTimeoutMs,
      requestTimeoutMs: 500,
    },
  });
  await producer.start();
  const sent: Sent[] = [];
  for (let i = 0; i < given.records; i++) {
    const one: Sent = { partition: Math.floor(random.next() * 3), value: `${i}`.padEnd(40, '.'), ends: 0 };
    sent.push(one);
    const stored = (result: RecordMetadata) => {
      one.result = result;
      one.ends++;
    };
    const failed = (error: Error) => {
      one.error = error;
      one.ends++;
    };
    const record = { key: null, value: Buffer.from(one.value) };
    if (i % 2 === 0) producer.send('orders', one.partition, record).then(stored, failed);
    else {
      producer.enqueue('orders', one.partition, record, {
        stored: (topic, partition, offset) => stored({ topic, partition, offset, timestamp: 0 }),
        failed,
      });
    }
    if (random.next() < 0.5) await clock.advance(random.next() * 20);
  }
  await clock.advance(130_000);
  const stopped = producer.stop();
  await clock.advance(1);
  await stopped;
  return { sent, broker };
}

function inject(
  broker: ModelBroker,
  clock: ManualClock,
  { request, nodeId }: Call<typeof Produce>,
  fault: (typeof FAULTS)[number],
): any {
  const store = () =>
    request.topicData.flatMap(({ name, partitionData }) =>
      partitionData.map(({ index, records }) => {
        const log = broker.partition(name, index);
        return log.leader === nodeId ? log.append(records!, 1e9) : undefined;
      }),
    );
  const all = (errorCode: number) => ({
    responses: request.topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, baseOffset: -1 })),
    })),
    throttleTimeMs: 0,
  });
  switch (fault) {
    case 'lost-answer':
      store();
      return HANG;
    case 'repeated':
      store();
      return undefined; // the broker is given it once more, and answers
    case 'late-answer':
      // Sometimes after the request's time-out: the producer has sent it again by then.
      store();
      return new Promise((resolve) => clock.schedule(300 + request.topicData.length * 150, () => resolve(undefined)));
    case 'silence':
      return HANG;
    case 'cut':
      return CLOSE;
    case 'cut-after':
      store();
      return CLOSE;
    case 'refused':
      return all(ErrorCode.INVALID_RECORD);
    case 'retriable':
      return all(ErrorCode.NOT_ENOUGH_REPLICAS);
    case 'leader-moves': {
      const log = broker.partition('orders', request.topicData[0]!.partitionData[0]!.index);
      log.leader = 3 - log.leader;
      return undefined;
    }
    default:
      return undefined;
  }
}

const RUNS = Number(process.env.PROOF_RUNS ?? 40);

describe('the producer under faults', () => {
  it(
    'tells the truth about every record, stores none twice and keeps their order',
    async () => {
      await fc.assert(
        fc.asyncProperty(scenario, async (given) => {
          const { sent, broker } = await run(given);
          for (let partition = 0; partition < 3; partition++) {
            const stored = broker.records('orders', partition).map(({ value }) => String(value));
            const mine = sent.filter((one) => one.partition === partition);
            // Every call has an outcome, and a resolved one is true.
            expect(mine.every(({ ends }) => ends === 1)).toBe(true);
            const resolved = mine.filter(({ result }) => result !== undefined);
            expect(resolved.map(({ result }) => stored[result!.offset])).toEqual(resolved.map(({ value }) => value));
            // Nothing twice, nothing out of order, not even what was rejected.
            const order = stored.map((value) => Number.parseInt(value, 10));
            expect(order).toEqual([...new Set(order)].sort((a, b) => a - b));
            // With patience everything arrives but what the broker refused.
            const isPatient = given.deliveryTimeoutMs > 100_000 && !given.faults.includes('refused');
            expect(isPatient ? resolved : mine).toEqual(mine);
          }
        }),
        { numRuns: RUNS },
      );
    },
    5000 + RUNS * 20,
  );
});

const pressure = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  bufferMemory: fc.integer({ min: 1_000, max: 4_000 }),
  maxBlockMs: fc.integer({ min: 0, max: 3_000 }),
  deliveryTimeoutMs: fc.integer({ min: 1_000, max: 5_000 }),
  lingerMs: fc.constantFrom(0, 7),
  /** Ms until the broker answers each request; null: never. */
  answers: fc.array(fc.option(fc.integer({ min: 0, max: 900 })), { maxLength: 12 }),
  sends: fc.array(fc.record({ wait: fc.nat(400), bytes: fc.nat(900), partition: fc.nat(2) }), {
    minLength: 1,
    maxLength: 40,
  }),
});

describe('the producer under pressure', () => {
  it('never holds more than its buffer, and gives up to the millisecond', async () => {
    await fc.assert(
      fc.asyncProperty(
        pressure,
        async ({ seed, bufferMemory, maxBlockMs, deliveryTimeoutMs, lingerMs, answers, sends }) => {
          const clock = new ManualClock();
          const broker = new ModelBroker({ orders: 3 }, 1);
          const times = [...answers];
          broker.on(Produce, () => {
            const ms = times.shift();
            if (ms === null || ms === undefined) return HANG;
            return new Promise((resolve) => clock.schedule(ms, () => resolve(undefined)));
          });
          const producer = new KafkaProducer({
            cluster: new InMemoryCluster({ exchange: broker.exchange, clock }),
            clock,
            random: seededRandom(seed),
            options: { batchSize: 500, lingerMs, bufferMemory, maxBlockMs, deliveryTimeoutMs, requestTimeoutMs: 900 },
          });
          await producer.start();
          await producer.partitionsFor('orders');
          const ends: Array<{ sentAt: number; endedAt: number; partition: number; hadWaited: boolean; error?: Error }> =
            [];
          /** Times of the calls for a partition. */
          const calls = new Map<number, number[]>();
          const waited = new Set<number>();
          const held = () => {
            const metrics = producer.metrics();
            return { used: bufferMemory - metrics['buffer-available-bytes']!, waiting: metrics['waiting-threads']! };
          };
          for (const { wait, bytes, partition } of sends) {
            const sentAt = clock.monotonic();
            calls.set(partition, [...(calls.get(partition) ?? []), sentAt]);
            const before = held().waiting;
            const note = (error?: Error) => {
              const hadWaited = waited.has(partition);
              ends.push({ sentAt, endedAt: clock.monotonic(), partition, hadWaited, ...(error ? { error } : {}) });
            };
            producer.send('orders', partition, { key: null, value: Buffer.alloc(bytes) }).then(
              () => note(),
              (error: Error) => note(error),
            );
            if (held().waiting > before) waited.add(partition);
            expect(held().used).toBeLessThanOrEqual(bufferMemory);
            await clock.advance(wait);
            expect(held().used).toBeLessThanOrEqual(bufferMemory);
          }
          await clock.advance(maxBlockMs + deliveryTimeoutMs + 1_000);
          expect(ends).toHaveLength(sends.length);
          const isRight = ({ sentAt, endedAt, partition, hadWaited, error }: (typeof ends)[number]): boolean => {
            if (!error) return true;
            const took = endedAt - sentAt;
            // At once where those that wait fill the buffer once more, else after max.block.ms.
            if (hasCode(error, 'KAFKA_BUFFER_FULL')) return took === 0 || took === maxBlockMs;
            // To the millisecond from the beginning of its batch, which one that did not wait can tell.
            const isExact = hadWaited || calls.get(partition)!.includes(endedAt - deliveryTimeoutMs);
            const isTold = error.message.includes(`within ${deliveryTimeoutMs} ms (delivery.timeout.ms)`);
            return isExact && isTold && took <= maxBlockMs + deliveryTimeoutMs;
          };
          expect(ends.filter((end) => !isRight(end))).toEqual([]);
          expect(held()).toEqual({ used: 0, waiting: 0 });
          const stopped = producer.stop();
          await clock.advance(1);
          await stopped;
        },
      ),
      { numRuns: RUNS },
    );
  }, 20_000);
});
