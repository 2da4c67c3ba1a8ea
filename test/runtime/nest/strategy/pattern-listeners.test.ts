import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, type INestApplication, UseFilters, UsePipes, ValidationPipe } from '@nestjs/common';
import {
  type ClientKafka,
  Ctx,
  type KafkaContext,
  KafkaRetriableException,
  Payload,
  RpcException,
  Transport,
} from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { IsPositive } from 'class-validator';
import { concat, firstValueFrom, of, throwError, toArray } from 'rxjs';
import {
  defaultErrorHandler,
  KafkaListenerContext,
  type KafkaListenerOptions,
  type ListenerEvent,
  type NestdawStrategy,
} from '../../../../src/index.js';
import { until } from '../../../../src/testing/index.js';
import { records } from '../../../support/broker-app.js';
import { askingClient, EventPattern, endAll, MessagePattern, serveByStrategy } from '../../../support/strategy-app.js';
import { startTestKafka, type TestKafka } from '../../../support/test-kafka.js';

// What the containers give to handlers written for Nest's own Kafka transport: the same calls, groups of their own,
// retries, dead letters.

let kafka: TestKafka;
let app: INestApplication | undefined;
const clients: ClientKafka[] = [];

const open = async () => {
  kafka = await startTestKafka({ orders: 1, sum: 1, 'sum.reply': 2, refunds: 1, lost: 1 });
};
const end = async () => {
  await endAll(clients, app);
  app = undefined;
  await kafka.stop();
};

beforeEach(open);
afterEach(end);

async function serve(...given: Parameters<typeof serveByStrategy> extends [unknown, ...infer Rest] ? Rest : never) {
  const parts = await serveByStrategy(kafka, ...given);
  app = parts.app;
  return parts;
}

async function client(): Promise<ClientKafka> {
  const made = await askingClient(kafka, 'sum');
  clients.push(made);
  return made;
}

/** A request as clients send it, to a partition of the reply topic. */
const request = (value: unknown, partition = 0) =>
  records(
    [value],
    [
      { key: 'kafka_correlationId', value: Buffer.from('c1') },
      { key: 'kafka_replyTopic', value: Buffer.from('sum.reply') },
      { key: 'kafka_replyPartition', value: Buffer.from(String(partition)) },
    ],
  );

class Order {
  @IsPositive()
  amount!: number;
}

describe("an application written for Nest's own transport", () => {
  const seen: unknown[] = [];

  @Controller()
  class Shop {
    @EventPattern('orders')
    @UsePipes(new ValidationPipe({ transform: true }))
    placed(@Payload() order: Order, @Ctx() context: KafkaContext) {
      const { timestamp, ...rest } = context.getMessage() as unknown as Record<string, any>;
      const { topic, partition, key, value, headers, offset, attributes } = rest;
      seen.push([order instanceof Order, order, typeof timestamp, { ...headers }]);
      seen.push([topic, partition, key, value, offset, attributes, context.getTopic(), context.getPartition()]);
    }
    @EventPattern('orders')
    audited(@Payload('amount') amount: number) {
      seen.push(['audited', amount]);
    }
    @EventPattern('refunds')
    refunded(@Payload() refund: any) {
      // A tombstone: the whole message, which has more of kafkajs there.
      const { topic, partition, offset, key, value } = refund;
      seen.push(['refunded', typeof topic === 'string' ? { topic, partition, offset, key, value } : refund]);
    }
    @MessagePattern('sum')
    @UseFilters({ catch: (error: Error) => throwError(() => ({ status: 'error', message: error.message })) })
    sum(@Payload() numbers: any, @Ctx() context: KafkaContext) {
      if (numbers === 'fail') throw new RpcException('nothing to add');
      if (numbers === 'break') throw new TypeError('broken');
      if (numbers === 'stream') return concat(of(1), of({ last: true }));
      if (numbers.by !== undefined) return { key: 'k', value: numbers, headers: { by: context.getTopic() } };
      return Promise.resolve(numbers.reduce((a: number, b: number) => a + b, 0));
    }
  }

  /** What its handlers see and its clients get, with the transport that `connect` gives it. */
  async function run(start: () => Promise<INestApplication>) {
    seen.length = 0;
    const trace = [{ key: 'trace', value: Buffer.from('{"t":1}') }];
    await kafka.produce('orders', 0, records([{ amount: 3 }], trace));
    await kafka.produce('refunds', 0, records(['text', [1, 2], '{half', null]));
    app = await start();
    const asking = await client();
    const ask = (value: unknown) =>
      firstValueFrom(asking.send('sum', value as never).pipe(toArray())).catch((error: unknown) => ({ error }));
    const replies = [];
    for (const value of [[1, 2], 'fail', 'break', 'stream', { by: 'ada' }]) replies.push(await ask(value));
    await until(() => seen.length >= 7, { what: 'the events', timeoutMs: 20_000 });
    const stored = (await kafka.records('sum.reply')).map(({ key, value, headers }) => {
      const names = headers.map((header) => header.key);
      return [key?.toString(), value?.toString(), names.sort().join()];
    });
    return { seen: [...seen].map((one) => JSON.stringify(one)).sort(), replies, stored };
  }

  it('sees and answers what it did there', async () => {
    const theirs = await run(async () => {
      const module = await Test.createTestingModule({ controllers: [Shop] }).compile();
      const made = module.createNestApplication({ logger: false });
      const consumer = { groupId: 'theirs', heartbeatInterval: 100, maxWaitTimeInMs: 50 };
      const client = { brokers: [kafka.bootstrapServers], logLevel: 0 };
      const options = { client, consumer, subscribe: { fromBeginning: true } };
      made.connectMicroservice({ transport: Transport.KAFKA, options });
      await made.startAllMicroservices();
      return made.init();
    });
    await end();
    await open();
    const properties = { 'kafka.consumer.auto-offset-reset': 'earliest' };
    const ours = await run(async () => (await serve({ controllers: [Shop] }, { properties })).app);
    expect(ours).toEqual(theirs);
    expect(ours.replies[0]).toEqual(['3']);
  }, 60_000);
});

