import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../src/common/clock.js';
import { KafkajsCluster } from '../../../src/runtime/client/cluster/kafkajs-cluster.js';
import { lookUpRecords } from '../../../src/runtime/client/consumer/record-lookup.js';
import { KafkaProducer } from '../../../src/runtime/client/producer/kafka-producer.js';
import { type ProducerOptions } from '../../../src/runtime/client/producer/producer-options.js';
import { KafkaTemplate } from '../../../src/runtime/template/kafka-template.js';
import { type ClientBroker, createTopic, readAll, startClientBroker } from '../../support/client-broker.js';

// Templates over real sockets, on our broker or on Apache Kafka.

describe('a template', () => {
  let broker: ClientBroker;
  let producer: KafkaProducer;

  beforeAll(async () => {
    broker = await startClientBroker();
  });
  afterEach(() => producer.stop());
  afterAll(() => broker.stop());

  const start = async (options: ProducerOptions = {}): Promise<KafkaTemplate<string>> => {
    const open = () => new KafkajsCluster({ bootstrapServers: [broker.address] });
    producer = new KafkaProducer({ cluster: open(), options: { lingerMs: 0, ...options } });
    await producer.start();
    return new KafkaTemplate({
      producer: () => producer,
      reader: (positions, timeoutMs) =>
        lookUpRecords(positions, {
          cluster: open(),
          clock: systemClock,
          isolationLevel: 'read_committed',
          checkCrcs: true,
          timeoutMs,
        }),
    });
  };

  it('sends all of a long source in order, and holds little of it at a time', async () => {
    const template = await start();
    const topic = await createTopic(broker.address, 2);
    let most = 0;
    function* source() {
      for (let i = 0; i < 30_000; i++) {
        if (i % 1_000 === 0) {
          const { 'buffer-total-bytes': total = 0, 'buffer-available-bytes': free = 0 } = template.metrics();
          most = Math.max(most, total - free);
        }
        yield `${i} ${'x'.repeat(400)}`;
      }
    }
    const result = await template.sendAll(topic, source(), (value) => ({ partition: Number(value!.at(0)) % 2 }));
    expect(result.count).toBe(30_000);
    expect(most).toBeLessThan(9 * 1024 * 1024);
    const stored = [await readAll(broker.address, topic, 0), await readAll(broker.address, topic, 1)];
    expect(stored.map(({ length }) => length).reduce((a, b) => a + b)).toBe(30_000);
    for (const [partition, records] of stored.entries()) {
      const numbers = records.map(({ value }) => Number.parseInt(value!.toString(), 10));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(result.lastOffsets).toContainEqual({ topic, partition, offset: records.length - 1 });
    }
  }, 30_000);

  it('is ready again when the cluster has taken what was sent', async () => {
    const template = await start({ bufferMemory: 200_000 });
    const topic = await createTopic(broker.address, 1);
    await template.ready();
    const sent = [];
    for (let i = 0; i < 3_000; i++) {
      await template.ready();
      sent.push(template.send(topic, 'x'.repeat(200)));
    }
    await Promise.all(sent);
    expect(template.isReady).toBe(true);
    expect(template.metrics()).toMatchObject({ 'record-send-total': 3_000, 'buffer-available-bytes': 200_000 });
  });

  it('counts what it does under the names of Kafka', async () => {
    const template = await start({ compressionType: 'gzip' });
    const topic = await createTopic(broker.address, 1);
    await Promise.all(Array.from({ length: 100 }, () => template.send(topic, 'x'.repeat(100))));
    const metrics = template.metrics();
    expect(metrics['compression-rate-avg']).toBeLessThan(0.5);
    expect(metrics['request-latency-max']).toBeGreaterThan(0);
    expect(metrics['outgoing-byte-total']).toBeGreaterThan(0);
    expect(metrics).toMatchObject({ 'record-send-total': 100, 'record-error-total': 0, 'requests-in-flight': 0 });
  });

  it('receives single records, and nothing where there is none', async () => {
    const template = await start();
    const topic = await createTopic(broker.address, 2);
    for (const value of ['a', 'b', 'c']) await template.send(topic, 1, 'k', value);
    const record = await template.receive(topic, 1, 1);
    expect([record?.offset, record?.key?.toString(), record?.value?.toString()]).toEqual([1, 'k', 'b']);
    expect(await template.receive(topic, 1, 3, 10)).toBeNull();
    expect(await template.receive(topic, 1, 99, 10)).toBeNull();
    expect(await template.receive(topic, 7, 0, 10)).toBeNull();
    const several = await template.receive(
      [2, 0, 5].map((offset) => ({ topic, partition: 1, offset })),
      10,
    );
    expect(several.map(({ offset }) => offset)).toEqual([2, 0]);
    expect(await template.partitionInfo(topic)).toMatchObject([{ partition: 0 }, { partition: 1 }]);
    expect(template.execute((client) => client.hasRoom)).toBe(true);
  });

  it('waits for a record that is yet to come', async () => {
    const template = await start();
    const topic = await createTopic(broker.address, 1);
    const [record] = await Promise.all([template.receive(topic, 0, 0, 20_000), template.send(topic, 'later')]);
    expect(record?.value?.toString()).toBe('later');
  });
});
