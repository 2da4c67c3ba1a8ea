import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
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

const FAULTS = ['lost-answer', 'silence', 'cut', 'cut-after', 'refused', 'retriable', 'leader-moves', 'none'] as const;

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
}

async function run(given: Scenario): Promise<{ sent: Sent[]; broker: ModelBroker }> {
  const clock = new ManualClock();
  const broker = new ModelBroker({ orders: 3 }, 2);
  const random = seededRandom(given.seed);
  const faults = [...given.faults];
  broker.on(Produce, (call) => inject(broker, call, faults.shift() ?? 'none'));
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
    const one: Sent = { partition: Math.floor(random.next() * 3), value: `${i}`.padEnd(40, '.') };
    sent.push(one);
    producer.send('orders', one.partition, { key: null, value: Buffer.from(one.value) }).then(
      (result) => {
        one.result = result;
      },
      (error: Error) => {
        one.error = error;
      },
    );
    if (random.next() < 0.5) await clock.advance(random.next() * 20);
  }
  await clock.advance(130_000);
  const stopped = producer.stop();
  await clock.advance(1);
  await stopped;
  return { sent, broker };
}

function inject(broker: ModelBroker, { request, nodeId }: Call<typeof Produce>, fault: (typeof FAULTS)[number]): any {
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
            expect(mine.every(({ result, error }) => (result === undefined) !== (error === undefined))).toBe(true);
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
