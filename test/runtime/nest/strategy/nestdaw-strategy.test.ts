import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  type INestApplication,
  Inject,
  Injectable,
  type ModuleMetadata,
  Scope,
  UseFilters,
  UseInterceptors,
  UsePipes,
  ValidationPipe,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import {
  type ClientKafka,
  Ctx,
  type KafkaContext,
  KafkaRetriableException,
  Payload,
  RpcException,
  Transport,
} from '@nestjs/microservices';
import { IsPositive } from 'class-validator';
import { Kafka } from 'kafkajs';
import { concat, delay, EMPTY, firstValueFrom, of, tap, toArray } from 'rxjs';
import { until } from '../../../../src/testing/index.js';
import { type BrokerApp, records } from '../../../support/broker-app.js';
import {
  askingClient,
  EventPattern,
  endAll,
  MessagePattern,
  type StrategyOptions,
  serveByStrategy,
} from '../../../support/strategy-app.js';
import { startTestKafka, type TestKafka } from '../../../support/test-kafka.js';

// An application written for Nest's own Kafka transport, served by our containers, asked by Nest's own client.

class Order {
  @IsPositive()
  amount!: number;
}

let kafka: TestKafka;
let app: INestApplication;
let logger: BrokerApp['logger'];
const clients: ClientKafka[] = [];

beforeEach(async () => {
  kafka = await startTestKafka({ orders: 2, sum: 1, refunds: 1, 'sum.reply': 1, 'ask.reply': 1, ask: 1 });
});

afterEach(async () => {
  await endAll(clients, app);
  await kafka.stop();
});

async function serve(metadata: ModuleMetadata, options: StrategyOptions = {}) {
  const made = (parts: BrokerApp) => ({ app, logger } = parts);
  return (await serveByStrategy(kafka, metadata, { ...options, made })).registry;
}

async function client(...answered: string[]): Promise<ClientKafka> {
  const made = await askingClient(kafka, ...answered);
  clients.push(made);
  return made;
}

