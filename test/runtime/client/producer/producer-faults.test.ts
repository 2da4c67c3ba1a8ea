import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../../../src/common/random.js';
import { KafkajsCluster } from '../../../../src/runtime/client/cluster/kafkajs-cluster.js';
import { KafkaProducer } from '../../../../src/runtime/client/producer/kafka-producer.js';
import { type ProducerOptions } from '../../../../src/runtime/client/producer/producer-options.js';
import { type RecordMetadata } from '../../../../src/runtime/client/producer-client.js';
import { until } from '../../../../src/testing/until.js';
import { type ClientBroker, createTopic, readAll, startClientBroker } from '../../../support/client-broker.js';
import { FaultProxy } from '../../../support/fault-proxy.js';
import { quickest } from '../../../support/quickest.js';

// Over real sockets, with a proxy that loses answers and cuts connections; on our broker, or on Apache Kafka where
// KAFKA_BOOTSTRAP_SERVERS names one. PROOF_CYCLES is the number of lost answers.

const PRODUCE = 0;
const LOST_ANSWERS = Number(process.env.PROOF_CYCLES ?? 100);

describe('the producer over sockets', () => {
  let broker: ClientBroker;
  let proxy: FaultProxy;
  let producer: KafkaProducer;

  beforeAll(async () => {
    broker = await startClientBroker();
  });

  afterAll(async () => {
    await broker.stop();
  });

  beforeEach(async () => {
    proxy = await FaultProxy.start(broker.address);
  });

  afterEach(async () => {
    await producer.stop();
    await proxy.stop();
  });

  const start = async (options: ProducerOptions = {}): Promise<void> => {
    producer = new KafkaProducer({
      cluster: new KafkajsCluster({ bootstrapServers: [proxy.address] }),
      options: { lingerMs: 0, retryBackoffMs: 5, retryBackoffMaxMs: 50, ...options },
    });
    await producer.start();
  };

  interface Sent {
    readonly value: string;
    readonly metadata: RecordMetadata;
  }

  const send = async (topic: string, partition: number | undefined, value: string): Promise<Sent> => ({
    value,
    metadata: await producer.send(topic, partition, { key: null, value: Buffer.from(value) }),
  });

  /** Every resolved offset holds exactly that record, and there is no other record. */
  const expectTruth = async (topic: string, partitions: number, sent: readonly Sent[]): Promise<void> => {
    const stored = await Promise.all(Array.from({ length: partitions }, (_, p) => readAll(broker.address, topic, p)));
    for (const { value, metadata } of sent) {
      const record = stored[metadata.partition]!.find(({ offset }) => offset === metadata.offset);
      expect(record?.value?.toString()).toBe(value);
    }
    expect(stored.flat().length).toBe(sent.length);
  };

  it(
    `keeps its word through ${LOST_ANSWERS} lost answers, delayed ones and repeated requests, with 8 concurrent senders`,
    async () => {
      const topic = await createTopic(broker.address, 2);
      const random = seededRandom(42);
      // Batches of four or five records, whose memory is used again.
      await start({ requestTimeoutMs: 20, deliveryTimeoutMs: 60_000, batchSize: 1024 });
      proxy.decide = ({ apiKey }) => {
        if (apiKey !== PRODUCE || proxy.counts.swallowed >= LOST_ANSWERS) return 'pass';
        const chance = random.next();
        if (chance < 0.1) return 'duplicate';
        return chance < 0.2 ? { delayMs: chance * 200 } : chance < 0.6 ? 'swallow' : 'pass';
      };
      const sent: Sent[] = [];
      let next = 0;
      const sender = async (): Promise<void> => {
        while (proxy.counts.swallowed < LOST_ANSWERS)
          sent.push(await send(topic, next % 2, `record ${next++}`.padEnd(160)));
      };
      await Promise.all(Array.from({ length: 8 }, sender));
      expect(proxy.counts.swallowed).toBeGreaterThanOrEqual(LOST_ANSWERS);
      expect(Math.min(proxy.counts.duplicated, proxy.counts.delayed)).toBeGreaterThan(0);
      await expectTruth(topic, 2, sent);
    },
    20_000 + LOST_ANSWERS * 100,
  );

  it('keeps order and word when connections are cut under way, before and after the broker acted', async () => {
    const topic = await createTopic(broker.address, 1);
    const random = seededRandom(7);
    await start({ batchSize: 1024 });
    proxy.decide = ({ apiKey }) => {
      if (apiKey !== PRODUCE || proxy.counts.cut >= 40) return 'pass';
      const chance = random.next();
      return chance < 0.15 ? 'cut-before' : chance < 0.3 ? 'cut-after' : 'pass';
    };
    const sent: Sent[] = [];
    for (let round = 0; proxy.counts.cut < 40; round++) {
      const wave = Array.from({ length: 20 }, (_, i) => send(topic, 0, `${round * 20 + i}`.padEnd(180)));
      sent.push(...(await Promise.all(wave)));
    }
    await expectTruth(topic, 1, sent);
    expect(sent.map(({ metadata }) => metadata.offset)).toEqual(sent.map((_, i) => i));
  });

  it('delivers everything once when the broker is away and comes back', async () => {
    const topic = await createTopic(broker.address, 3);
    await start();
    const sent = [await send(topic, 0, 'before')];
    const wave = Array.from({ length: 300 }, (_, i) => send(topic, i % 3, `during ${i}`));
    proxy.down();
    const during = Array.from({ length: 300 }, (_, i) => send(topic, i % 3, `away ${i}`));
    await expect(
      Promise.race([...during, new Promise((resolve) => setTimeout(resolve, 200, 'waiting'))]),
    ).resolves.toBe('waiting');
    proxy.up();
    sent.push(...(await Promise.all([...wave, ...during])));
    await expectTruth(topic, 3, sent);
  });

  it('loses nothing under the profile no-loss while the broker goes away twenty times', async () => {
    const topic = await createTopic(broker.address, 1);
    // What producer.profile=no-loss sets.
    await start({ acks: -1, maxInFlightRequestsPerConnection: 1, enableIdempotence: true, onDeliveryFailure: 'stop' });
    const sent: Array<Promise<Sent>> = [];
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 20; i++) sent.push(send(topic, 0, `${round * 20 + i}`.padEnd(180)));
      await Promise.race(sent.slice(-20));
      for (let i = 0; i < 20; i++) sent.push(send(topic, 0, `more ${round * 20 + i}`.padEnd(60)));
      proxy.down();
      await new Promise((resolve) => setImmediate(resolve));
      proxy.up();
    }
    const acknowledged = await Promise.all(sent);
    await expectTruth(topic, 1, acknowledged);
    expect(acknowledged.map(({ metadata }) => metadata.offset)).toEqual(acknowledged.map((_, i) => i));
    expect(producer.stopped()).toEqual([]);
  }, 60_000);

  it('rejects only the records of the partition that is too large', async () => {
    const [small, normal] = [
      await createTopic(broker.address, 1, { 'max.message.bytes': '1000' }),
      await createTopic(broker.address, 1),
    ];
    await start({ lingerMs: 20 });
    await Promise.all([producer.partitionsFor(small), producer.partitionsFor(normal)]);
    const refused = send(small, 0, 'x'.repeat(5000)).catch((error: unknown) => error);
    const good = await Promise.all([send(normal, 0, 'y'.repeat(5000)), send(small, 0, 'fits')]);
    expect(await refused).toMatchObject({
      code: 'KAFKA_RECORD_TOO_LARGE',
      message: expect.stringContaining(`max.message.bytes of topic ${small}`),
    });
    expect(good.map(({ metadata }) => metadata.offset)).toEqual([0, 0]);
  });

  it('stores each record of a batch that has to be split', async () => {
    const topic = await createTopic(broker.address, 1, { 'max.message.bytes': '2000' });
    await start({ lingerMs: 20, batchSize: 100_000 });
    const sent = await Promise.all(Array.from({ length: 100 }, (_, i) => send(topic, 0, `${i}`.padEnd(200))));
    expect(sent.map(({ metadata }) => metadata.offset)).toEqual(sent.map((_, i) => i));
    await expectTruth(topic, 1, sent);
  });

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('compresses with %s', async (compressionType) => {
    const topic = await createTopic(broker.address, 1);
    await start({ lingerMs: 5, compressionType });
    const sent = await Promise.all(Array.from({ length: 50 }, (_, i) => send(topic, 0, `record ${i}`.repeat(20))));
    expect(sent).toHaveLength(50);
    await expectTruth(topic, 1, sent);
  });

  it.each([
    [0, -1],
    [1, 0],
    [-1, 0],
  ] as const)('stores what it sends under acks=%i, which tells offset %i', async (acks, offset) => {
    const topic = await createTopic(broker.address, 1);
    await start({ acks });
    expect((await send(topic, 0, 'a')).metadata).toMatchObject({ topic, partition: 0, offset });
    await until(async () => (await readAll(broker.address, topic, 0)).length === 1, { timeoutMs: 20_000 });
  });

  it('stops within 100 ms when idle, and leaves no connection behind', async () => {
    const topic = await createTopic(broker.address, 1);
    const used = async (): Promise<void> => {
      await start();
      await send(topic, 0, 'a');
    };
    expect(await quickest(used, () => producer.stop())).toBeLessThan(100);
    while (proxy.openConnections > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});
