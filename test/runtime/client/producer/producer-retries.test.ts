import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ErrorCode } from '../../../../src/protocol/error-codes.js';
import { Produce } from '../../../../src/protocol/messages/00-produce.js';
import { Metadata } from '../../../../src/protocol/messages/03-metadata.js';
import { InitProducerId } from '../../../../src/protocol/messages/22-init-producer-id.js';
import { baseSequence, producerEpoch, producerId } from '../../../../src/protocol/record-batch-header.js';
import { type KafkaProducer } from '../../../../src/runtime/client/producer/kafka-producer.js';
import { type ProducerOptions } from '../../../../src/runtime/client/producer/producer-options.js';
import { type ManualClock, flush as settle } from '../../../support/manual-clock.js';
import { CLOSE, HANG, type ModelBroker, SILENT } from '../../../support/model-broker.js';
import { outcome, ProducerWorld, text } from './producer-world.js';

// Lost answers, refusals, leaders that move: what is sent again, in which order, and what is given up.

describe('a producer in trouble', () => {
  let world: ProducerWorld;
  let broker: ModelBroker;
  let clock: ManualClock;
  let producer: KafkaProducer;

  const start = async (options?: ProducerOptions) => {
    producer = await world.start(options);
    return producer;
  };

  beforeEach(() => {
    world = new ProducerWorld();
    ({ broker, clock } = world);
  });

  afterEach(() => world.stop());

  it('asks for a producer id until the coordinator is there, and never goes on without one', async () => {
    let refusals = 5;
    broker.on(InitProducerId, () =>
      refusals-- > 0
        ? { throttleTimeMs: 0, errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, producerId: -1n, producerEpoch: -1 }
        : undefined,
    );
    await start();
    const sent = ['a', 'b', 'c'].map((value) => producer.send('orders', 0, text(value)));
    await settle();
    expect(world.batches()).toEqual([]);
    await clock.advance(5000);
    expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual([0, 1, 2]);
    expect([refusals, world.values()]).toEqual([-1, ['a', 'b', 'c']]);
    expect(producerId(world.batches()[0]!)).toBeGreaterThan(0n);
  });

  it('rejects with the reason when the producer id is refused for good', async () => {
    broker.on(InitProducerId, () => ({
      throttleTimeMs: 0,
      errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
      producerId: -1n,
      producerEpoch: -1,
    }));
    await start();
    await expect(producer.send('orders', 0, text('a'))).rejects.toMatchObject({
      errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
    });
  });

  describe('with several batches under way', () => {
    const eachItsBatch = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => producer.send('orders', 0, text(`n${from + i}`.padEnd(90))));

    beforeEach(async () => {
      await start({ batchSize: 100 });
      await producer.send('orders', 0, text('n0'));
    });

    it('repeats a batch byte for byte after a lost answer, before anything else, in order', async () => {
      const lost = new Set([2, 4]);
      let n = 0;
      broker.on(Produce, () => (lost.has(++n) ? SILENT : undefined));
      const sent = eachItsBatch(1, 12);
      await clock.advance(120_000);
      expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual(
        Array.from({ length: 11 }, (_, i) => i + 1),
      );
      expect(world.values().map((value) => value.trim())).toEqual(Array.from({ length: 12 }, (_, i) => `n${i}`));
      expect(broker.partition('orders', 0).duplicates).toBeGreaterThan(0);
      const bySequence = new Map<number, Buffer>();
      for (const batch of world.batches()) {
        expect(batch.equals(bySequence.get(baseSequence(batch)) ?? batch)).toBe(true);
        bySequence.set(baseSequence(batch), batch);
      }
    });

    it('stores each record once, in order, through 1,000 lost answers', async () => {
      let lost = 0;
      let n = 0;
      broker.on(Produce, () => {
        if (lost === 1_000 || ++n % 4 === 0) return undefined;
        lost++;
        return SILENT;
      });
      const stored: number[] = [];
      for (let from = 1; lost < 1_000; from += 100) {
        let isSettled = false;
        const wave = Promise.all(eachItsBatch(from, from + 100)).finally(() => {
          isSettled = true;
        });
        while (!isSettled) await clock.advance(31_000);
        stored.push(...(await wave).map(({ offset }) => offset));
      }
      expect(stored).toEqual(stored.map((_, at) => at + 1));
      expect(world.values().map((value) => value.trim())).toEqual(
        Array.from({ length: stored.length + 1 }, (_, i) => `n${i}`),
      );
      expect(broker.partition('orders', 0).duplicates).toBeGreaterThanOrEqual(1_000);
    });

    it('sends what waited behind a batch whose connection hung, in order', async () => {
      broker.on(Produce, () => HANG);
      const sent = eachItsBatch(1, 20);
      await settle();
      broker.on(Produce, () => undefined);
      await clock.advance(31_000);
      expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual(
        Array.from({ length: 19 }, (_, i) => i + 1),
      );
      expect(world.values().map((value) => value.trim())).toEqual(Array.from({ length: 20 }, (_, i) => `n${i}`));
    });

    it('gives a batch up after delivery.timeout.ms and starts a new epoch, so that nothing is taken for a duplicate', async () => {
      broker.on(Produce, () => HANG);
      const lost = outcome(producer.send('orders', 0, text('lost')));
      await clock.advance(119_000);
      broker.on(Produce, () => CLOSE);
      await clock.advance(2000);
      expect(await lost).toMatchObject({
        code: 'KAFKA_DELIVERY_FAILED',
        message: expect.stringMatching(/orders-0: 1 record not acknowledged within 120000 ms.*sent \d+ times.*unknown/),
      });
      broker.on(Produce, () => undefined);
      const next = producer.send('orders', 0, text('next'));
      await clock.advance(2000);
      expect(await next).toMatchObject({ offset: 1 });
      const last = world.batches().at(-1)!;
      expect([producerEpoch(last), baseSequence(last)]).toEqual([1, 0]);
    });

    it('settles those behind a batch that was given up before it goes on', async () => {
      let refuse = true;
      broker.on(Produce, ({ request }) => {
        if (!refuse) return undefined;
        refuse = false;
        return answerAll(request, ErrorCode.INVALID_RECORD);
      });
      const sent = eachItsBatch(1, 9).map(outcome);
      await clock.advance(5000);
      const results = await Promise.all(sent);
      expect(results[0]).toMatchObject({
        code: 'KAFKA_DELIVERY_FAILED',
        message: expect.stringContaining('INVALID_RECORD'),
      });
      expect(world.values().map((value) => value.trim())).toEqual(['n0', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7', 'n8']);
      expect(results.slice(1).map((result: any) => result.offset)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    });

    it('takes another producer id when the old one is fenced', async () => {
      broker.on(Produce, ({ request }) => {
        const epoch = producerEpoch(request.topicData[0]!.partitionData[0]!.records!);
        return producerId(request.topicData[0]!.partitionData[0]!.records!) === 1000n
          ? answerAll(request, ErrorCode.INVALID_PRODUCER_EPOCH)
          : epoch === 0
            ? undefined
            : CLOSE;
      });
      const sent = eachItsBatch(1, 4);
      await clock.advance(5000);
      expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual([1, 2, 3]);
    });
  });

  it('goes to the new leader', async () => {
    await start();
    await producer.send('orders', 0, text('a'));
    broker.partition('orders', 0).leader = 2;
    const sent = producer.send('orders', 0, text('b'));
    await clock.advance(1000);
    expect(await sent).toMatchObject({ offset: 1 });
    expect(broker.callsOf(Produce).at(-1)!.nodeId).toBe(2);
  });

  it('waits while a partition has no leader', async () => {
    await start();
    await producer.send('orders', 0, text('a'));
    broker.partition('orders', 0).leader = -1;
    const sent = producer.send('orders', 0, text('b'));
    await clock.advance(5000);
    broker.partition('orders', 0).leader = 2;
    await clock.advance(2000);
    expect(await sent).toMatchObject({ offset: 1 });
  });

  it('backs off exponentially up to the limit', async () => {
    await start({ retryBackoffMs: 40, retryBackoffMaxMs: 300 });
    await producer.send('orders', 0, text('a'));
    const times: number[] = [];
    broker.on(Produce, ({ request }) => {
      times.push(clock.monotonic());
      return times.length < 8 ? answerAll(request, ErrorCode.NOT_ENOUGH_REPLICAS) : undefined;
    });
    const sent = producer.send('orders', 0, text('b'));
    await clock.advance(10_000);
    await sent;
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    [40, 80, 160, 300, 300, 300, 300].forEach((expected, i) => {
      expect(gaps[i]).toBeGreaterThanOrEqual(expected * 0.8 - 1);
      expect(gaps[i]).toBeLessThanOrEqual(Math.min(300, expected * 1.2) + 1);
    });
  });

  it('gives up at the first error without retries', async () => {
    await start({ retries: 0 });
    broker.on(Produce, ({ request }) => answerAll(request, ErrorCode.NOT_ENOUGH_REPLICAS));
    await expect(producer.send('orders', 0, text('a'))).rejects.toThrow(/after 1 attempts.*NOT_ENOUGH_REPLICAS/);
    broker.on(Produce, () => CLOSE);
    const lost = outcome(producer.send('orders', 0, text('b')));
    await clock.advance(5_000);
    expect(await lost).toMatchObject({ code: 'KAFKA_DELIVERY_FAILED' });
    expect(broker.callsOf(Produce)).toHaveLength(2);
  });

  it('delivers all once and in order when every broker was away for thirty seconds', async () => {
    await start();
    await producer.send('orders', 0, text('n0'));
    for (const api of [Produce, Metadata, InitProducerId]) broker.on<any>(api, () => CLOSE);
    const sent: Array<Promise<{ offset: number }>> = [];
    for (let i = 1; i <= 30; i++) {
      sent.push(producer.send('orders', 0, text(`n${i}`)));
      await clock.advance(1_000);
    }
    for (const api of [Produce, Metadata, InitProducerId]) broker.on<any>(api, () => undefined);
    await clock.advance(5_000);
    expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual(sent.map((_, at) => at + 1));
    expect(world.values()).toEqual(Array.from({ length: 31 }, (_, i) => `n${i}`));
  });

  it('splits a batch that is too large, and rejects only the record that is too large alone', async () => {
    broker.maxMessageBytes = 500;
    await start({ batchSize: 16_384 });
    const sent = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((value, i) =>
      outcome(producer.send('orders', 0, text(value.repeat(i === 3 ? 600 : 200), `key-${value}`))),
    );
    const other = producer.send('wide', 2, text('unharmed'));
    await clock.advance(10_000);
    const results: any[] = await Promise.all(sent);
    expect(results.map((result) => result.offset ?? result.code)).toEqual([0, 1, 2, 'KAFKA_RECORD_TOO_LARGE', 3, 4, 5]);
    expect(results[3].message).toMatch(/key "key-d" for orders-0 .* \d+ bytes.*max\.message\.bytes of topic orders/);
    expect(world.values().map((value) => value[0])).toEqual(['a', 'b', 'c', 'e', 'f', 'g']);
    expect(await other).toMatchObject({ offset: 0 });
  });

  it('lets one refused partition harm no other in the same request', async () => {
    await start({ lingerMs: 5 });
    await producer.partitionsFor('wide');
    broker.on(Produce, ({ request }) => {
      const responses = request.topicData.map(({ name, partitionData }) => ({
        name,
        partitionResponses: partitionData.map(({ index, records }) =>
          index === 1
            ? { index, errorCode: ErrorCode.INVALID_RECORD, baseOffset: -1, errorMessage: 'not today' }
            : { index, ...broker.partition(name, index).append(records!, 1e9) },
        ),
      }));
      return { responses, throttleTimeMs: 0 };
    });
    const sent = [1, 3, 5].map((p) => outcome(producer.send('wide', p, text(`p${p}`))));
    await clock.advance(100);
    const [refused, ...good] = await Promise.all(sent);
    expect(refused).toMatchObject({ code: 'KAFKA_DELIVERY_FAILED', message: expect.stringContaining('not today') });
    expect(good).toMatchObject([{ offset: 0 }, { offset: 0 }]);
  });

  it('holds back for as long as the broker throttles it', async () => {
    await start();
    await producer.send('orders', 0, text('a'));
    broker.on(Produce, ({ request }) => {
      broker.on(Produce, () => undefined);
      const [{ partitionData }] = request.topicData as [any];
      const result = broker.partition('orders', 0).append(partitionData[0].records, 1e9);
      return { responses: [{ name: 'orders', partitionResponses: [{ index: 0, ...result }] }], throttleTimeMs: 700 };
    });
    await producer.send('orders', 0, text('b'));
    const sent = producer.send('orders', 0, text('c'));
    await clock.advance(690);
    expect(world.values()).toEqual(['a', 'b']);
    await clock.advance(20);
    await sent;
  });
});

function answerAll(request: { topicData: any[] }, errorCode: number) {
  return {
    responses: request.topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(({ index }: { index: number }) => ({ index, errorCode, baseOffset: -1 })),
    })),
    throttleTimeMs: 0,
  };
}
