// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of properties, not of templates
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type Type } from '@nestjs/common';
import { from, of } from 'rxjs';
import { deferred } from '../../../../src/common/lifecycle.js';
import {
  KafkaHandler,
  KafkaHeaders,
  KafkaListener,
  type KafkaListenerOptions,
  KafkaListenerRegistrar,
  Payload,
  RecordToSend,
  replyWithError,
  SendTo,
} from '../../../../src/index.js';
import { callBatchHandler, callHandler, type GivenRecord } from '../../../support/handler-calls.js';
import { type KafkaApp, startApp } from '../../../support/kafka-app.js';

let running: KafkaApp | undefined;

afterEach(async () => {
  await running?.app.close();
  running = undefined;
});

const header = (key: string, value: string | Buffer) => ({ key, value: Buffer.from(value) });
const REQUEST = [
  header('kafka_correlationId', Buffer.of(1, 2)),
  header('kafka_replyTopic', 'answers'),
  header('kafka_replyPartition', Buffer.of(0, 0, 0, 2)),
  header('trace', 't1'),
];

async function started(type: Type, properties: Record<string, string> = {}) {
  running = await startApp({ providers: [type] }, { 'orders.replies': 'from-properties', ...properties });
  return run;
}

/** Runs records through the listener `it`; gives the outcome. */
async function run(first: GivenRecord, ...others: GivenRecord[]) {
  if (others.length === 0) return await callHandler(running!.app, 'it', first);
  return await callBatchHandler(running!.app, 'it', first, ...others);
}

/** A listener whose method is `handle`, answering as the decorator says. */
function listener(
  sendTo: MethodDecorator,
  handle: (payload: any) => unknown,
  options: Partial<KafkaListenerOptions> = {},
) {
  @Injectable()
  class Listener {
    @KafkaListener({ topics: 'orders', id: 'it', ...options })
    @sendTo
    handle(@Payload() payload: unknown) {
      return handle(payload);
    }
  }
  return started(Listener);
}

/** What was sent: topic, partition, key, value, headers. */
function sent() {
  return running!.producer.sent.map(({ topic, partition, key, value, headers = [] }) => ({
    to: partition === undefined ? topic : `${topic}-${partition}`,
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    headers: Object.fromEntries(headers.map((one) => [one.key, one.value?.toString('latin1') ?? null])),
  }));
}

const CORRELATION = { kafka_correlationId: '\x01\x02' };

