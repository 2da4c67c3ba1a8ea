import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../../../src/common/random.js';
import { type OutgoingRecord } from '../../../../src/common/record.js';
import { ErrorCode } from '../../../../src/protocol/error-codes.js';
import { Produce } from '../../../../src/protocol/messages/00-produce.js';
import { Metadata } from '../../../../src/protocol/messages/03-metadata.js';
import { InitProducerId } from '../../../../src/protocol/messages/22-init-producer-id.js';
import { baseSequence, producerEpoch, producerId, recordCount } from '../../../../src/protocol/record-batch-header.js';
import { InMemoryCluster } from '../../../../src/runtime/client/cluster/in-memory-cluster.js';
import { KafkaProducer } from '../../../../src/runtime/client/producer/kafka-producer.js';
import { type KafkaPartitioner } from '../../../../src/runtime/client/producer/partitioner.js';
import { type ProducerOptions } from '../../../../src/runtime/client/producer/producer-options.js';
import { RecordingLogger } from '../../../support/fake-clients.js';
import { ManualClock, flush as settle } from '../../../support/manual-clock.js';
import { CLOSE, HANG, ModelBroker, SILENT } from '../../../support/model-broker.js';

// The whole producer over the in-memory cluster, in virtual time.

const text = (value: string, key: string | null = null): OutgoingRecord => ({
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(value),
});

