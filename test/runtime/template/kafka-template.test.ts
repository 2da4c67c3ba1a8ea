import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KafkaTemplate } from '../../../src/runtime/template/kafka-template.js';
import { FakeProducer, RecordingLogger } from '../../support/fake-clients.js';
import { flush, ManualClock } from '../../support/manual-clock.js';

const text = (bytes: Buffer | null | undefined) => bytes?.toString() ?? null;

describe('KafkaTemplate', () => {
  let producer: FakeProducer;
  let clock: ManualClock;
  let logger: RecordingLogger;
  let template: KafkaTemplate;

  beforeEach(() => {
    producer = new FakeProducer();
    clock = new ManualClock();
    logger = new RecordingLogger();
    template = new KafkaTemplate({ producer: () => producer, defaultTopic: 'fallback', clock, logger });
  });

  it('sends in all its forms and resolves with where the record is', async () => {
    expect(await template.send('orders', { id: 1 })).toEqual({
      topic: 'orders',
      partition: 0,
      offset: 0,
      timestamp: 1000,
    });
    await template.send('orders', 'key', 'text');
    await template.send({
      topic: 'orders',
      partition: 2,
      key: 7,
      value: Buffer.from('raw'),
      headers: { a: 'x', n: 1, none: null, raw: Buffer.from('y') },
      timestamp: 5,
    });
    await template.sendDefault({ id: 2 });
    await template.sendDefault('k', null);
    expect(producer.sent.map(({ topic, partition, key, value }) => [topic, partition, text(key), text(value)])).toEqual(
      [
        ['orders', undefined, null, '{"id":1}'],
        ['orders', undefined, 'key', 'text'],
        ['orders', 2, '7', 'raw'],
        ['fallback', undefined, null, '{"id":2}'],
        ['fallback', undefined, 'k', null],
      ],
    );
    expect(producer.sent[2]!.headers!.map(({ key, value }) => [key, text(value)])).toEqual([
      ['a', 'x'],
      ['n', '1'],
      ['none', null],
      ['raw', 'y'],
    ]);
    expect(producer.sent[2]!.timestamp).toBe(5);
    expect(await template.partitionsFor('orders')).toBe(3);
  });

  it('writes no type header', async () => {
    class Order {
      id = 1;
    }
    await template.send('orders', new Order());
    expect(producer.sent[0]!.headers).toBeUndefined();
  });

  it.each([
    [{ id: 1n }, 'a value for topic orders (Object) has no JSON'],
    [undefined, 'the value for topic orders is undefined; give null for a tombstone'],
    [() => 1, 'the value for topic orders is a function'],
  ])('refuses a value without JSON', async (value, message) => {
    await expect(template.send('orders', value)).rejects.toMatchObject({
      code: 'KAFKA_SERIALIZATION_FAILED',
      message: expect.stringContaining(message),
    });
    expect(producer.sent).toEqual([]);
  });

  it('refuses keys that have no bytes', async () => {
    await expect(template.send('orders', {} as never, 'x')).rejects.toThrow('the key for topic orders is Object');
  });

  it('names the key to set when there is no default topic', async () => {
    const bare = new KafkaTemplate({ producer: () => producer, clock, logger });
    await expect(bare.sendDefault('x')).rejects.toThrow('set kafka.template.default-topic');
  });

  describe('when sends fail', () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);

    beforeEach(() => void process.on('unhandledRejection', note));
    afterEach(() => void process.off('unhandledRejection', note));

    it('logs and counts a failure that nobody looks at, and the process lives on', async () => {
      producer.failWith = new Error('broker is gone');
      void template.send('orders', 'k1', 'x');
      template.sendOneway('orders', 'k2', 'x');
      template.sendOneway({ topic: 'orders', key: 'k3', value: 'x' });
      await flush();
      expect(unhandled).toEqual([]);
      expect(template.failedSends).toBe(3);
      expect(logger.lines).toEqual(['error send to orders, key k1, failed: broker is gone']);
      await clock.advance(1_000);
      expect(logger.lines.slice(1)).toEqual(['error 2 more sends failed; 3 since the start']);
      template.sendOneway('orders', 'k4', 'x');
      await flush();
      expect(logger.lines.at(-1)).toContain('key k4');
    });

    it('rejects the caller all the same', async () => {
      producer.failWith = new Error('broker is gone');
      await expect(template.send('orders', 'x')).rejects.toThrow('broker is gone');
    });
  });
});
