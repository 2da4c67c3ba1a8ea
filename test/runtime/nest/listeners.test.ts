// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of properties, not of templates
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type ArgumentMetadata,
  BadRequestException,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  createParamDecorator,
  type ExceptionFilter,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  ParseIntPipe,
  type PipeTransform,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, REQUEST } from '@nestjs/core';
import { Ctx, Payload as NestPayload } from '@nestjs/microservices';
import { Type } from 'class-transformer';
import { IsNotEmpty, IsPositive, registerDecorator, ValidateNested } from 'class-validator';
import { of, tap } from 'rxjs';
import { deferred } from '../../../src/common/lifecycle.js';
import { type KafkaRecord } from '../../../src/common/record.js';
import {
  Ack,
  type Acknowledgment,
  ContainerRegistry,
  Header,
  Headers,
  KafkaListener,
  KafkaListenerContext,
  type KafkaListenerOptions,
  Key,
  Payload,
  Record as RawRecord,
  Signal,
} from '../../../src/index.js';
import { type Outcome } from '../../../src/runtime/listener/listener-endpoint.js';
import { recordOf } from '../../support/fake-clients.js';
import { type KafkaApp, startApp } from '../../support/kafka-app.js';

class Customer {
  @IsNotEmpty()
  name!: string;
}

class OrderPlaced {
  @IsNotEmpty()
  id!: string;

  @IsPositive()
  amount!: number;

  @ValidateNested()
  @Type(() => Customer)
  customer?: Customer;
}

const GOOD = { id: 'o1', amount: 5 };

let running: KafkaApp | undefined;

afterEach(async () => {
  await running?.app.close();
  running = undefined;
});

/** Starts an application with the class and gives a function that runs one record through its listener. */
async function listenerOf(
  type: new (...args: any[]) => object,
  id: string,
  more: { providers?: any[]; controllers?: any[]; properties?: Record<string, string> } = {},
) {
  running = await startApp(
    {
      providers: [...(more.controllers ? [] : [type]), ...(more.providers ?? [])],
      controllers: more.controllers ?? [],
    },
    more.properties,
  );
  const { endpoint } = running.app.get(ContainerRegistry).get(id);
  const context = { signal: new AbortController().signal, acknowledgment: undefined, attempt: 1 };
  const { handler } = endpoint;
  return {
    endpoint,
    instance: running.app.get(type, { strict: false }),
    run: (record: Parameters<typeof recordOf>[0]): Outcome | Promise<Outcome> =>
      handler.kind === 'record' ? handler.invoke(recordOf(record), context) : (undefined as never),
    runBatch: (...records: Parameters<typeof recordOf>[0][]) =>
      handler.kind === 'batch' ? handler.invoke(records.map(recordOf), context) : (undefined as never),
  };
}

