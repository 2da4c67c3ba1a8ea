import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { deferred } from '../../../../src/common/lifecycle.js';
import { Produce } from '../../../../src/protocol/messages/00-produce.js';
import { Metadata } from '../../../../src/protocol/messages/03-metadata.js';
import { InitProducerId } from '../../../../src/protocol/messages/22-init-producer-id.js';
import { recordCount } from '../../../../src/protocol/record-batch-header.js';
import { type KafkaProducer } from '../../../../src/runtime/client/producer/kafka-producer.js';
import { type KafkaPartitioner } from '../../../../src/runtime/client/producer/partitioner.js';
import { type ProducerOptions } from '../../../../src/runtime/client/producer/producer-options.js';
import { type RecordingLogger } from '../../../support/fake-clients.js';
import { type ManualClock, flush as settle } from '../../../support/manual-clock.js';
import { HANG, type ModelBroker } from '../../../support/model-broker.js';
import { outcome, ProducerWorld, text } from './producer-world.js';

// What becomes of records that are given to the producer, over the in-memory cluster, in virtual time.

describe('kafka producer', () => {
  let world: ProducerWorld;
  let broker: ModelBroker;
  let clock: ManualClock;
  let producer: KafkaProducer;
  let logger: RecordingLogger;

  const start = async (options?: ProducerOptions) => {
    producer = await world.start(options);
    return producer;
  };

  beforeEach(() => {
    world = new ProducerWorld();
    ({ broker, clock, logger } = world);
  });

  afterEach(() => world.stop());

  it('resolves each record with where it was stored', async () => {
    await start();
    const sent = ['a', 'b', 'c'].map((value) => producer.send('orders', 0, text(value)));
    await settle();
    const metadata = await Promise.all(sent);
    expect(metadata.map(({ offset }) => offset)).toEqual([0, 1, 2]);
    expect(metadata[0]).toEqual({ topic: 'orders', partition: 0, offset: 0, timestamp: clock.now() });
    expect(world.values()).toEqual(['a', 'b', 'c']);
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
    expect(world.values()).toHaveLength(2);
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
    expect(world.batches().every((batch) => batch.length <= 16_384)).toBe(true);
    expect(producer.metrics()['batch-fill-ratio']).toBeGreaterThan(0.95);
    const { 'batch-fill-ratio': ratio, 'batch-size-avg': size } = producer.metrics();
    expect(ratio).toBeCloseTo(size! / 16_384);
  });

  it('sends what waits when it is flushed, and settles when all is acknowledged', async () => {
    await start({ lingerMs: 60_000 });
    const sent = [producer.send('orders', 0, text('a')), producer.send('wide', 3, text('b'))];
    await producer.flush();
    expect([world.values(), world.values('wide', 3)]).toEqual([['a'], ['b']]);
    await Promise.all(sent);
  });

  it('delivers everything before it stops, and takes nothing afterwards', async () => {
    await start({ lingerMs: 60_000 });
    const sent = Array.from({ length: 500 }, (_, i) => producer.send('wide', i % 6, text(`${i}`)));
    await producer.stop();
    expect((await Promise.all(sent)).length).toBe(500);
    await expect(producer.send('orders', 0, text('late'))).rejects.toMatchObject({ code: 'KAFKA_STOPPED' });
  });

  it('rejects what is not acknowledged when the time to close is over, each once, and nothing hangs', async () => {
    await start({ closeTimeoutMs: 5_000, batchSize: 100, bufferMemory: 1_000 });
    await producer.send('orders', 0, text('stored'));
    broker.on(Produce, () => HANG);
    const settled: unknown[] = [];
    const note = (ending: Promise<unknown>) => void outcome(ending).then((result) => settled.push(result));
    for (let i = 0; i < 7; i++) note(producer.send('orders', 0, text(`${i}`.repeat(200)))); // in a request, in the queue, before the buffer
    note(producer.send('nowhere', undefined, text('x')));
    let isStopped = false;
    const stopping = producer.stop().then(() => {
      isStopped = true;
    });
    await clock.advance(4_999);
    expect([settled, isStopped]).toEqual([[], false]);
    await clock.advance(1);
    await stopping;
    expect(settled.map((error) => (error as { code: string }).code)).toEqual(Array(8).fill('KAFKA_STOPPED'));
    expect(String(settled[0])).toContain('closed 5000 ms after its end began (template.close-timeout)');
    expect(clock.pending).toBe(0);
  });

  it('does not use up the time to close when all is acknowledged', async () => {
    await start({ closeTimeoutMs: 5_000, lingerMs: 60_000 });
    const sent = producer.send('orders', 0, text('a'));
    await producer.stop();
    expect(await sent).toMatchObject({ offset: 0 });
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
    // The key alone would choose another one in one of the two.
    for (const partition of [0, 1]) {
      expect(await producer.send('orders', partition, text('a', 'key'))).toMatchObject({ partition });
    }
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
    expect(world.values()).toEqual(['b']);
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
      message: expect.stringMatching(
        /for 2000 ms: \d+ of 1000 bytes \(buffer\.memory\).* [1-8] calls wait;.*max\.block\.ms/,
      ),
    });
    broker.on(Produce, () => undefined);
    await clock.advance(40_000);
    expect(await sent[0]).toMatchObject({ offset: 1 });
    expect(world.values().length).toBeGreaterThan(2);
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
    expect(world.values().map((value) => value[0])).toEqual(['f', 'a', 'b', 'c']);
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
    expect(world.values()).toEqual(['a']);
    expect(broker.callsOf(InitProducerId)).toHaveLength(0);
  });

  it.each([1, -1] as const)(
    'resolves under acks=%i when the broker says that the record is written, not before',
    async (acks) => {
      await start({ acks });
      await producer.partitionsFor('orders');
      const written = deferred<undefined>();
      broker.on(Produce, () => written.promise);
      let isSettled = false;
      const sent = producer.send('orders', 0, text('a')).finally(() => {
        isSettled = true;
      });
      await clock.advance(1_000);
      expect(broker.callsOf(Produce).map(({ request }) => request.acks)).toEqual([acks]);
      expect(isSettled).toBe(false);
      written.resolve(undefined);
      expect(await sent).toMatchObject({ offset: 0 });
    },
  );

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
      world
        .batches()
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
