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
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, REQUEST } from '@nestjs/core';
import { tap } from 'rxjs';
import { Header, KafkaListener, KafkaListenerContext, Key, Payload } from '../../../../src/index.js';
import { failureOf, listenerOf } from '../../../support/listener-app.js';
import { GOOD, OrderPlaced } from '../../../support/order-placed.js';

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
