import { beforeEach, describe, expect, it } from '@jest/globals';
import { KafkaTemplate } from '../../../src/runtime/template/kafka-template.js';
import { type ProducerInterceptor } from '../../../src/runtime/template/producer-interceptor.js';
import { FakeProducer, RecordingLogger } from '../../support/fake-clients.js';
import { flush, ManualClock } from '../../support/manual-clock.js';

// Who sees a send, in which order, and what their faults do.

describe('watched sends', () => {
  let producer: FakeProducer;
  let logger: RecordingLogger;
  let clock: ManualClock;
  let template: KafkaTemplate<string>;
  const texts = () => producer.sent.map(({ value }) => value?.toString());

  beforeEach(() => {
    producer = new FakeProducer();
    logger = new RecordingLogger();
    clock = new ManualClock();
    template = new KafkaTemplate({ producer: () => producer, clock, logger });
  });

  const appending = (text: string): ProducerInterceptor<string> => ({
    onSend: (record) => ({ ...record, value: `${record.value}${text}` }),
  });

  it('gives each interceptor what the one before it made', async () => {
    template.addProducerInterceptor(appending('-a'));
    template.addProducerInterceptor(appending('-b'));
    await template.send('orders', 'x');
    await template.sendAll('orders', ['y']);
    expect(texts()).toEqual(['x-a-b', 'y-a-b']);
  });

  it('passes over one that throws: logged, counted, the record goes on as the last good one left it', async () => {
    template.addProducerInterceptor(appending('-a'));
    template.addProducerInterceptor({
      onSend() {
        throw new Error('broken');
      },
      onAcknowledgement() {
        throw new Error('broken too');
      },
    });
    template.addProducerInterceptor(appending('-c'));
    for (let i = 0; i < 6; i++) await template.send('orders', 'x');
    expect(texts()[0]).toBe('x-a-c');
    expect(logger.lines).toEqual([
      'error interceptor without a class failed in onSend, and is passed over: broken',
      'error interceptor without a class failed in onAcknowledgement (10 times by now), and is passed over: broken too',
    ]);
    expect(template.metrics()).toMatchObject({ 'interceptor-errors-total': 12 });
  });

  it('tells interceptors, listeners and observers the end before the caller, also of a failure', async () => {
    const told: string[] = [];
    template.addProducerInterceptor({
      onAcknowledgement: ({ topic, partition, offset }, error) => {
        told.push(`interceptor ${topic} ${partition} ${offset} ${error?.message}`);
      },
    });
    template.addProducerListener({
      onSuccess: (record, { offset }) => void told.push(`listener ${record.key as string} ${offset}`),
      onError: (_record, error) => void told.push(`listener ${error.message}`),
    });
    template.addSendObserver({
      begin: () => ({
        succeeded: ({ offset }) => void told.push(`observer ${offset}`),
        failed: (error) => void told.push(`observer ${error.message}`),
      }),
    });
    await template.send('orders', 'k', 'x').then(() => told.push('caller'));
    producer.failWith = new Error('gone');
    await template.send({ topic: 'orders', partition: 2, key: 'k', value: 'x' }).catch(() => told.push('caller'));
    expect(told).toEqual([
      'interceptor orders 0 0 undefined',
      'listener k 0',
      'observer 0',
      'caller',
      'interceptor orders 2 -1 gone',
      'listener gone',
      'observer gone',
      'caller',
    ]);
  });

  it('leaves interceptors and listeners to a producer that has its own, and keeps observers', async () => {
    const told: string[] = [];
    const note = (what: string) => void told.push(what);
    template.addProducerInterceptor({ onAcknowledgement: () => note('interceptor') });
    template.addProducerListener({ onSuccess: () => note('listener') });
    producer = Object.assign(new FakeProducer(), { intercepts: true });
    await template.send('orders', 'x');
    expect(told).toEqual([]);
    template.addSendObserver({
      begin: ({ topic }) => ({ succeeded: () => note(`observer ${topic}`), failed: () => note('no') }),
    });
    await template.send('orders', 'x');
    expect(told).toEqual(['observer orders']);
    expect(template.metrics()).not.toHaveProperty('interceptor-time-avg');
  });

  it('shows a record from a thread to interceptors and listeners, and serializes again only what they changed', async () => {
    const told: string[] = [];
    template.addSendObserver({ begin: () => void told.push('observed') });
    template.addProducerListener({
      onSuccess: (record, { offset }) => void told.push(`stored ${String(record.value)} at ${offset}`),
      onError: (record, error) => void told.push(`lost ${String(record.value)}: ${error.message}`),
    });
    template.addProducerInterceptor({
      onSend: (record) => (record.value === 'b' ? { ...record, value: 'c' } : { ...record, timestamp: 7 }),
    });
    const value = Buffer.from('as the thread wrote it');
    const sink = { stored: () => void told.push('told'), failed: () => void told.push('told') };
    const pass = async (given?: { key: unknown; value: unknown }) => {
      template.relay.enqueue(producer, 'orders', 2, { key: null, value, ...(given ? { given } : {}) }, sink);
      await flush();
    };
    await pass({ key: null, value: 'a' });
    await pass({ key: null, value: 'b' });
    await pass();
    producer.failWith = new Error('gone');
    await pass({ key: null, value: 'a' });
    expect(texts()).toEqual(['as the thread wrote it', 'c', 'as the thread wrote it']);
    expect(producer.sent.map(({ timestamp }) => timestamp)).toEqual([7, undefined, undefined]);
    expect(told).toEqual(['stored a at 0', 'told', 'stored c at 1', 'told', 'told', 'lost a: gone', 'told']);
  });

  it('lets observers write headers, in place of those of the same name', async () => {
    const seen: unknown[] = [];
    template.addSendObserver({
      begin(send) {
        seen.push(send.header('traceparent'), send.header('none'));
        send.setHeader('traceparent', '00-new');
        return undefined;
      },
    });
    template.addSendObserver({
      begin() {
        throw new Error('no tracer');
      },
    });
    await template.send({ topic: 'orders', value: 'x', headers: { traceparent: '00-old', other: 'y' } });
    await template.send('orders', 'x');
    const headers = producer.sent.map((record) => record.headers?.map(({ key, value }) => `${key}=${String(value)}`));
    expect(headers).toEqual([['other=y', 'traceparent=00-new'], ['traceparent=00-new']]);
    expect(seen).toEqual(['00-old', undefined, undefined, undefined]);
    expect(logger.lines[0]).toBe('error a send observer failed, and is passed over: no tracer');
  });

  it('warns once of an interceptor that changes the place of records', async () => {
    template.addProducerInterceptor({ onSend: (record) => ({ ...record, topic: 'elsewhere' }) });
    await template.send('orders', 'x');
    await template.send('orders', 'x');
    expect(producer.sent.map(({ topic }) => topic)).toEqual(['elsewhere', 'elsewhere']);
    expect(logger.lines).toEqual([
      expect.stringContaining('changes the topic or partition of records (orders to else'),
    ]);
  });

  it('warns once of interceptors that take long', async () => {
    let now = 0;
    const running = {
      now: () => now,
      monotonic: () => now,
      schedule: (ms: number, action: () => void) => clock.schedule(ms, action),
    };
    template = new KafkaTemplate({ producer: () => producer, clock: running, logger });
    template.addProducerInterceptor({
      onSend(record) {
        now += 2;
        return record;
      },
    });
    for (let i = 0; i < 1_100; i++) template.sendOneway('orders', 'x');
    await flush();
    expect(template.metrics()['interceptor-time-avg']).toBeCloseTo(2);
    expect(logger.lines).toEqual([expect.stringContaining('take 2.0 ms a record')]);
  });

  it('ends interceptors with the template', () => {
    let closed = 0;
    template.addProducerInterceptor({
      close() {
        closed++;
      },
    });
    template.close();
    expect(closed).toBe(1);
  });
});
