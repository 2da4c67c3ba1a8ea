import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type ArgumentMetadata,
  BadRequestException,
  type CallHandler,
  type CanActivate,
  Catch,
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
import {
  APP_FILTER,
  APP_GUARD,
  APP_INTERCEPTOR,
  APP_PIPE,
  ExternalContextCreator,
  ModuleRef,
  REQUEST,
} from '@nestjs/core';
import { tap } from 'rxjs';
import { Header, KafkaHandler, KafkaListener, KafkaListenerContext, Key, Payload } from '../../../../src/index.js';
import { callHandler } from '../../../support/handler-calls.js';
import { failureOf, listenerOf } from '../../../support/listener-app.js';
import { GOOD, OrderPlaced } from '../../../support/order-placed.js';

/** Tells of each call of a method, until it is restored. */
function spied(holder: object, name: string, tell: (...args: any[]) => void): () => void {
  const own = Object.getOwnPropertyDescriptor(holder, name);
  const original = (holder as Record<string, (...args: any[]) => unknown>)[name]!;
  function spy(this: unknown, ...args: unknown[]): unknown {
    tell(...args);
    return original.apply(this, args);
  }
  Object.defineProperty(holder, name, { value: spy, configurable: true, writable: true });
  return () => {
    if (own) Object.defineProperty(holder, name, own);
    else Reflect.deleteProperty(holder, name);
  };
}

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
    expect(await failureOf(run({ value: GOOD, headers: bad }))).toBeInstanceOf(BadRequestException);
  });

  it('are worked out once, at start: a record looks nothing up, reads no metadata and compiles nothing', async () => {
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders', id: 'plain' })
      plain(@Payload() order: OrderPlaced, @Key() key: string, @Header('count') count: number) {
        calls.push(`plain ${order.amount} ${key} ${count}`);
      }
      @UseGuards(Guard)
      @UseInterceptors(Interceptor)
      @UsePipes(Doubling)
      @KafkaListener({ topics: 'orders', id: 'enhanced' })
      async enhanced(@Payload() order: OrderPlaced, @Header('count', ParseIntPipe) count: string) {
        calls.push(`enhanced ${order.amount} ${count}`);
      }
    }
    @Injectable()
    @KafkaListener({ topics: 'orders', id: 'class' })
    class ByClass {
      @KafkaHandler({ isDefault: true })
      any(order: OrderPlaced) {
        calls.push(`class ${order.amount}`);
      }
    }
    const { app } = await listenerOf(Listener, 'plain', { providers: [ByClass] });
    const ids = ['plain', 'enhanced', 'class'];
    const headers = [{ key: 'count', value: Buffer.from('7') }];
    const record = { value: GOOD, key: Buffer.from('k'), headers };
    // What class-transformer and class-validator keep of a class is made at its first instance.
    for (const id of ids) await callHandler(app, id, record);
    calls.length = 0;
    const counts = { compiled: 0, resolved: 0, read: 0 };
    const spies = [
      spied(ExternalContextCreator.prototype, 'create', () => counts.compiled++),
      spied(ModuleRef.prototype, 'get', () => counts.resolved++),
      spied(ModuleRef.prototype, 'resolve', () => counts.resolved++),
      spied(app.get(ModuleRef), 'get', () => counts.resolved++),
      spied(Reflect, 'getMetadata', (key) => {
        // class-transformer asks for the declared types of properties at each instance.
        if (key !== 'design:type') counts.read++;
      }),
    ];
    try {
      for (let at = 0; at < 50; at++)
        for (const id of ids) expect(await callHandler(app, id, record)).toEqual({ status: 'done' });
    } finally {
      for (const restore of spies) restore();
    }
    expect(calls.filter((line) => line.startsWith('plain'))).toHaveLength(50);
    expect(calls.filter((line) => line === 'enhanced 10 7')).toHaveLength(50);
    expect(calls.filter((line) => line === 'class 5')).toHaveLength(50);
    expect(counts).toEqual({ compiled: 0, resolved: 0, read: 0 });
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
    const { run } = await listenerOf(Listener, 'Listener.handle', { providers: [PerRecord] });
    expect(await run({ value: GOOD, offset: 1 })).toEqual({ status: 'done' });
    expect(await run({ value: GOOD, offset: 2 })).toEqual({ status: 'done' });
    expect(calls).toEqual(['o1 1', 'o1 2']);
    expect(instances[0]).not.toBe(instances[1]);
  });
});