describe('what a listener returns', () => {
  it('goes where the request wants it, under its correlation id and key', async () => {
    await listener(SendTo(), ({ a }: { a: number }) => ({ sum: a + 1 }));
    expect(await run({ value: { a: 1 }, key: Buffer.from('k'), headers: REQUEST })).toEqual({ status: 'done' });
    expect(sent()).toEqual([{ to: 'answers-2', key: 'k', value: '{"sum":2}', headers: CORRELATION }]);
  });

  it.each([
    ['a topic', 'fixed', 'fixed'],
    ['a property', '${orders.replies}', 'from-properties'],
    ['a header of the request', '#{trace}', 't1'],
    ['the topic that the request names', 'answers', 'answers-2'],
    ['a function', ({ request, result }: any) => `${request.topic}-${result}`, 'orders-ok'],
  ] as const)('goes to %s', async (_what, topic, to) => {
    await listener(SendTo(topic), () => 'ok');
    await run({ value: {}, headers: REQUEST });
    expect(sent()).toMatchObject([{ to, value: 'ok', headers: CORRELATION }]);
  });

  it('is not sent without a topic, without a result, and without the decorator', async () => {
    await listener(SendTo(), (value: unknown) => value);
    expect(await run({ value: { a: 1 } })).toEqual({ status: 'done' });
    await running!.app.close();
    await listener(SendTo('t'), () => undefined);
    expect(await run({ value: {} })).toEqual({ status: 'done' });
    await running!.app.close();
    await listener(
      () => undefined,
      () => 'ignored',
    );
    await run({ value: {}, headers: REQUEST });
    expect(sent()).toEqual([]);
  });

  it('may be a promise, an observable, null, or a message with headers of its own', async () => {
    const results: unknown[] = [
      Promise.resolve('later'),
      from(['first', 'last']),
      Promise.resolve(of('both')),
      null,
      {
        payload: 1,
        headers: { [KafkaHeaders.TOPIC]: 'own', [KafkaHeaders.KEY]: 'x', [KafkaHeaders.PARTITION]: 1, a: 'b' },
      },
      new RecordToSend('record', { partition: 3, headers: { c: 'd' } }),
    ];
    await listener(SendTo('t'), () => results.shift());
    for (let i = 0; i < 6; i++) await run({ value: {}, key: Buffer.from('k'), headers: REQUEST.slice(0, 1) });
    expect(sent()).toEqual([
      { to: 't', key: 'k', value: 'later', headers: CORRELATION },
      { to: 't', key: 'k', value: 'last', headers: CORRELATION },
      { to: 't', key: 'k', value: 'both', headers: CORRELATION },
      { to: 't', key: 'k', value: null, headers: CORRELATION },
      { to: 'own-1', key: 'x', value: '1', headers: { ...CORRELATION, a: 'b' } },
      { to: 't-3', key: 'k', value: 'record', headers: { ...CORRELATION, c: 'd' } },
    ]);
  });

  it('is split into one reply for each element, or sent whole', async () => {
    async function* later() {
      yield await Promise.resolve('d');
      yield 'e';
    }
    const results: unknown[] = [['a', undefined, 'b'], new Set(['c']), later(), Buffer.from('bytes'), 'text'];
    await listener(SendTo('t'), () => results.shift());
    for (let i = 0; i < 5; i++) await run({ value: {} });
    expect(sent().map(({ value }) => value)).toEqual(['a', 'b', 'c', 'd', 'e', 'bytes', 'text']);
    await running!.app.close();
    await listener(SendTo('t'), () => ['a', 'b'], { splitIterables: false });
    await run({ value: {} });
    expect(sent().map(({ value }) => value)).toEqual(['["a","b"]']);
  });

  it('takes headers along that the decorator names', async () => {
    const options = { headers: { from: 'shop', n: 1 }, copyHeaders: ['trace'], correlationHeader: 'id' };
    await listener(SendTo('t', options), () => 'x');
    await run({ value: {}, headers: [...REQUEST, header('id', 'own')] });
    expect(sent()[0]!.headers).toEqual({ trace: 't1', from: 'shop', n: '1', id: 'own' });
    await running!.app.close();
    await listener(SendTo('t', { copyHeaders: (name) => name.startsWith('tr') }), () => 'x');
    await run({ value: {}, headers: REQUEST });
    expect(sent()[0]!.headers).toEqual({ trace: 't1', ...CORRELATION });
  });

  it('answers each record of a batch, where there are as many', async () => {
    await listener(SendTo(), (all: number[]) => all.map((n) => (n === 2 ? undefined : n * 10)), { batch: true });
    const of = (id: string) => [header('kafka_correlationId', id), header('kafka_replyTopic', `r${id}`)];
    await run({ value: 1, headers: of('a') }, { value: 2, headers: of('b') }, { value: 3, headers: of('c') });
    expect(sent().map(({ to, value, headers }) => [to, value, headers.kafka_correlationId])).toEqual([
      ['ra', '10', 'a'],
      ['rc', '30', 'c'],
    ]);
  });

  it('is said for a whole class, and by one of its methods for itself', async () => {
    @Injectable()
    @KafkaListener({ topics: 'orders', id: 'it', errorHandler: (error: any) => `sorry: ${error.message}` })
    @SendTo('common')
    class Listener {
      @KafkaHandler({ type: 'a' })
      one() {
        return 'one';
      }
      @KafkaHandler({ type: 'b' })
      @SendTo('own')
      other() {
        throw new Error('no');
      }
    }
    await started(Listener);
    await run({ value: { type: 'a' } });
    await run({ value: { type: 'b' } });
    await run({ value: { type: 'c' } });
    expect(sent().map(({ to, value }) => [to, value?.slice(0, 12)])).toEqual([
      ['common', 'one'],
      ['own', 'sorry: no'],
      ['common', 'sorry: no me'],
    ]);
  });

  it('is said by a listener that is a function', async () => {
    @Injectable()
    class Empty {}
    await started(Empty);
    const registrar = running!.app.get(KafkaListenerRegistrar);
    await registrar.register({ id: 'it', topics: 'orders', sendTo: '', handler: () => 'x', autoStartup: false });
    await run({ value: {}, headers: REQUEST });
    expect(sent()).toMatchObject([{ to: 'answers-2', value: 'x' }]);
  });
});