describe('handlers of patterns', () => {
  it('have dead letters and retries as their listener says, each of its own or all together', async () => {
    const calls: string[] = [];
    const always = (what: string, error: Error) => {
      calls.push(what);
      throw error;
    };
    @Controller()
    class Failing {
      @EventPattern('orders', { deadLetters: true, id: 'own', groupId: 'own' })
      own() {
        always('own', new Error('never'));
      }
      @EventPattern('refunds')
      shared() {
        always('shared', new Error('never'));
      }
      @MessagePattern('sum')
      request() {
        always('request', new KafkaRetriableException('never'));
      }
    }
    const commonErrorHandler = defaultErrorHandler({ retries: 1 });
    await serve(
      { controllers: [Failing] },
      { strategy: (one) => one.with({ deadLetters: 'lost', commonErrorHandler }) },
    );
    await kafka.produce('orders', 0, records([{ n: 1 }]));
    await kafka.produce('refunds', 0, records([{ n: 2 }]));
    await kafka.produce('sum', 0, request({ n: 3 }));
    const letters = await kafka.untilRecords('orders-dlt', 1);
    const lost = await kafka.untilRecords('lost', 2);
    expect([...letters, ...lost].map(({ value }) => value!.toString()).sort()).toEqual(
      [1, 2, 3].map((n) => `{"n":${n}}`),
    );
    const origin = letters[0]!.headers.find(({ key }) => key === 'kafka_dlt-original-topic');
    expect(origin?.value?.toString()).toBe('orders');
    await kafka.untilConsumed('own', 'orders');
    await kafka.untilConsumed('test', 'refunds');
    await kafka.untilConsumed('test', 'sum');
    // Ten deliveries by default; what all of them share says two.
    const count = (what: string) => calls.filter((one) => one === what).length;
    expect([count('own'), count('shared'), count('request')]).toEqual([2, 2, 2]);
    // Nobody was told by a reply: the record was to be handled again.
    expect(await kafka.records('sum.reply')).toEqual([]);
  });

  it('of a group of their own hold up nobody else, and are held up by nobody', async () => {
    const seen: string[] = [];
    let letGo = (): void => undefined;
    const hanging = new Promise<void>((resolve) => (letGo = resolve));
    @Controller()
    class Both {
      @EventPattern('orders', { groupId: 'audit' })
      async audit() {
        seen.push('audit');
        await hanging;
      }
      @EventPattern('orders')
      shared() {
        seen.push('shared');
      }
    }
    await serve({ controllers: [Both] });
    await kafka.produce('orders', 0, records([1, 2, 3]));
    await kafka.untilConsumed('test', 'orders');
    await until(() => seen.includes('audit'), { what: 'the one that hangs' });
    expect([...seen].sort()).toEqual(['audit', 'shared', 'shared', 'shared']);
    expect(await kafka.committed('audit', 'orders')).toEqual([0]);
    letGo();
    await kafka.untilConsumed('audit', 'orders');
    expect(seen.filter((one) => one === 'audit')).toHaveLength(3);
  });

  it('have filter, error handler, context and interceptors of their listener', async () => {
    const seen: unknown[] = [];
    const options: Partial<KafkaListenerOptions> = {
      id: 'own',
      asyncContext: true,
      filter: ({ offset }) => offset !== 1,
      errorHandler: (error, context: KafkaListenerContext) =>
        void seen.push([(error as Error).message, context.offset]),
      interceptors: [{ success: ({ offset }: { offset: number }) => void seen.push(['success', offset]) }],
    };
    @Controller()
    class Own {
      @EventPattern('orders', options)
      async own(@Payload() value: string) {
        seen.push(KafkaListenerContext.current()?.offset);
        if (value === '3') throw new RpcException('three');
      }
    }
    await serve({ controllers: [Own] });
    await kafka.produce('orders', 0, records([1, 2, 3]));
    await kafka.untilConsumed('test', 'orders');
    expect(seen).toEqual([0, ['success', 0], 2, ['three', 2], ['success', 2]]);
  });

  it('say which options have no effect', async () => {
    @Controller()
    class Own {
      @EventPattern('orders', { batch: true, id: 'own', team: 'eu' })
      own() {}
    }
    const strategy = (one: NestdawStrategy) => one.with({ sendTo: 'x', workers: 2 } as never);
    const { logger, registry } = await serve({ controllers: [Own] }, { strategy });
    const why = 'has no effect under NestdawStrategy: handlers of patterns read single records';
    const told = logger.lines.filter((line) => line.includes('no effect under'));
    expect(told).toEqual([
      expect.stringContaining(`sendTo of with(…) ${why}`),
      expect.stringContaining(`batch of orders ${why}`),
    ]);
    expect(registry.get('own').endpoint).toMatchObject({ workers: 2, handler: { kind: 'record' } });
  });

  it('are asked for a reply only where there is an address, and answer to the partition that was named', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Sums {
      @MessagePattern('sum')
      sum(@Payload() value: number) {
        seen.push(value);
        return value + 1;
      }
    }
    await serve({ controllers: [Sums] });
    const [plain] = records([5]);
    await kafka.produce('sum', 0, [plain!, ...request(6, 1)]);
    await kafka.untilConsumed('test', 'sum');
    expect(seen).toEqual(['5', '6']);
    const replies = await kafka.records('sum.reply');
    expect(replies.map(({ partition, value }) => [partition, value!.toString()])).toEqual([[1, '61']]);
  });

  it('commit a request when its last reply is stored, not before', async () => {
    let letGo = (): void => undefined;
    const later = new Promise<number>((resolve) => (letGo = () => resolve(2)));
    @Controller()
    class Sums {
      @MessagePattern('sum')
      sum() {
        return concat(of(1), later);
      }
    }
    const events: ListenerEvent[] = [];
    const { registry } = await serve({ controllers: [Sums] });
    registry.onEvent((event) => events.push(event));
    await kafka.produce('sum', 0, request(1));
    await kafka.untilRecords('sum.reply', 1);
    await registry.get('microservice').commit();
    expect(await kafka.committed('test', 'sum')).toEqual([0]);
    letGo();
    await kafka.untilConsumed('test', 'sum');
    expect((await kafka.records('sum.reply')).map(({ value }) => value?.toString())).toEqual(['1', '2']);
    expect(events.some(({ type }) => type === 'failed')).toBe(false);
  });

  it('stand within the hooks that instrumentation sets, and tell when the transport is there', async () => {
    const log: string[] = [];
    @Controller()
    class Own {
      @EventPattern('orders')
      own() {
        log.push('handled');
      }
    }
    const strategy = (one: NestdawStrategy) => {
      one.status.subscribe((status) => log.push(status));
      one.setOnProcessingStartHook((transportId, _context, handle) => {
        log.push(`start ${String(transportId)}`);
        return handle();
      });
      one.setOnProcessingEndHook((transportId) => void log.push(`end ${String(transportId)}`));
      return one;
    };
    const { app: own } = await serve({ controllers: [Own] }, { strategy });
    await kafka.produce('orders', 0, records([1]));
    await kafka.untilConsumed('test', 'orders');
    await own.close();
    app = undefined;
    expect(log).toEqual(['connected', 'start 5', 'handled', 'end 5', 'disconnected']);
  });

  it('that answer to one pattern are one: the last; expressions of different flags cannot share a listener', async () => {
    const seen: string[] = [];
    @Controller()
    class Twice {
      @MessagePattern('sum')
      first() {
        seen.push('first');
      }
      @MessagePattern('sum')
      second() {
        seen.push('second');
      }
    }
    await serve({ controllers: [Twice] });
    await kafka.produce('sum', 0, records([1]));
    await kafka.untilConsumed('test', 'sum');
    expect(seen).toEqual(['second']);
    await app!.close();
    @Controller()
    class Flags {
      @EventPattern(/a/)
      one() {}
      @EventPattern(/b/i)
      two() {}
    }
    const made = ({ app: own }: { app: INestApplication }) => (app = own);
    await expect(serve({ controllers: [Flags] }, { made })).rejects.toThrow(
      'the patterns /a/, /b/i have different flags',
    );
  });
});
