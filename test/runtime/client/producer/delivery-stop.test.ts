import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../../../src/common/random.js';
import { type OutgoingRecord } from '../../../../src/common/record.js';
import { ErrorCode } from '../../../../src/protocol/error-codes.js';
import { Produce } from '../../../../src/protocol/messages/00-produce.js';
import { InMemoryCluster } from '../../../../src/runtime/client/cluster/in-memory-cluster.js';
import { KafkaProducer } from '../../../../src/runtime/client/producer/kafka-producer.js';
import { type ProducerOptions } from '../../../../src/runtime/client/producer/producer-options.js';
import { type StoppedDelivery } from '../../../../src/runtime/client/producer-client.js';
import { RecordingLogger } from '../../../support/fake-clients.js';
import { ManualClock, flush as settle } from '../../../support/manual-clock.js';
import { ModelBroker, SILENT } from '../../../support/model-broker.js';

// onDeliveryFailure 'stop': nothing overtakes a lost record.

const text = (value: string): OutgoingRecord => ({ key: null, value: Buffer.from(value) });
const outcome = (promise: Promise<{ offset: number }>) =>
  promise.then(
    ({ offset }) => `stored at ${offset}`,
    (error: Error) => error.message,
  );

describe('a producer that stops at a lost record', () => {
  let broker: ModelBroker;
  let clock: ManualClock;
  let producer: KafkaProducer;
  let logger: RecordingLogger;

  const start = async (
    options: ProducerOptions = {},
    onStopped: (stopped: StoppedDelivery) => void = () => undefined,
  ): Promise<void> => {
    const cluster = new InMemoryCluster({ exchange: broker.exchange, clock, requestTimeoutMs: 1_000 });
    const all: ProducerOptions = { lingerMs: 0, onDeliveryFailure: 'stop', ...options };
    producer = new KafkaProducer({ cluster, clock, random: seededRandom(7), logger, options: all, onStopped });
    await producer.start();
    await producer.partitionsFor('wide');
  };
  const values = (partition: number) => broker.records('wide', partition).map(({ value }) => String(value));

  beforeEach(() => {
    clock = new ManualClock();
    logger = new RecordingLogger();
    broker = new ModelBroker({ wide: 3 }, 1);
  });

  afterEach(async () => {
    broker.on(Produce, () => undefined);
    const stopped = producer.stop();
    await clock.advance(300_000);
    await stopped;
  });

  it('tells of the stop once what waits behind the lost record is refused, so that whoever is told may resume', async () => {
    const stops: StoppedDelivery[] = [];
    const options = { batchSize: 120, maxInFlightRequestsPerConnection: 1, deliveryTimeoutMs: 5_000 };
    await start({ ...options, requestTimeoutMs: 1_000 }, (stopped) => {
      stops.push(stopped);
      producer.resume(stopped.topic, stopped.partition);
    });
    broker.on(Produce, () => SILENT);
    const lost = outcome(producer.send('wide', 0, text('lost')));
    await clock.advance(4_000);
    const behind = outcome(producer.send('wide', 0, text('behind')));
    await clock.advance(1_500);
    broker.on(Produce, () => undefined);
    expect(await lost).toContain('not acknowledged within 5000 ms');
    expect(await behind).toContain('wide-0 takes no records since one was lost');
    expect(stops).toMatchObject([{ topic: 'wide', partition: 0, error: { code: 'KAFKA_DELIVERY_FAILED' } }]);
    expect(producer.stopped()).toEqual([]);
    const after = outcome(producer.send('wide', 0, text('after')));
    await clock.advance(5_000);
    expect(await after).toContain('stored at');
  });

  it('refuses what would overtake it, at once and until it is told to go on; other partitions go on', async () => {
    await start({ batchSize: 120, requestTimeoutMs: 1_000, deliveryTimeoutMs: 5_000 });
    broker.on(Produce, () => SILENT);
    const lost = outcome(producer.send('wide', 0, text('lost')));
    await settle();
    const behind = ['a', 'b'].map((value) => outcome(producer.send('wide', 0, text(value.repeat(60)))));
    await clock.advance(6_000);
    broker.on(Produce, () => undefined);
    expect(await lost).toContain('not acknowledged within 5000 ms');
    for (const message of await Promise.all(behind))
      expect(message).toMatch(/takes no records since one was lost|5000 ms/);
    await clock.advance(10_000);
    expect(await outcome(producer.send('wide', 0, text('later')))).toContain(
      "wide-0 takes no records since one was lost, which nothing may overtake (producer.on-delivery-failure=stop); see to the lost one, then call resume('wide', 0)",
    );
    expect(await outcome(producer.send('wide', 1, text('other')))).toBe('stored at 0');
    expect(producer.stopped()).toMatchObject([{ topic: 'wide', partition: 0 }]);
    expect(logger.lines.filter((line) => line.includes('nothing may overtake it'))).toHaveLength(1);
    const before = values(0);
    producer.resume('wide', 0);
    expect(producer.stopped()).toEqual([]);
    const resumed = outcome(producer.send('wide', 0, text('resumed')));
    await clock.advance(5_000);
    expect(await resumed).toContain('stored at');
    expect(values(0)).toEqual([...before, 'resumed']);
  });

  it('lets nothing behind a refused batch be stored, though it was under way already', async () => {
    await start({ batchSize: 100 });
    // Confirms the epoch, so that several requests may be under way.
    await producer.send('wide', 2, text('first'));
    let calls = 0;
    broker.on(Produce, () => {
      calls++;
      if (calls > 1) return undefined;
      const refused = { index: 2, errorCode: ErrorCode.INVALID_RECORD, baseOffset: -1 };
      return { responses: [{ name: 'wide', partitionResponses: [refused] }], throttleTimeMs: 0 };
    });
    const sent = ['x', 'y', 'z'].map((value) => outcome(producer.send('wide', 2, text(value.repeat(60)))));
    await clock.advance(10_000);
    const messages = await Promise.all(sent);
    expect(messages[0]).toContain('refused by the broker');
    expect(messages.some((message) => message.startsWith('stored'))).toBe(false);
    expect(values(2)).toEqual(['first']);
  });

  it('stops a topic whose record was lost before it had a partition', async () => {
    await start({ maxRequestSize: 1_000 });
    const [large, small] = [
      producer.send('wide', undefined, text('x'.repeat(2_000))),
      producer.send('wide', 1, text('a')),
    ];
    expect(await outcome(large)).toContain('max.request.size');
    expect(await outcome(small)).toContain('wide takes no records since one was lost');
    producer.resume();
    expect(await outcome(producer.send('wide', 1, text('a')))).toBe('stored at 0');
  });

  it('is refused where a later request could overtake one that fails', () => {
    const make = (options: ProducerOptions) => () =>
      new KafkaProducer({
        cluster: new InMemoryCluster({ exchange: broker.exchange, clock }),
        options: { onDeliveryFailure: 'stop', ...options },
      });
    expect(make({ acks: 1 })).toThrow('onDeliveryFailure stop needs enable.idempotence');
    expect(make({ acks: 1, maxInFlightRequestsPerConnection: 1 })).not.toThrow();
    producer = make({})();
  });
});