describe('the record', () => {
  it('is finished when the reply is acknowledged, not before', async () => {
    const acknowledged = deferred();
    await listener(SendTo('t'), () => 'x');
    const { producer } = running!;
    const send = producer.send.bind(producer);
    producer.send = async (...args) => {
      const result = await send(...args);
      await acknowledged.promise;
      return result;
    };
    let ended = false;
    const outcome = run({ value: {} }).then((value) => {
      ended = true;
      return value;
    });
    await new Promise(setImmediate);
    expect(ended).toBe(false);
    acknowledged.resolve();
    expect(await outcome).toEqual({ status: 'done' });
  });

  it('fails when the reply is not stored, past the error handler of the application', async () => {
    await listener(SendTo('t'), () => 'x', { errorHandler: () => 'swallowed' });
    running!.producer.failWith = new Error('broker is gone');
    expect(await run({ value: {}, offset: 3 })).toMatchObject({
      status: 'failed',
      error: { code: 'KAFKA_REPLY_NOT_SENT', message: 'the reply to t of orders-0@3 was not sent: broker is gone' },
    });
  });
});

describe('a failure', () => {
  const broken = () => {
    throw new TypeError('out of stock', { cause: new RangeError('0') });
  };

  it('is answered by what the error handler returns', async () => {
    await listener(SendTo(), broken, { errorHandler: (error: any) => Promise.resolve({ failed: error.message }) });
    expect(await run({ value: {}, headers: REQUEST })).toEqual({ status: 'done' });
    expect(sent()).toMatchObject([{ to: 'answers-2', value: '{"failed":"out of stock"}', headers: CORRELATION }]);
  });

  it('is told to who asked, under the names of Spring', async () => {
    await listener(SendTo(), broken, { errorHandler: replyWithError });
    expect(await run({ value: {}, headers: REQUEST })).toEqual({ status: 'done' });
    expect(sent()).toEqual([
      {
        to: 'answers-2',
        key: null,
        value: null,
        headers: {
          ...CORRELATION,
          'kafka_exception-fqcn': 'TypeError',
          'kafka_exception-cause-fqcn': 'RangeError',
          'kafka_exception-message': 'out of stock; 0',
        },
      },
    ]);
    expect(await run({ value: 'no json', headers: REQUEST })).toEqual({ status: 'done' });
    expect(sent()[1]!.headers['kafka_exception-fqcn']).toBe('DeserializationError');
    expect(await run({ value: {} })).toMatchObject({ status: 'failed', error: { message: 'out of stock' } });
  });
});

describe('a start', () => {
  it.each([
    [
      '!{request.value()}',
      /@SendTo of Listener\.handle: !\{request\.value\(\)\} is an expression of Spring's; give '#\{header-name\}'/,
    ],
    ['#{@bean.topic()}', /is an expression of Spring's/],
    ['${missing}', /missing/],
    ['no topic', /"no topic" is no topic name/],
  ])('is refused for the topic %s', async (topic, message) => {
    await expect(listener(SendTo(topic), () => 'x')).rejects.toThrow(message);
  });
});
