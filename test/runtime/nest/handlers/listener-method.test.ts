import { describe, expect, it } from '@jest/globals';
import { Controller, Injectable, ParseIntPipe } from '@nestjs/common';
import { Ctx, Payload as NestPayload } from '@nestjs/microservices';
import { registerDecorator } from 'class-validator';
import { of } from 'rxjs';
import { deferred } from '../../../../src/common/lifecycle.js';
import { type KafkaRecord, type RecordHeader } from '../../../../src/common/record.js';
import {
  Ack,
  type Acknowledgment,
  ConsumerRecords,
  ContainerRegistry,
  Header,
  Headers,
  KafkaHeaders,
  KafkaListener,
  KafkaListenerContext,
  type KafkaMessage,
  Key,
  Message,
  Payload,
  Record as RawRecord,
  RetryHeaders,
  Signal,
} from '../../../../src/index.js';
import { callBatchHandler, callHandler } from '../../../support/handler-calls.js';
import { failureOf, listenerOf } from '../../../support/listener-app.js';
import { GOOD, OrderPlaced } from '../../../support/order-placed.js';

describe('listener methods', () => {
  it('receive what their parameters ask for', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders', ackMode: 'MANUAL' })
      all(
        @Payload() order: OrderPlaced,
        @Key() key: string,
        @Header('trace') trace: string,
        @Headers() headers: Record<string, string>,
        @RawRecord() record: KafkaRecord,
        @Ack() ack: Acknowledgment,
        @Signal() signal: AbortSignal,
        @Payload('amount') amount: number,
        @Key() rawKey: Buffer,
        @Header('count') count: number,
        @Header('missing') missing: string,
      ) {
        seen.push(order, key, trace, { ...headers }, record, ack, signal, amount, rawKey, count, missing);
      }
    }
    const { run } = await listenerOf(Listener, 'Listener.all');
    const headers = [
      { key: 'trace', value: Buffer.from('old') },
      { key: 'trace', value: Buffer.from('t1') },
      { key: 'count', value: Buffer.from('12') },
    ];
    const result = run({ value: GOOD, key: Buffer.from('k'), headers });
    expect(result).toEqual({ status: 'done' });
    expect(seen[0]).toBeInstanceOf(OrderPlaced);
    expect(seen.slice(1, 4)).toEqual(['k', 't1', { trace: 't1', count: '12' }]);
    expect(seen[4]).toMatchObject({ topic: 'orders', offset: 0 });
    expect(seen[5]).toBeUndefined();
    expect(seen[6]).toBeInstanceOf(AbortSignal);
    expect(seen.slice(7)).toEqual([5, Buffer.from('k'), 12, undefined]);
  });

  it('receive headers as they are declared: typed, required, with a default, all of one name', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders' })
      typed(
        @Header('flag') flag: boolean,
        @Header('big') big: bigint,
        @Header('at') at: Date,
        @Header('iso') iso: Date,
        @Header('tag') tags: string[],
        @Header('none') none: string[],
        @Header('raw') raw: Buffer,
        @Header('empty') empty: string | null,
        @Header('retries', { defaultValue: 3 }) retries: number,
        @Header('trace', { required: true }) trace: string,
        @Header(KafkaHeaders.DLT_ORIGINAL_OFFSET) offset: number,
        @Header(RetryHeaders.ATTEMPTS) attempts: number,
        @Header(KafkaHeaders.TIMESTAMP_TYPE) timestampType: string,
        @Header(KafkaHeaders.NATIVE_HEADERS) native: readonly RecordHeader[],
        @Header(KafkaHeaders.RAW_DATA) record: KafkaRecord,
      ) {
        seen.push(flag, big, at, iso, tags, none, raw, empty, retries, trace, offset, attempts, timestampType);
        seen.push(native.length, record.offset);
      }
    }
    const { run } = await listenerOf(Listener, 'Listener.typed');
    const text = (key: string, value: string) => ({ key, value: Buffer.from(value) });
    const long = Buffer.from([0, 0, 0, 1, 0, 0, 0, 2]);
    const headers = [
      text('flag', 'true'),
      text('big', '9007199254740993'),
      text('at', '86400000'),
      text('iso', '2026-01-02T00:00:00Z'),
      text('tag', 'a'),
      text('tag', 'b'),
      { key: 'raw', value: long },
      { key: 'empty', value: null },
      text('trace', 't'),
      { key: KafkaHeaders.DLT_ORIGINAL_OFFSET, value: long },
      { key: RetryHeaders.ATTEMPTS, value: Buffer.from([0, 0, 0, 2]) },
    ];
    expect(run({ value: '1', headers, offset: 8 })).toEqual({ status: 'done' });
    const dates = [new Date(86_400_000), new Date('2026-01-02')];
    const numbers = [2 ** 32 + 2, 2];
    expect(seen).toEqual(
      [true, 9007199254740993n, dates, [['a', 'b'], [], long], null, 3, 't', numbers, 'CREATE_TIME', 11, 8].flat(),
    );
    const failure = (...given: { key: string; value: Buffer }[]) =>
      failureOf(run({ value: '1', headers: given, offset: 8 }));
    expect(await failure()).toMatchObject({
      code: 'KAFKA_VALIDATION_FAILED',
      message: 'orders-0@8 has no header trace, which is required',
    });
    expect(await failure(text('flag', 'yes'))).toMatchObject({
      code: 'KAFKA_DESERIALIZATION_FAILED',
      message: 'the header flag of orders-0@8 is "yes", not a boolean',
    });
    expect((await failure(text('at', 'soon'))).message).toContain('not a date');
    expect((await failure(text('big', '1.5'))).message).toContain('not a bigint');
  });

  it('receive payload and headers as one message, to be sent on', async () => {
    const seen: Array<KafkaMessage<OrderPlaced>> = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders', payload: OrderPlaced, id: 'one' })
      one(@Message() message: KafkaMessage<OrderPlaced>) {
        seen.push(message);
      }
      @KafkaListener({ topics: 'orders', payload: OrderPlaced, id: 'many', batch: true })
      many(@Message() messages: Array<KafkaMessage<OrderPlaced>>, @RawRecord() records: ConsumerRecords) {
        seen.push(...messages);
        expect(records.count()).toBe(messages.length);
        expect([...records].map(({ offset }) => offset)).toEqual([4, 5]);
        expect(records.partitions()).toEqual([{ topic: 'orders', partition: 0 }]);
        expect(records.records('orders')).toEqual(records.records({ topic: 'orders', partition: 0 }));
        expect([records.records('other'), records.isEmpty()]).toEqual([[], false]);
      }
    }
    const { run, app } = await listenerOf(Listener, 'one');
    const headers = [
      { key: 'trace', value: Buffer.from('t') },
      { key: 'bytes', value: Buffer.from([255, 0]) },
    ];
    const given = { value: GOOD, key: Buffer.from('k'), headers, offset: 4 };
    expect(run(given)).toEqual({ status: 'done' });
    expect(callBatchHandler(app, 'many', given, { ...given, offset: 5 })).toEqual({ status: 'done' });
    expect(seen.map(({ payload }) => payload instanceof OrderPlaced)).toEqual([true, true, true]);
    expect(seen.map((message) => message.headers[KafkaHeaders.OFFSET])).toEqual([4, 4, 5]);
    expect({ ...seen[0]!.headers }).toEqual({
      trace: 't',
      bytes: Buffer.from([255, 0]),
      [KafkaHeaders.OFFSET]: 4,
      [KafkaHeaders.RECEIVED_TOPIC]: 'orders',
      [KafkaHeaders.RECEIVED_PARTITION]: 0,
      [KafkaHeaders.RECEIVED_KEY]: 'k',
      [KafkaHeaders.RECEIVED_TIMESTAMP]: expect.any(Number),
      [KafkaHeaders.TIMESTAMP_TYPE]: 'CREATE_TIME',
    });
    // What a header cannot be read of ends the batch before it, as a payload does.
    const bad = { value: { id: 'x', amount: 0 }, offset: 6 };
    expect(await callBatchHandler(app, 'many', given, { ...given, offset: 5 }, bad)).toMatchObject({
      status: 'failed-at',
      index: 2,
    });
  });

  it('get the payload in the first parameter without decorators, and convert it by its type', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'a', id: 'class' })
      dto(order: OrderPlaced) {
        seen.push(order);
      }
      @KafkaListener({ topics: 'a', id: 'text' })
      text(order: string) {
        seen.push(order);
      }
      @KafkaListener({ topics: 'a', id: 'bytes' })
      bytes(order: Buffer) {
        seen.push(order);
      }
      @KafkaListener({ topics: 'a', id: 'any' })
      any(order: any, @Key() key: string | null) {
        seen.push(order, key);
      }
      @KafkaListener({ topics: 'a', id: 'named', payload: OrderPlaced })
      named(order: { id: string }) {
        seen.push(order);
      }
      @KafkaListener({ topics: 'a', id: 'none' })
      none() {
        seen.push('called');
      }
    }
    const { app } = await listenerOf(Listener, 'class');
    for (const id of ['class', 'text', 'bytes', 'any', 'named', 'none'])
      expect(callHandler(app, id, { value: GOOD })).toEqual({ status: 'done' });
    const text = JSON.stringify(GOOD);
    expect(seen).toEqual([{ ...GOOD }, text, Buffer.from(text), GOOD, null, { ...GOOD }, 'called']);
    expect([seen[0], seen[5]].map((one) => one instanceof OrderPlaced)).toEqual([true, true]);
  });

  it('get null for a tombstone', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'a' })
      handle(order: OrderPlaced | null, @Payload() same: OrderPlaced) {
        seen.push(order, same);
      }
    }
    // Two payloads are one too many when only one of them says so.
    await expect(listenerOf(Listener, 'Listener.handle')).rejects.toThrow('parameter 1 has no decorator');
    @Injectable()
    class Good {
      @KafkaListener({ topics: 'a' })
      handle(order: OrderPlaced) {
        seen.push(order);
      }
    }
    const { run } = await listenerOf(Good, 'Good.handle');
    expect(run({ value: null })).toEqual({ status: 'done' });
    expect(seen).toEqual([null]);
  });

  it('fail for good on values that are not what was declared', async () => {
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders' })
      handle(_order: OrderPlaced) {
        throw new Error('not reached');
      }
    }
    const { run } = await listenerOf(Listener, 'Listener.handle');
    const at = { offset: 42, partition: 3 };
    const noJson = await failureOf(run({ ...at, value: '{nope' }));
    expect(noJson).toMatchObject({ code: 'KAFKA_DESERIALIZATION_FAILED', retriable: false });
    expect(noJson.message).toContain('the value of orders-3@42 (5 bytes) is no JSON');
    const noObject = await failureOf(run({ ...at, value: [1] }));
    expect(noObject.message).toBe('the value of orders-3@42 is an array, not an object of OrderPlaced');
    const invalid = await failureOf(run({ ...at, value: { amount: -1, customer: { name: '' } } }));
    expect(invalid.code).toBe('KAFKA_VALIDATION_FAILED');
    expect(invalid.message).toBe(
      'OrderPlaced from orders-3@42 is not valid: id should not be empty; amount must be a positive number; ' +
        'customer.name should not be empty',
    );
  });

  it('stay synchronous when they are, and turn what they throw into an outcome', async () => {
    const gate = deferred();
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'a', id: 'sync' })
      sync(order: any) {
        if (order === 'boom') throw new Error('sync');
      }
      @KafkaListener({ topics: 'a', id: 'async' })
      async later(order: any) {
        await gate.promise;
        if (order === 'boom') throw new Error('async');
      }
      @KafkaListener({ topics: 'a', id: 'observable' })
      stream() {
        return of(1, 2);
      }
    }
    const { run, app } = await listenerOf(Listener, 'sync');
    expect(run({ value: '1' })).toEqual({ status: 'done' });
    expect(run({ value: '"boom"' })).toMatchObject({ status: 'failed', error: { message: 'sync' } });
    const pending = ['1', '"boom"'].map((value) => callHandler(app, 'async', { value }));
    expect(pending).toEqual([expect.any(Promise), expect.any(Promise)]);
    gate.resolve();
    expect([await pending[0], await pending[1]]).toMatchObject([
      { status: 'done' },
      { status: 'failed', error: { message: 'async' } },
    ]);
    expect(await callHandler(app, 'observable', { value: '1' })).toEqual({ status: 'done' });
  });

  it('take all records of a batch, and say which one could not be converted', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders', batch: true, payload: OrderPlaced })
      handle(@Payload() orders: OrderPlaced[], @Key() keys: string[], @RawRecord() records: KafkaRecord[]) {
        seen.push(orders, keys, records.length);
      }
    }
    const { runBatch, endpoint } = await listenerOf(Listener, 'Listener.handle');
    expect(endpoint.handler.kind).toBe('batch');
    expect(await runBatch({ value: GOOD, key: Buffer.from('a') }, { value: { ...GOOD, id: 'o2' }, offset: 1 })).toEqual(
      {
        status: 'done',
      },
    );
    expect((seen[0] as unknown[]).map((one) => one instanceof OrderPlaced)).toEqual([true, true]);
    expect(seen.slice(1)).toEqual([['a', null], 2]);
    expect(await runBatch({ value: GOOD }, { value: { id: 'x', amount: 0 }, offset: 1 })).toMatchObject({
      status: 'failed-at',
      index: 1,
      error: { code: 'KAFKA_VALIDATION_FAILED' },
    });
    expect(await runBatch({ value: GOOD }, { value: '{' })).toMatchObject({ status: 'failed-at', index: 1 });
  });

  it('are found on controllers, in subclasses, and more than once on one method', async () => {
    const seen: unknown[] = [];
    abstract class Base {
      @KafkaListener({ topics: 'inherited' })
      handle(value: any) {
        seen.push([this.constructor.name, value]);
      }
    }
    @Controller()
    class Child extends Base {
      @KafkaListener({ topics: 'one', id: 'first' })
      @KafkaListener({ topics: ['two', 'three'], id: 'second' })
      both(value: any) {
        seen.push(value);
      }
    }
    const { run, app } = await listenerOf(Child, 'Child.handle', { controllers: [Child] });
    await run({ value: '1' });
    expect(seen).toEqual([['Child', 1]]);
    expect(
      app
        .get(ContainerRegistry)
        .list()
        .map(({ id, endpoint }) => [id, endpoint.topics, endpoint.groupId]),
    ).toEqual([
      ['first', ['one'], 'first'],
      ['second', ['two', 'three'], 'second'],
      ['Child.handle', ['inherited'], 'test'],
    ]);
  });

  it('work with parameter decorators of @nestjs/microservices', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders' })
      handle(@NestPayload() order: OrderPlaced, @Ctx() context: KafkaListenerContext) {
        seen.push(order, context);
      }
    }
    const { run } = await listenerOf(Listener, 'Listener.handle');
    await run({ value: GOOD, offset: 9 });
    expect(seen[0]).toBeInstanceOf(OrderPlaced);
    expect(seen[1]).toMatchObject({ topic: 'orders', offset: 9, attempt: 1 });
  });

  it('end a batch before a header or a key that cannot be read', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders', batch: true })
      handle(@Header('n', { required: true }) numbers: string[]) {
        seen.push(numbers);
      }
    }
    const { runBatch } = await listenerOf(Listener, 'Listener.handle');
    const headers = [{ key: 'n', value: Buffer.from('1') }];
    expect(await runBatch({ value: '1', headers }, { value: '2', offset: 1 })).toMatchObject({
      status: 'failed-at',
      index: 1,
      error: { message: 'orders-0@1 has no header n, which is required' },
    });
    expect(seen).toEqual([['1']]);
  });

  it('are refused at start where a declared type can never hold what it gets', async () => {
    @Injectable()
    class Wrong {
      @KafkaListener({ topics: 'a', batch: true })
      batch(
        @Payload() order: OrderPlaced,
        @Key() key: string,
        @Header('x') header: number,
        @RawRecord() record: Buffer,
        @Header(KafkaHeaders.LISTENER_INFO) info: string,
      ) {
        return [order, key, header, record, info];
      }
      @KafkaListener({ topics: 'a', id: 'single', ackMode: 'MANUAL' })
      single(
        @RawRecord() records: KafkaRecord[],
        @Message() messages: ConsumerRecords,
        @Ack() ack: string,
        @Signal() signal: boolean,
        @Key() key: OrderPlaced,
        @Header('x') header: Map<string, string>,
        @Header('') nameless: string,
        @Header('x', new ParseIntPipe()) piped: OrderPlaced,
        @Headers() headers: string,
      ) {
        return [records, messages, ack, signal, key, header, nameless, piped, headers];
      }
      @KafkaListener({ topics: 'a', id: 'twice' })
      twice(@Payload() order: OrderPlaced, @Payload() bytes: Buffer, @Payload() same: any) {
        return [order, bytes, same];
      }
    }
    const message = await listenerOf(Wrong, 'single').catch((error: Error) => error.message);
    const arrays = 'but the listener gets batches: declare an array, one element for each record';
    const mistakes = [
      `Wrong.batch: parameter 1 is declared as OrderPlaced, ${arrays}`,
      `Wrong.batch: parameter 2 is declared as String, ${arrays}`,
      `Wrong.batch: parameter 3 is declared as Number, ${arrays}`,
      `Wrong.batch: parameter 4 is declared as Buffer, ${arrays}`,
      'Wrong.single: parameter 1 is declared as Array, but the listener gets one record at a time: set batch: true',
      'Wrong.single: parameter 2 is declared as ConsumerRecords, but the listener gets one record at a time',
      'Wrong.single: parameter 3 is declared as String, but gets an Acknowledgment',
      'Wrong.single: parameter 4 is declared as Boolean, but gets an AbortSignal',
      'Wrong.single: parameter 5 is declared as OrderPlaced; a key is read as string, Buffer, number, boolean, bigint or Date',
      'Wrong.single: parameter 6 is declared as Map; a header is read as',
      'Wrong.single: parameter 7 is @Header() without a name',
      'Wrong.single: parameter 9 is declared as String, but gets an object',
      'Wrong.twice: parameter 2 takes the payload as Buffer, parameter 1 as OrderPlaced; take @Record() for one of them',
    ];
    for (const mistake of mistakes) expect(message).toContain(mistake);
    expect(message).toContain(`${mistakes.length} mistakes`);
  });

  it('wait for asynchronous constraints', async () => {
    const constraint = (target: object, propertyName: string) =>
      registerDecorator({
        target: target.constructor,
        propertyName,
        async: true,
        name: 'known',
        validator: { validate: async (value: unknown) => value === 'known', defaultMessage: () => 'id must be known' },
      } as Parameters<typeof registerDecorator>[0]);
    class Checked {
      @constraint
      id!: string;
    }
    const seen: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders' })
      handle(order: Checked) {
        seen.push(order.id);
      }
    }
    const { run } = await listenerOf(Listener, 'Listener.handle');
    expect(await run({ value: { id: 'known' } })).toEqual({ status: 'done' });
    expect(await run({ value: { id: 'other' } })).toMatchObject({
      status: 'failed',
      error: { code: 'KAFKA_VALIDATION_FAILED' },
    });
    expect(seen).toEqual(['known']);
  });
});