describe('kafka producer', () => {
  let broker: ModelBroker;
  let clock: ManualClock;
  let producer: KafkaProducer;
  let logger: RecordingLogger;

  const start = async (options: ProducerOptions = {}): Promise<KafkaProducer> => {
    const cluster = new InMemoryCluster({ exchange: broker.exchange, clock, requestTimeoutMs: 30_000 });
    producer = new KafkaProducer({
      cluster,
      clock,
      random: seededRandom(7),
      options: { lingerMs: 0, ...options },
      logger,
    });
    await producer.start();
    return producer;
  };

  const values = (topic = 'orders', partition = 0) =>
    broker.records(topic, partition).map(({ value }) => String(value));
  const batches = () =>
    broker
      .callsOf(Produce)
      .flatMap(({ request }) =>
        request.topicData.flatMap(({ partitionData }) => partitionData.map(({ records }) => Buffer.from(records!))),
      );
  /** Outcome of a promise without waiting for it: a rejection must not be unhandled meanwhile. */
  const outcome = <T>(promise: Promise<T>) => promise.catch((error: unknown) => error);

  beforeEach(() => {
    clock = new ManualClock();
    logger = new RecordingLogger();
    broker = new ModelBroker({ orders: 1, wide: 6, payments: 2 }, 2);
  });

  afterEach(async () => {
    broker.on(Produce, () => undefined);
    const stopped = producer.stop();
    await clock.advance(300_000);
    await stopped;
  });

  it('resolves each record with where it was stored', async () => {
    await start();
    const sent = ['a', 'b', 'c'].map((value) => producer.send('orders', 0, text(value)));
    await settle();
    const metadata = await Promise.all(sent);
    expect(metadata.map(({ offset }) => offset)).toEqual([0, 1, 2]);
    expect(metadata[0]).toEqual({ topic: 'orders', partition: 0, offset: 0, timestamp: clock.now() });
    expect(values()).toEqual(['a', 'b', 'c']);
  });

  it('sends what one turn gave in one batch when it does not linger', async () => {
    await start();
    await producer.partitionsFor('orders');
    const sent = Array.from({ length: 100 }, (_, i) => producer.send('orders', 0, text(`n${i}`)));
    await Promise.all(sent);
    expect(broker.callsOf(Produce)).toHaveLength(1);
  });

  it('lingers as long as it is told, to the millisecond, and not at all with a full batch', async () => {
    await start({ lingerMs: 20, batchSize: 1000 });
    await producer.partitionsFor('orders');
    const sent = producer.send('orders', 0, text('slow'));
    await clock.advance(19);
    expect(broker.callsOf(Produce)).toHaveLength(0);
    await clock.advance(1);
    await sent;
    const full = [1, 2].map(() => producer.send('orders', 0, text('x'.repeat(600))));
    await full[0];
    expect(values()).toHaveLength(2);
    await clock.advance(20);
    await full[1];
  });

  it('fills batches up to their size, ten thousand records in a fiftieth of the requests at most', async () => {
    await start({ lingerMs: 5 });
    await producer.partitionsFor('orders');
    const sent = Array.from({ length: 10_000 }, () => producer.send('orders', 0, text('x'.repeat(100))));
    await clock.advance(5);
    await Promise.all(sent);
    expect(broker.callsOf(Produce).length).toBeLessThanOrEqual(200);
    expect(batches().every((batch) => batch.length <= 16_384)).toBe(true);
  });

  it('sends what waits when it is flushed, and settles when all is acknowledged', async () => {
    await start({ lingerMs: 60_000 });
    const sent = [producer.send('orders', 0, text('a')), producer.send('wide', 3, text('b'))];
    await producer.flush();
    expect([values(), values('wide', 3)]).toEqual([['a'], ['b']]);
    await Promise.all(sent);
  });

  it('delivers everything before it stops, and takes nothing afterwards', async () => {
    await start({ lingerMs: 60_000 });
    const sent = Array.from({ length: 500 }, (_, i) => producer.send('wide', i % 6, text(`${i}`)));
    await producer.stop();
    expect((await Promise.all(sent)).length).toBe(500);
    await expect(producer.send('orders', 0, text('late'))).rejects.toMatchObject({ code: 'KAFKA_STOPPED' });
  });

  it('puts equal keys on one partition, as the Java client does', async () => {
    await start();
    const sent = await Promise.all(
      ['21', 'foobar', 'a-little-bit-long-string'].map((key) => producer.send('wide', undefined, text('v', key))),
    );
    // murmur2 of these keys, from Kafka's own tests: -973932308, -790332482, -985981536
    expect(sent.map(({ partition }) => partition)).toEqual(
      [-973932308, -790332482, -985981536].map((hash) => (hash & 0x7fff_ffff) % 6),
    );
  });

  it('keeps the order of the calls while the topic is still unknown and the buffer full', async () => {
    await start({ bufferMemory: 2000, batchSize: 500 });
    const sent = Array.from({ length: 35 }, (_, i) => producer.send('orders', 0, text(`n${i}`.padEnd(20))));
    await clock.advance(1000);
    expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual(Array.from({ length: 35 }, (_, i) => i));
  });

  it('waits for a topic that is being created, and gives up after max.block.ms', async () => {
    broker.autoCreatePartitions = 2;
    await start({ maxBlockMs: 3000 });
    const sent = producer.send('fresh', undefined, text('a'));
    await clock.advance(500);
    expect(await sent).toMatchObject({ topic: 'fresh', offset: 0 });
    broker.autoCreatePartitions = 0;
    const lost = outcome(producer.send('nowhere', undefined, text('a')));
    await clock.advance(3000);
    expect(await lost).toMatchObject({
      code: 'KAFKA_DELIVERY_FAILED',
      message: expect.stringMatching(/topic nowhere .* 3000 ms \(max\.block\.ms\)/),
    });
  });

  it('says at once which topic may have been meant, and again when it gives up', async () => {
    await start({ maxBlockMs: 3000 });
    const lost = outcome(producer.send('ordrs', undefined, text('a')));
    await clock.advance(500);
    const meant = 'there is no topic ordrs; did you mean orders?';
    expect(logger.lines).toEqual([`warn producer: ${meant} Sends wait for it, up to 3000 ms (max.block.ms)`]);
    await clock.advance(3000);
    expect(await lost).toMatchObject({ message: expect.stringContaining(meant) });
  });

  it('refuses a partition that does not exist, after having looked', async () => {
    await start();
    await producer.partitionsFor('orders');
    await expect(producer.send('orders', 1, text('a'))).rejects.toThrow(/orders has 1 partitions, 0 to 0; partition 1/);
    broker.createTopic('orders', 2);
    expect(await producer.send('orders', 1, text('a'))).toMatchObject({ partition: 1, offset: 0 });
  });

  it('refuses a record above max.request.size before the network, naming the key', async () => {
    await start({ maxRequestSize: 1000 });
    await expect(producer.send('orders', 0, text('x'.repeat(1000)))).rejects.toMatchObject({
      code: 'KAFKA_RECORD_TOO_LARGE',
      message: expect.stringMatching(/max\.request\.size \(1000\)/),
    });
    expect(broker.callsOf(Produce)).toHaveLength(0);
  });

  it('refuses a timestamp that is none, and only that record', async () => {
    await start();
    const bad = outcome(producer.send('orders', 0, { ...text('a'), timestamp: 1.5 }));
    await producer.send('orders', 0, text('b'));
    expect(await bad).toMatchObject({ code: 'KAFKA_SERIALIZATION_FAILED' });
    expect(values()).toEqual(['b']);
  });

  it('waits for memory, in order, and gives up with the numbers', async () => {
    await start({ bufferMemory: 1000, batchSize: 300, maxBlockMs: 2000 });
    await producer.send('orders', 0, text('first'));
    broker.on(Produce, () => HANG);
    const sent = Array.from({ length: 8 }, (_, i) => outcome(producer.send('orders', 0, text(`${i}`.repeat(200)))));
    await clock.advance(2000);
    const full = await sent[5];
    expect(full).toMatchObject({
      code: 'KAFKA_BUFFER_FULL',
      message: expect.stringMatching(/for 2000 ms: \d+ of 1000 bytes \(buffer\.memory\).*max\.block\.ms/),
    });
    broker.on(Produce, () => undefined);
    await clock.advance(40_000);
    expect(await sent[0]).toMatchObject({ offset: 1 });
    expect(values().length).toBeGreaterThan(2);
  });

  it('has no room for more while very many small records wait', async () => {
    await start();
    await producer.partitionsFor('wide');
    const send = () => producer.send('wide', undefined, { key: null, value: 'x' });
    const sent = Array.from({ length: 16_384 }, send);
    expect(producer.hasRoom).toBe(true);
    sent.push(send());
    expect(producer.hasRoom).toBe(false);
    const room = producer.whenRoom();
    await Promise.all(sent);
    await room;
    expect(producer.hasRoom).toBe(true);
  });

  it('lets no small record overtake a large one that waits for memory', async () => {
    await start({ bufferMemory: 1000, batchSize: 100 });
    await producer.send('orders', 0, text('first'));
    broker.on(Produce, () => HANG);
    const sent = ['a'.repeat(600), 'b'.repeat(500), 'c'].map((value) => producer.send('orders', 0, text(value)));
    await settle();
    broker.on(Produce, () => undefined);
    await clock.advance(40_000);
    await Promise.all(sent);
    expect(values().map((value) => value[0])).toEqual(['f', 'a', 'b', 'c']);
  });

  it('spreads records without a key evenly', async () => {
    await start({ batchSize: 1000 });
    await producer.partitionsFor('wide');
    for (let i = 0; i < 90; i++) {
      await Promise.all(Array.from({ length: 100 }, () => producer.send('wide', undefined, text('x'.repeat(50)))));
    }
    for (let p = 0; p < 6; p++) expect(Math.abs(broker.records('wide', p).length - 1500)).toBeLessThan(150);
  });

  it('lets a partitioner choose by where leaders stand, also after they have moved', async () => {
    broker.nodes[0]!.rack = 'north';
    broker.nodes[1]!.rack = 'south';
    const seen = new Set<string>();
    const partitioner: KafkaPartitioner = {
      partition(topic, _key, _keyBytes, _value, valueBytes, cluster) {
        const leaders = cluster.partitionsFor(topic).map(({ partition }) => cluster.leaderFor(topic, partition)!);
        for (const { nodeId, host, port, rack } of leaders) seen.add(`${nodeId} ${host}:${port} ${rack}`);
        expect(cluster.nodes()).toHaveLength(2);
        return leaders.findIndex(({ rack }) => rack === String(valueBytes));
      },
    };
    await start({ partitioner });
    const racks = () => Promise.all(['north', 'south'].map((rack) => producer.send('wide', undefined, text(rack))));
    expect((await racks()).map(({ partition }) => partition)).toEqual([0, 1]);
    expect([...seen].sort()).toEqual(['1 127.0.0.1:10001 north', '2 127.0.0.1:10002 south']);

    for (const log of broker.topics.get('wide')!) log.leader = 3 - log.leader;
    // The first send hears of it by being refused.
    const moved = racks();
    await clock.advance(1_000);
    await moved;
    expect((await racks()).map(({ partition }) => partition)).toEqual([1, 0]);
  });

  it('sends without waiting for answers under acks=0', async () => {
    await start({ acks: 0 });
    expect(await producer.send('orders', 0, text('a'))).toMatchObject({ offset: -1 });
    await settle();
    expect(values()).toEqual(['a']);
    expect(broker.callsOf(InitProducerId)).toHaveLength(0);
  });

  it('asks for a producer id until the coordinator is there, and never goes on without one', async () => {
    let refusals = 5;
    broker.on(InitProducerId, () =>
      refusals-- > 0
        ? { throttleTimeMs: 0, errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, producerId: -1n, producerEpoch: -1 }
        : undefined,
    );
    await start();
    const sent = producer.send('orders', 0, text('a'));
    await clock.advance(5000);
    await sent;
    expect(producerId(batches()[0]!)).toBeGreaterThan(0n);
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
      expect(values().map((value) => value.trim())).toEqual(Array.from({ length: 12 }, (_, i) => `n${i}`));
      expect(broker.partition('orders', 0).duplicates).toBeGreaterThan(0);
      const bySequence = new Map<number, Buffer>();
      for (const batch of batches()) {
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
      expect(values().map((value) => value.trim())).toEqual(
        Array.from({ length: stored.length + 1 }, (_, i) => `n${i}`),
      );
      expect(broker.partition('orders', 0).duplicates).toBeGreaterThanOrEqual(1_000);
    });

    it('has at most five unsettled of one partition', async () => {
      broker.on(Produce, () => HANG);
      const sent = eachItsBatch(1, 20).map(outcome);
      await settle();
      // The connection takes one after the other; what left the client is what the log will have seen afterwards.
      broker.on(Produce, () => undefined);
      await clock.advance(31_000);
      await Promise.all(sent);
      expect(values()).toHaveLength(20);
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
      const last = batches().at(-1)!;
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
      expect(values().map((value) => value.trim())).toEqual(['n0', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7', 'n8']);
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
    await start({ retryBackoffMs: 100, retryBackoffMaxMs: 1000 });
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
    [100, 200, 400, 800, 1000, 1000, 1000].forEach((expected, i) => {
      expect(gaps[i]).toBeGreaterThanOrEqual(expected * 0.8 - 1);
      expect(gaps[i]).toBeLessThanOrEqual(Math.min(1000, expected * 1.2) + 1);
    });
  });

  it('gives up at the first error without retries', async () => {
    await start({ retries: 0 });
    broker.on(Produce, ({ request }) => answerAll(request, ErrorCode.NOT_ENOUGH_REPLICAS));
    await expect(producer.send('orders', 0, text('a'))).rejects.toThrow(/after 1 attempts.*NOT_ENOUGH_REPLICAS/);
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
    expect(values().map((value) => value[0])).toEqual(['a', 'b', 'c', 'e', 'f', 'g']);
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
    expect(values()).toEqual(['a', 'b']);
    await clock.advance(20);
    await sent;
  });

  it('never has more requests open at a node than it may', async () => {
    await start({ maxInFlightRequestsPerConnection: 2, batchSize: 100 });
    await producer.partitionsFor('wide');
    await Promise.all([0, 2, 4].map((p) => producer.send('wide', p, text('first'))));
    const before = broker.callsOf(Produce).length;
    const sent = Array.from({ length: 30 }, (_, i) => producer.send('wide', (i % 3) * 2, text('x'.padEnd(90))));
    await clock.advance(100);
    await Promise.all(sent);
    expect(broker.callsOf(Produce).length - before).toBe(10);
    expect(
      batches()
        .slice(3)
        .every((batch) => recordCount(batch) === 1),
    ).toBe(true);
  });

  it('hears of partitions that were added', async () => {
    await start({ metadataMaxAgeMs: 10_000 });
    await producer.partitionsFor('orders');
    broker.createTopic('orders', 4);
    const asked = broker.callsOf(Metadata).length;
    await clock.advance(10_000);
    expect(broker.callsOf(Metadata).length).toBeGreaterThan(asked);
    expect(await producer.partitionsFor('orders')).toBe(4);
  });

  it('keeps no timer and no memory when all is settled', async () => {
    await start();
    const idle = clock.pending;
    await Promise.all(Array.from({ length: 100 }, (_, i) => producer.send('wide', i % 6, text('x'))));
    await settle();
    expect(clock.pending).toBe(idle);
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
