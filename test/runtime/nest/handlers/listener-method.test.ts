import { describe, expect, it } from '@jest/globals';
import { Controller, Injectable } from '@nestjs/common';
import { Ctx, Payload as NestPayload } from '@nestjs/microservices';
import { registerDecorator } from 'class-validator';
import { of } from 'rxjs';
import { deferred } from '../../../../src/common/lifecycle.js';
import { type KafkaRecord } from '../../../../src/common/record.js';
import {
  Ack,
  type Acknowledgment,
  ContainerRegistry,
  Header,
  Headers,
  KafkaListener,
  KafkaListenerContext,
  Key,
  Payload,
  Record as RawRecord,
  Signal,
} from '../../../../src/index.js';
import { callHandler } from '../../../support/handler-calls.js';
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
