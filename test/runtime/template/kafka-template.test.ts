import { beforeEach, describe, expect, it } from '@jest/globals';
import { NestdawError } from '../../../src/common/errors.js';
import { KafkaHeaders } from '../../../src/common/kafka-headers.js';
import { KafkaTemplate } from '../../../src/runtime/template/kafka-template.js';
import { RoutingKafkaTemplate } from '../../../src/runtime/template/routing-kafka-template.js';
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

  it('sends by position, to a partition and at a time', async () => {
    await template.send('orders', 2, 'k', 'x');
    await template.send('orders', null, 'k', 'x');
    await template.send('orders', 1, 77, 'k', 'x');
    await template.sendDefault(2, 'k', 'x');
    await template.sendDefault(null, 78, 'k', 'x');
    expect(producer.sent.map(({ topic, partition, timestamp }) => [topic, partition, timestamp])).toEqual([
      ['orders', 2, undefined],
      ['orders', undefined, undefined],
      ['orders', 1, 77],
      ['fallback', 2, undefined],
      ['fallback', undefined, 78],
    ]);
  });

  it('sends messages to where their headers say, and leaves out what a listener was only offered', async () => {
    await template.send({
      payload: { id: 1 },
      headers: {
        [KafkaHeaders.TOPIC]: 'orders',
        [KafkaHeaders.KEY]: 'k',
        [KafkaHeaders.PARTITION]: 1,
        [KafkaHeaders.TIMESTAMP]: '77',
        [KafkaHeaders.RECEIVED_TOPIC]: 'before',
        [KafkaHeaders.OFFSET]: 3,
        [KafkaHeaders.REPLY_TOPIC]: 'replies',
        tenant: 'a',
        nothing: undefined,
      },
    });
    await template.send({ payload: 'x', headers: {} });
    expect(producer.sent[0]).toMatchObject({ topic: 'orders', partition: 1, timestamp: 77 });
    expect(producer.sent[0]!.headers!.map(({ key, value }) => [key, text(value)])).toEqual([
      [KafkaHeaders.REPLY_TOPIC, 'replies'],
      ['tenant', 'a'],
    ]);
    expect(producer.sent[1]!.topic).toBe('fallback');
    const bad = { payload: 'x', headers: { [KafkaHeaders.PARTITION]: 'two' } };
    await expect(template.send(bad)).rejects.toThrow('header kafka_partitionId of a message is no whole number');
  });

  describe('sendAll', () => {
    it('sends what a source gives, sync or async, with keys where asked', async () => {
      async function* source() {
        yield { topic: 'orders', key: 'a', value: 1 };
        yield { topic: 'orders', key: 'b', value: 2 };
      }
      expect(await template.sendAll(source())).toEqual({
        count: 2,
        lastOffsets: [{ topic: 'orders', partition: 0, offset: 1 }],
      });
      await template.sendAll('orders', new Set([{ id: 'c' }]), (value) => ({ key: value!.id as string }));
      expect(producer.sent.map(({ key }) => text(key))).toEqual(['a', 'b', 'c']);
      expect(await template.sendAll('orders', [])).toEqual({ count: 0, lastOffsets: [] });
    });

    it('takes no more after a failure, waits for what is under way, and says how far it came', async () => {
      let taken = 0;
      function* source() {
        for (; ; taken++) yield taken === 2 ? { bad: 1n } : { id: taken };
      }
      await expect(template.sendAll('orders', source())).rejects.toMatchObject({
        code: 'KAFKA_DELIVERY_FAILED',
        message: expect.stringContaining('of 3 records taken from the source 2 are acknowledged and 1 failed'),
        cause: expect.objectContaining({ code: 'KAFKA_SERIALIZATION_FAILED' }),
      });
      expect(taken).toBe(2);
    });

    it('rejects with what the source throws', async () => {
      function* source() {
        yield 1;
        throw new Error('file ended early');
      }
      await expect(template.sendAll('orders', source())).rejects.toThrow('file ended early');
      expect(producer.sent).toHaveLength(1);
    });
  });

  it('refuses to look for offsets that are none', async () => {
    await expect(template.receive('orders', 0, -1)).rejects.toThrow('receive takes offsets of 0 and more, not -1');
    await expect(template.receive('orders', 0, 1)).rejects.toThrow('this template has no reader');
  });

  it('routes by the first pattern that describes the whole topic', async () => {
    const other = new FakeProducer();
    const bulk = new KafkaTemplate({ producer: () => other, clock, logger });
    const routing = new RoutingKafkaTemplate([
      ['bulk-.+', bulk],
      [/orders|bulk-1/g, template],
    ]);
    await routing.send('bulk-1', 'x');
    await routing.send('orders', 'k', 'x');
    await routing.send({ topic: 'bulk-2', value: 'x' });
    expect(other.sent.map(({ topic }) => topic)).toEqual(['bulk-1', 'bulk-2']);
    expect(producer.sent.map(({ topic }) => topic)).toEqual(['orders']);
    await expect(routing.send('more-orders', 'x')).rejects.toThrow(
      'no pattern of the RoutingKafkaTemplate describes topic more-orders; there are: bulk-.+, orders|bulk-1',
    );
  });

  it('routes every form of send, and messages by their headers', async () => {
    const routing = new RoutingKafkaTemplate([['orders|fallback', template]], { defaultTopic: 'fallback' });
    await routing.send('orders', 2, 'k', 'x');
    await routing.send('orders', null, 77, 'k', 'x');
    await routing.send({ payload: 'x', headers: { [KafkaHeaders.TOPIC]: 'orders', [KafkaHeaders.PARTITION]: 1 } });
    await routing.send({ payload: 'x', headers: {} });
    await routing.sendDefault('k', 'x');
    await routing.sendDefault(2, 78, 'k', 'x');
    expect(producer.sent.map(({ topic, partition, timestamp }) => [topic, partition, timestamp])).toEqual([
      ['orders', 2, undefined],
      ['orders', undefined, 77],
      ['orders', 1, undefined],
      ['fallback', undefined, undefined],
      ['fallback', undefined, undefined],
      ['fallback', 2, 78],
    ]);
    expect(await routing.partitionsFor('orders')).toBe(3);
    await expect(routing.partitionInfo('elsewhere')).rejects.toThrow('describes topic elsewhere');
    const bare = new RoutingKafkaTemplate([['.+', template]]);
    await expect(bare.sendDefault('x')).rejects.toThrow('sendDefault of a RoutingKafkaTemplate has no topic');
    await expect(bare.send({ payload: 'x', headers: {} })).rejects.toThrow('has no topic');
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
    // A rejection that nobody handles fails the test: Jest sees to it.
    it('logs and counts a failure that nobody looks at, and the process lives on', async () => {
      producer.failWith = new Error('broker is gone');
      void template.send('orders', 'k1', 'x');
      template.sendOneway('orders', 'k2', 'x');
      template.sendOneway({ topic: 'orders', key: 'k3', value: 'x' });
      await flush();
      expect(template.failedSends).toBe(3);
      expect(logger.lines).toEqual(['error send to orders, key k1, failed: broker is gone']);
      await clock.advance(1_000);
      expect(logger.lines.slice(1)).toEqual(['error 2 more sends failed; 3 since the start']);
      template.sendOneway('orders', 'k4', 'x');
      await flush();
      expect(logger.lines.at(-1)).toContain('key k4');
    });

    it('tells each caller of a lost batch which record was its own', async () => {
      const message = 'orders-0: 2 records not acknowledged within 100 ms (delivery.timeout.ms)';
      const cause = new Error('no answer');
      producer.failWith = new NestdawError('KAFKA_DELIVERY_FAILED', message, { cause, retriable: true });
      const sent = ['a', 7, null].map((key) => template.send('orders', key, 'x').catch((error: unknown) => error));
      expect(await Promise.all(sent)).toMatchObject([
        { code: 'KAFKA_DELIVERY_FAILED', message: `${message} (the record with key a)`, cause, retriable: true },
        { message: `${message} (the record with key 7)` },
        { message },
      ]);
    });

    it('rejects the caller all the same', async () => {
      producer.failWith = new Error('broker is gone');
      await expect(template.send('orders', 'x')).rejects.toThrow('broker is gone');
    });
  });
});