const failure = async (outcome: unknown) => (await outcome) as { status: string; error: Error & { code?: string } };

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
    await listenerOf(Listener, 'class');
    const registry = running!.app.get(ContainerRegistry);
    const context = { signal: new AbortController().signal, acknowledgment: undefined, attempt: 1 };
    for (const id of ['class', 'text', 'bytes', 'any', 'named', 'none']) {
      const { handler } = registry.get(id).endpoint;
      if (handler.kind !== 'record') throw new Error(`${id} takes batches`);
      expect(handler.invoke(recordOf({ value: GOOD }), context)).toEqual({ status: 'done' });
    }
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
    const noJson = await failure(run({ ...at, value: '{nope' }));
    expect(noJson.error).toMatchObject({ code: 'KAFKA_DESERIALIZATION_FAILED', retriable: false });
    expect(noJson.error.message).toContain('the value of orders-3@42 (5 bytes) is no JSON');
    const noObject = await failure(run({ ...at, value: [1] }));
    expect(noObject.error.message).toBe('the value of orders-3@42 is an array, not an object of OrderPlaced');
    const invalid = await failure(run({ ...at, value: { amount: -1, customer: { name: '' } } }));
    expect(invalid.error.code).toBe('KAFKA_VALIDATION_FAILED');
    expect(invalid.error.message).toBe(
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
    const { run } = await listenerOf(Listener, 'sync');
    expect(run({ value: '1' })).toEqual({ status: 'done' });
    expect(run({ value: '"boom"' })).toMatchObject({ status: 'failed', error: { message: 'sync' } });
    const registry = running!.app.get(ContainerRegistry);
    const invoke = (id: string, value: string) => {
      const { handler } = registry.get(id).endpoint;
      const context = { signal: new AbortController().signal, acknowledgment: undefined, attempt: 1 };
      return handler.kind === 'record' ? handler.invoke(recordOf({ value }), context) : undefined;
    };
    const pending = [invoke('async', '1'), invoke('async', '"boom"')];
    gate.resolve();
    expect([await pending[0], await pending[1]]).toMatchObject([
      { status: 'done' },
      { status: 'failed', error: { message: 'async' } },
    ]);
    expect(await invoke('observable', '1')).toEqual({ status: 'done' });
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
    const { run } = await listenerOf(Child, 'Child.handle', { controllers: [Child] });
    await run({ value: '1' });
    expect(seen).toEqual([['Child', 1]]);
    const registry = running!.app.get(ContainerRegistry);
    expect(registry.list().map(({ id, endpoint }) => [id, endpoint.topics, endpoint.groupId])).toEqual([
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

describe("Nest's enhancers", () => {
  const calls: string[] = [];

  @Injectable()
  class Guard implements CanActivate {
    canActivate(context: ExecutionContext) {
      calls.push(`guard ${context.getType()} ${context.getClass().name}.${context.getHandler().name}`);
      const { amount } = context.switchToRpc().getData<OrderPlaced>();
      return amount !== 13 && context.switchToRpc().getContext<KafkaListenerContext>().topic === 'orders';
    }
  }

  @Injectable()
  class Interceptor implements NestInterceptor {
    intercept(_context: ExecutionContext, next: CallHandler) {
      calls.push('before');
      return next.handle().pipe(tap(() => calls.push('after')));
    }
  }

  @Injectable()
  class Doubling implements PipeTransform {
    transform(value: unknown, { type, metatype }: ArgumentMetadata) {
      if (!(value instanceof OrderPlaced)) return value;
      calls.push(`pipe ${type} ${metatype?.name}`);
      value.amount *= 2;
      return value;
    }
  }

  @Catch(RangeError)
  class Forgiving implements ExceptionFilter {
    catch(exception: RangeError) {
      calls.push(`filter ${exception.message}`);
      return 'handled';
    }
  }

  afterEach(() => {
    calls.length = 0;
  });

  const handled = ['guard kafka Listener.handle', 'before', 'pipe body OrderPlaced', 'handle 10', 'after'];

  it('apply from the method and its class', async () => {
    @Injectable()
    @UseGuards(Guard)
    @UseFilters(Forgiving)
    class Listener {
      @UseInterceptors(Interceptor)
      @UsePipes(Doubling)
      @KafkaListener({ topics: 'orders' })
      handle(@Payload() order: OrderPlaced, @Key() key: Buffer) {
        calls.push(`handle ${order.amount}`);
        if (key.toString() === 'range') throw new RangeError('too far');
        if (key.toString() === 'other') throw new Error('unknown');
      }
    }
    const { run } = await listenerOf(Listener, 'Listener.handle');
    const key = Buffer.from('k');
    expect(await run({ value: GOOD, key })).toEqual({ status: 'done' });
    expect(calls).toEqual(handled);
    expect(await run({ value: { ...GOOD, amount: 13 }, key })).toMatchObject({
      status: 'failed',
      error: { message: 'Forbidden resource' },
    });
    expect(await run({ value: GOOD, key: Buffer.from('range') })).toEqual({ status: 'done' });
    expect(calls.at(-1)).toBe('filter too far');
    expect(await run({ value: GOOD, key: Buffer.from('other') })).toMatchObject({ error: { message: 'unknown' } });
    expect(await run({ value: { id: 'x', amount: 0 }, key })).toMatchObject({
      error: { code: 'KAFKA_VALIDATION_FAILED' },
    });
  });

  it('apply from the whole application', async () => {
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders' })
      handle(order: OrderPlaced) {
        calls.push(`handle ${order.amount}`);
        if (order.id === 'range') throw new RangeError('too far');
      }
    }
    const providers = [
      { provide: APP_GUARD, useClass: Guard },
      { provide: APP_INTERCEPTOR, useClass: Interceptor },
      { provide: APP_PIPE, useClass: Doubling },
      { provide: APP_FILTER, useClass: Forgiving },
    ];
    const { run } = await listenerOf(Listener, 'Listener.handle', { providers });
    expect(await run({ value: GOOD })).toEqual({ status: 'done' });
    expect(calls).toEqual(handled);
    expect(await run({ value: { ...GOOD, id: 'range' } })).toEqual({ status: 'done' });
  });

  it('apply pipes of one parameter, given as classes too, and custom parameter decorators', async () => {
    const Position = createParamDecorator((data: string, context: ExecutionContext) => {
      const { topic, offset } = context.switchToRpc().getContext<KafkaListenerContext>();
      return `${data} ${topic}@${offset}`;
    });
    const seen: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders' })
      handle(
        @Payload(Doubling) order: OrderPlaced,
        @Header('count', ParseIntPipe) count: string,
        @Position('at') position: string,
        @Payload('id', new ValidationPipe()) id: string,
      ) {
        seen.push(order.amount, count, position, id);
      }
    }
    const { run } = await listenerOf(Listener, 'Listener.handle');
    const headers = [{ key: 'count', value: Buffer.from('7') }];
    expect(await run({ value: GOOD, headers, offset: 3 })).toEqual({ status: 'done' });
    expect(seen).toEqual([10, 7, 'at orders@3', 'o1']);
    const bad = [{ key: 'count', value: Buffer.from('x') }];
    expect((await failure(run({ value: GOOD, headers: bad }))).error).toBeInstanceOf(BadRequestException);
  });

  it('let request-scoped providers have one instance per record', async () => {
    const instances: object[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class PerRecord {
      constructor(@Inject(REQUEST) readonly context: KafkaListenerContext) {}
    }
    @Injectable({ scope: Scope.REQUEST })
    class Listener {
      constructor(readonly inner: PerRecord) {}
      @KafkaListener({ topics: 'orders' })
      handle(order: OrderPlaced) {
        instances.push(this);
        calls.push(`${order.id} ${this.inner.context.offset}`);
      }
    }
    running = await startApp({ providers: [Listener, PerRecord] });
    const { handler } = running.app.get(ContainerRegistry).get('Listener.handle').endpoint;
    const context = { signal: new AbortController().signal, acknowledgment: undefined, attempt: 1 };
    if (handler.kind !== 'record') throw new Error('no record listener');
    expect(await handler.invoke(recordOf({ value: GOOD, offset: 1 }), context)).toEqual({ status: 'done' });
    expect(await handler.invoke(recordOf({ value: GOOD, offset: 2 }), context)).toEqual({ status: 'done' });
    expect(calls).toEqual(['o1 1', 'o1 2']);
    expect(instances[0]).not.toBe(instances[1]);
  });
});

describe('mistakes in listeners', () => {
  const start = (options: KafkaListenerOptions, properties: Record<string, string> = {}) => {
    @Injectable()
    class Listener {
      @KafkaListener(options)
      handle(_order: any) {}
    }
    return startApp({ providers: [Listener] }, properties).then((app) => {
      running = app;
    });
  };
  const at = '@KafkaListener of Listener.handle: ';

  it.each<[string, KafkaListenerOptions, string]>([
    ['a missing topic', { topics: [] }, `${at}topics: no topic is named`],
    ['an impossible topic', { topics: 'a b' }, `${at}topics=a b: no topic name`],
    [
      'an unknown placeholder',
      { topics: '${orders.topic}' },
      `${at}topics=\${orders.topic}: nothing defines "orders.topic"`,
    ],
    [
      'no number',
      { topics: 'a', concurrency: '${n:x}' },
      `${at}concurrency=x: not allowed; allowed: a whole number from 1 to 1000`,
    ],
    ['too many workers', { topics: 'a', workers: 0 }, `${at}workers=0: not allowed`],
    [
      'an ack mode',
      { topics: 'a', ackMode: 'SOMETIMES' },
      `${at}ackMode=SOMETIMES: not allowed; allowed: RECORD, BATCH`,
    ],
    ['order without workers', { topics: 'a', order: 'key' }, `${at}order=key: only a pool of workers has an order`],
    ['a connection', { topics: 'a', connection: 'audit' }, 'there is no connection audit; known: default'],
    [
      'a property',
      { topics: 'a', properties: { 'max.poll.record': '1' } },
      'unknown consumer property; did you mean max.poll.records?',
    ],
    [
      'a property value',
      { topics: 'a', properties: { 'max.poll.records': '0' } },
      'properties max.poll.records=0: not allowed',
    ],
    [
      'settings that do not fit',
      { topics: 'a', properties: { 'heartbeat.interval.ms': '40s' } },
      'kafka.consumer.heartbeat-interval=40s: must be at most a third',
    ],
    ['batches of single records', { topics: 'a', batch: true, ackMode: 'RECORD' }, 'use BATCH'],
  ])('name %s', async (_name, options, message) => {
    await expect(start(options)).rejects.toThrow(message);
    await expect(start(options)).rejects.toMatchObject({ code: 'KAFKA_CONFIG_INVALID' });
  });

  it('come all together, before anything is opened', async () => {
    @Injectable()
    class Listener {
      @KafkaListener({ topics: '${x}' })
      one(_order: any) {}
      @KafkaListener({ topics: 'a', id: 'same' })
      two(@Ack() _ack: Acknowledgment) {}
      @KafkaListener({ topics: 'a', id: 'same' })
      three(@Payload() _order: any, _other: any) {}
    }
    await expect(startApp({ providers: [Listener] })).rejects.toThrow(/4 mistakes/);
    await expect(startApp({ providers: [Listener] })).rejects.toThrow(
      "Listener.two: parameter 1 is @Ack(), but the ack mode is BATCH; set ackMode: 'MANUAL' or 'MANUAL_IMMEDIATE'",
    );
    await expect(startApp({ providers: [Listener] })).rejects.toThrow('Listener.three: parameter 2 has no decorator');
    await expect(startApp({ providers: [Listener] })).rejects.toThrow('the listener id same is taken by Listener.two');
  });

  it('ask for a group where there is none', async () => {
    await expect(start({ topics: 'a' }, { 'kafka.consumer.group-id': '' })).rejects.toThrow(
      'groupId: no consumer group; give groupId or id, or set kafka.consumer.group-id',
    );
  });

  it('are notices where they may be meant: manual acknowledgment without @Ack()', async () => {
    await start({ topics: 'a', ackMode: 'manual-immediate' });
    expect(running!.logger.lines.join('\n')).toContain('the ack mode is MANUAL_IMMEDIATE, but no parameter is @Ack()');
  });

  it('leave what is right alone: placeholders, defaults from the configuration, auto-commit by time', async () => {
    await start(
      { topics: '${t},c', workers: '${w}', order: 'key', properties: { 'max.poll.records': 7 } },
      { t: 'a,b', w: '8', 'kafka.listener.concurrency': '2', 'kafka.consumer.enable-auto-commit': 'true' },
    );
    const { endpoint } = running!.app.get(ContainerRegistry).get('Listener.handle');
    expect(endpoint).toMatchObject({
      topics: ['a', 'b', 'c'],
      groupId: 'test',
      concurrency: 2,
      workers: 8,
      order: 'key',
      gapMap: true,
      ackMode: 'TIME',
      ackTimeMs: 5_000,
    });
    expect(running!.logger.lines.join('\n')).toContain(
      'enable-auto-commit=true means for @KafkaListener of Listener.handle',
    );
  });
});