describe('NestdawStrategy', () => {
  it('serves event handlers: payload, pipes, context, several on one topic', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Orders {
      @EventPattern('orders')
      @UsePipes(new ValidationPipe({ transform: true }))
      first(@Payload() order: Order, @Ctx() context: KafkaContext) {
        const { key, headers, offset, value } = context.getMessage() as unknown as Record<string, any>;
        seen.push([order instanceof Order, order.amount, key, { ...headers }, offset, value]);
        seen.push([context.getTopic(), context.getPartition(), context.getArgByIndex(2)]);
      }
      @EventPattern('orders')
      async second(@Payload() order: Order) {
        seen.push(['second', order.amount]);
      }
      @EventPattern('orders', Transport.TCP)
      elsewhere() {
        seen.push('not ours');
      }
    }
    const registry = await serve({ controllers: [Orders] });
    await kafka.produce('orders', 1, records([{ amount: 3 }], [{ key: 'trace', value: Buffer.from('t') }]));
    await kafka.untilConsumed('test', 'orders');
    expect(seen).toHaveLength(3);
    expect(seen).toEqual(
      expect.arrayContaining([
        [true, 3, 'k0', { trace: 't' }, '0', { amount: 3 }],
        ['orders', 1, 'orders'],
        ['second', 3],
      ]),
    );
    expect(registry.list().map(({ id, endpoint }) => [id, endpoint.groupId, endpoint.topics])).toEqual([
      ['microservice', 'test', ['orders']],
    ]);
  });

  it("answers Nest's own client: values, streams, errors", async () => {
    @Controller()
    class Sums {
      @MessagePattern('sum')
      sum(@Payload() numbers: number[]) {
        if (numbers.length === 0) throw new RpcException('nothing to add');
        if (numbers.length === 1) return of(numbers[0], 10).pipe(delay(5));
        if (numbers.length === 3) return concat(of(1), of(2), of(3));
        if (numbers.length === 4) return EMPTY;
        return Promise.resolve({
          key: 'k',
          value: { total: numbers.reduce((a, b) => a + b) },
          headers: { unit: 'EUR' },
        });
      }
    }
    await serve({ controllers: [Sums] });
    const asking = await client('sum');
    const ask = (numbers: number[]) => firstValueFrom(asking.send('sum', numbers).pipe(toArray()));
    expect(await ask([1, 2])).toEqual([{ total: 3 }]);
    expect(await ask([7])).toEqual(['7', '10']);
    expect(await ask([1, 1, 1])).toEqual(['1', '2', '3']);
    await expect(ask([])).rejects.toMatchObject({ message: 'nothing to add' });
    expect(await ask([1, 1, 1, 1])).toEqual([null]);
    await kafka.untilConsumed('test', 'sum');
    const replies = await kafka.records('sum.reply');
    expect(replies[0]!.headers.map(({ key }) => key)).toEqual([
      'unit',
      'kafka_correlationId',
      'kafka_nest-is-disposed',
    ]);
    expect(replies[0]!.key!.toString()).toBe('k');
  }, 20_000);

  it('counts a request as finished only when its reply is stored', async () => {
    @Controller()
    class Asked {
      @MessagePattern('ask')
      ask() {
        return 'x'.repeat(2_000);
      }
    }
    const calls: string[] = [];
    const registry = await serve(
      { controllers: [Asked] },
      { properties: { 'kafka.producer.properties.max.request.size': '1000' } },
    );
    registry.onEvent((event) => void (event.type === 'failed' && calls.push((event.error as { code: string }).code)));
    await kafka.produce('ask', 0, [
      {
        ...records([1])[0]!,
        headers: [
          { key: 'kafka_correlationId', value: Buffer.from('c1') },
          { key: 'kafka_replyTopic', value: Buffer.from('ask.reply') },
          { key: 'kafka_replyPartition', value: Buffer.from([0, 0, 0, 0]) },
        ],
      },
    ]);
    await until(() => calls.length > 0, { what: 'the failed reply' });
    expect(calls[0]).toBe('KAFKA_RECORD_TOO_LARGE');
    expect(await kafka.committed('test', 'ask')).toEqual([0]);
  });

  it('retries what an event handler throws, and what asks for it', async () => {
    const seen: string[] = [];
    @Controller()
    class Failing {
      @EventPattern('orders')
      async event() {
        seen.push('event');
        if (seen.filter((one) => one === 'event').length < 3) throw new Error('not yet');
      }
      @MessagePattern('sum')
      request() {
        seen.push('request');
        if (seen.filter((one) => one === 'request').length < 2) throw new KafkaRetriableException('again');
        return 5;
      }
    }
    await serve({ controllers: [Failing] });
    await kafka.produce('orders', 0, records([1]));
    await kafka.untilConsumed('test', 'orders');
    const asking = await client('sum');
    expect(await firstValueFrom(asking.send('sum', 1))).toBe('5');
    expect([...seen].sort()).toEqual(['event', 'event', 'event', 'request', 'request']);
  }, 20_000);

  it('gives a handler a group and workers of its own where its extras ask', async () => {
    const seen: string[] = [];
    @Controller()
    class Both {
      @EventPattern('orders')
      shared() {
        seen.push('shared');
      }
      @EventPattern('orders', { groupId: 'audit', workers: 4, order: 'key' })
      audit() {
        seen.push('audit');
      }
      @EventPattern(/^ref/, { id: 'refunds', filter: () => true })
      refunds(@Ctx() context: KafkaContext) {
        seen.push(context.getTopic());
      }
    }
    const registry = await serve(
      { controllers: [Both] },
      { strategy: (one) => one.with({ id: 'all', concurrency: 2, groupId: 'shop' }) },
    );
    expect(
      registry.list().map(({ id, endpoint }) => [id, endpoint.groupId, endpoint.concurrency, endpoint.workers]),
    ).toEqual([
      ['all', 'shop', 2, undefined],
      ['microservice-orders', 'audit', 2, 4],
      ['refunds', 'shop', 2, undefined],
    ]);
    await kafka.produce('orders', 0, records([1]));
    await kafka.produce('refunds', 0, records([1]));
    await kafka.untilConsumed('shop', 'orders');
    await kafka.untilConsumed('audit', 'orders');
    await kafka.untilConsumed('shop', 'refunds');
    expect([...seen].sort()).toEqual(['audit', 'refunds', 'shared']);
  });

  it('knows expressions beside names, anywhere in the topic; a name counts first', async () => {
    const seen: string[] = [];
    @Controller()
    class Mixed {
      @EventPattern(/und/)
      expression(@Ctx() context: KafkaContext) {
        seen.push(`expression ${context.getTopic()}`);
      }
      @EventPattern('orders')
      name() {
        seen.push('name');
      }
    }
    const registry = await serve({ controllers: [Mixed] });
    expect(registry.list()).toHaveLength(1);
    await kafka.produce('refunds', 0, records([1]));
    await kafka.produce('orders', 0, records([1]));
    await kafka.untilConsumed('test', 'refunds');
    await kafka.untilConsumed('test', 'orders');
    expect([...seen].sort()).toEqual(['expression refunds', 'name']);
  });

  it('lets handlers use consumer, producer and heartbeat of the context, and be scoped per request', async () => {
    const seen: unknown[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class PerMessage {
      constructor(@Inject(REQUEST) readonly request: { data: unknown }) {}
    }
    @Controller()
    class Scoped {
      constructor(private readonly own: PerMessage) {}
      @EventPattern('orders')
      @UseInterceptors({ intercept: (_context, next) => next.handle().pipe(tap(() => seen.push('after'))) })
      async handle(@Ctx() context: KafkaContext) {
        await context.getHeartbeat()();
        await context.getProducer().send({ topic: 'refunds', messages: [{ key: 'a', value: { b: 1 } as never }] });
        const { topic, partition } = { topic: context.getTopic(), partition: context.getPartition() };
        // Never more than is finished, and this one is not.
        await context.getConsumer().commitOffsets([{ topic, partition, offset: '1' }]);
        seen.push(await kafka.committed('test', 'orders'));
        context.getConsumer().pause([{ topic }]);
        seen.push(context.getConsumer().paused().length);
        context.getConsumer().resume([{ topic }]);
        seen.push(context.getConsumer().paused().length);
        seen.push(this.own.request.data);
      }
    }
    await serve({ controllers: [Scoped], providers: [PerMessage] });
    await kafka.produce('orders', 0, records([{ n: 1 }]));
    await kafka.untilConsumed('test', 'orders');
    expect(seen).toEqual([[0, 0], 2, 0, { n: 1 }, 'after']);
    const [sent] = await kafka.records('refunds');
    expect([sent!.key!.toString(), sent!.value!.toString()]).toEqual(['a', '{"b":1}']);
  });

  it('may be connected before the application is initialised, and ends with it', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Early {
      @EventPattern('orders')
      handle(@Payload() value: unknown) {
        seen.push(value);
      }
    }
    const registry = await serve({ controllers: [Early] }, { before: true });
    const [container] = registry.list();
    expect(container!.state).toBe('running');
    await kafka.produce('orders', 0, records([null, 'text', [1]]));
    await kafka.untilConsumed('test', 'orders');
    // A tombstone has no payload: handlers get the whole message, as Nest's transport does it.
    expect(seen[0]).toMatchObject({ topic: 'orders', value: null, key: 'k0' });
    expect(seen.slice(1)).toEqual(['text', [1]]);
    await app.close();
    expect(container!.state).toBe('stopped');
    expect(registry.list()).toEqual([]);
  });

  it('keeps exception filters, and says what went wrong once', async () => {
    const seen: string[] = [];
    const noting = {
      catch(error: Error) {
        seen.push(`filter ${error.message}`);
        return of('handled');
      },
    };
    @Controller()
    class Filtered {
      @EventPattern('orders')
      @UseFilters(noting)
      handle() {
        throw new Error('boom');
      }
    }
    await serve({ controllers: [Filtered] });
    await kafka.produce('orders', 0, records([1]));
    await kafka.untilConsumed('test', 'orders');
    expect(seen).toEqual(['filter boom']);
    expect(logger.lines.filter((line) => line.includes('failed'))).toEqual([]);
  });

  it('refuses what cannot be a topic, and a group that is none', async () => {
    @Controller()
    class Objects {
      @MessagePattern({ cmd: 'sum' })
      sum() {}
    }
    await expect(serve({ controllers: [Objects] })).rejects.toThrow('the pattern {"cmd":"sum"} is no topic');
    await app.close();
    @Controller()
    class Fine {
      @EventPattern('orders')
      handle() {}
    }
    await expect(serve({ controllers: [Fine] }, { properties: { 'kafka.consumer.group-id': '' } })).rejects.toThrow(
      '@KafkaListener of microservice: groupId: no consumer group',
    );
  });

  it('serves what kafkajs sends', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Plain {
      @EventPattern('orders')
      handle(@Payload() value: unknown) {
        seen.push(value);
      }
    }
    await serve({ controllers: [Plain] });
    const producer = new Kafka({ brokers: [kafka.bootstrapServers], logLevel: 0 }).producer();
    await producer.connect();
    await producer.send({ topic: 'orders', messages: [{ value: '{"a":1}' }] });
    await producer.disconnect();
    await until(() => seen.length === 1, { what: 'the record' });
    expect(seen).toEqual([{ a: 1 }]);
  });
});
