import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { applyDecorators, Injectable, UseInterceptors } from '@nestjs/common';
import { IsPositive } from 'class-validator';
import { tap } from 'rxjs';
import {
  ContainerRegistry,
  KafkaHandler,
  KafkaListener,
  type KafkaListenerOptions,
  Key,
  Payload,
} from '../../../../src/index.js';
import { until } from '../../../../src/testing/index.js';
import { type BrokerApp, records, startOnBroker } from '../../../support/broker-app.js';
import { callHandler } from '../../../support/handler-calls.js';
import { startApp } from '../../../support/kafka-app.js';
import { startTestKafka, type TestKafka } from '../../../support/test-kafka.js';

// Classes that listen: one listener, a method by type of payload.

class OrderPlaced {
  id!: string;

  @IsPositive()
  amount!: number;
}

class OrderCancelled {
  id!: string;
}

let kafka: TestKafka;
let running: BrokerApp | undefined;
let topics = 0;

beforeAll(async () => {
  kafka = await startTestKafka();
});

afterEach(async () => {
  await running?.app.close();
  running = undefined;
});

afterAll(() => kafka.stop());

async function newTopic(): Promise<string> {
  const topic = `events-${++topics}`;
  await kafka.createTopic(topic);
  return topic;
}

const header = (type: string) => [{ key: '__TypeId__', value: Buffer.from(type) }];

describe('a class with @KafkaListener', () => {
  it('gives each record to the method for its type', async () => {
    const topic = await newTopic();
    const seen: unknown[] = [];
    @Injectable()
    @KafkaListener({ topics: topic, id: 'events' })
    class Events {
      @KafkaHandler()
      placed(@Payload() order: OrderPlaced, @Key() key: string) {
        seen.push(['placed', order instanceof OrderPlaced, order.id, key]);
      }

      @KafkaHandler({ type: ['cancelled', 'com.acme.Cancelled'] })
      cancelled(order: OrderCancelled) {
        seen.push(['cancelled', order instanceof OrderCancelled, order.id]);
      }

      @KafkaHandler({ is: (payload: { refund?: number }) => typeof payload.refund === 'number' })
      refunded(payload: { refund: number }) {
        seen.push(['refunded', payload.refund]);
      }

      @KafkaHandler({ tombstone: true })
      async gone(@Key() key: string) {
        seen.push(['gone', key]);
      }

      @KafkaHandler({ isDefault: true })
      other(text: string) {
        seen.push(['other', text]);
      }
    }
    running = await startOnBroker(kafka, { providers: [Events] });
    // By header, as Spring writes it: Java names with package, nested ones too.
    await kafka.produce(topic, 0, records([{ id: 'h', amount: 1 }], header('com.acme.events.OrderPlaced')));
    await kafka.produce(topic, 0, records([{ id: 'n' }], header('com.acme.Events$cancelled')));
    // By property, by looking, by absence, and what nobody knows.
    await kafka.produce(topic, 0, [
      ...records([
        { type: 'OrderPlaced', id: 'p', amount: 1 },
        { type: 'com.acme.Cancelled', id: 'q' },
        { refund: 7 },
        null,
        { type: 'Unknown' },
        'no json',
      ]),
    ]);
    await kafka.untilConsumed('events', topic);
    expect(seen).toEqual([
      ['placed', true, 'h', 'k0'],
      ['cancelled', true, 'n'],
      ['placed', true, 'p', 'k0'],
      ['cancelled', true, 'q'],
      ['refunded', 7],
      ['gone', 'k3'],
      ['other', '{"type":"Unknown"}'],
      ['other', 'no json'],
    ]);
  });

  it('gives an instance of a subclass to the method for it, else to that of its nearest base class', async () => {
    const topic = await newTopic();
    const seen: unknown[] = [];
    class Express extends OrderPlaced {
      @IsPositive()
      hours!: number;
    }
    class Courier extends Express {}
    class Gift extends OrderPlaced {}
    class Late extends OrderCancelled {
      @IsPositive()
      hours!: number;
    }
    @Injectable()
    @KafkaListener({ topics: topic, id: 'nearest' })
    class Orders {
      @KafkaHandler()
      placed(order: OrderPlaced) {
        seen.push(['placed', order.constructor.name, order.id]);
      }
      @KafkaHandler()
      express(order: Express) {
        seen.push(['express', order.constructor.name, order.id]);
      }
      @KafkaHandler()
      cancelled(order: OrderCancelled) {
        seen.push(['cancelled', order.constructor.name, order.id]);
      }
      @KafkaHandler({ isDefault: true })
      other(order: any) {
        seen.push(['other', order.constructor.name, order.id]);
      }
    }
    const types = { OrderPlaced, Express, Courier, Gift, Late };
    const { app } = await startApp({ providers: [Orders] }, {}, { types });
    running = { app } as unknown as BrokerApp;
    const run = (type: string, value: object) =>
      callHandler(app, 'nearest', { topic, value, headers: header(`com.acme.${type}`) });
    const good = { amount: 1, hours: 1 };
    for (const type of ['OrderPlaced', 'Express', 'Courier', 'Gift', 'Unknown']) {
      expect(await run(type, { ...good, id: type })).toEqual({ status: 'done' });
    }
    expect(await callHandler(app, 'nearest', { topic, value: { ...good, id: 'p', type: 'Gift' } })).toEqual({
      status: 'done',
    });
    expect(seen).toEqual([
      ['placed', 'OrderPlaced', 'OrderPlaced'],
      ['express', 'Express', 'Express'],
      ['express', 'Courier', 'Courier'],
      ['placed', 'Gift', 'Gift'],
      ['other', 'Object', 'Unknown'],
      ['placed', 'Gift', 'p'],
    ]);
    // Its own constraints count, and those that it inherits.
    expect(await run('Courier', { amount: 1, hours: 0 })).toMatchObject({
      error: { code: 'KAFKA_VALIDATION_FAILED', message: expect.stringContaining('hours must be a positive number') },
    });
    // Where the base class has none, too.
    expect(await run('Late', { hours: 0 })).toMatchObject({ error: { code: 'KAFKA_VALIDATION_FAILED' } });
    expect(await run('Gift', [1])).toMatchObject({ error: { code: 'KAFKA_DESERIALIZATION_FAILED' } });
  });

  it('fails, for good, what no method takes, or two do; and what is not valid', async () => {
    const topic = await newTopic();
    @Injectable()
    @KafkaListener({ topics: topic, id: 'strict', typeKey: 'kind' })
    class Strict {
      @KafkaHandler()
      placed(_order: OrderPlaced) {}

      @KafkaHandler({ is: ({ a }: { a?: number }) => a !== undefined })
      first(_payload: unknown) {}

      @KafkaHandler({ is: ({ b }: { b?: number }) => b !== undefined })
      second(_payload: unknown) {}
    }
    running = await startOnBroker(kafka, { providers: [Strict] });
    const { app } = running;
    const run = (value: unknown) => callHandler(app, 'strict', { topic, offset: 5, value });
    expect(await run({ kind: 'Nothing' })).toMatchObject({
      status: 'failed',
      error: {
        code: 'KAFKA_NO_HANDLER',
        message:
          `no method of Strict takes ${topic}-0@5: its type is Nothing (header __TypeId__, property kind; known types: ` +
          'OrderPlaced). Add a @KafkaHandler for it, or one with isDefault: true',
      },
    });
    expect(await run(null)).toMatchObject({ error: { code: 'KAFKA_NO_HANDLER' } });
    expect(await run({ a: 1, b: 2 })).toMatchObject({
      error: { message: expect.stringContaining('both Strict.first and Strict.second say that they take it') },
    });
    expect(await run({ kind: 'OrderPlaced', id: 'x', amount: 0 })).toMatchObject({
      error: { code: 'KAFKA_VALIDATION_FAILED' },
    });
    expect(await run({ b: 2 })).toEqual({ status: 'done' });
    // A failure for good is not tried again: the partition waits at once.
    await kafka.produce(topic, 0, records([{ kind: 'Nothing' }]));
    const container = running.app.get(ContainerRegistry).get('strict');
    await until(() => container.describe().consumers[0]!.counters.failed > 0, { what: 'the failure' });
    expect(container.describe().consumers[0]).toMatchObject({ counters: { failed: 1 }, partitions: [{ parked: 1 }] });
  });

  it('may be several listeners, and inherit its methods', async () => {
    const topic = await newTopic();
    const seen: string[] = [];
    abstract class Base {
      @KafkaHandler({ isDefault: true })
      any(_payload: unknown) {
        seen.push(this.constructor.name);
      }
    }
    @Injectable()
    @KafkaListener({ topics: topic, id: 'left' })
    @KafkaListener({ topics: topic, id: 'right' })
    class Twice extends Base {}
    running = await startOnBroker(kafka, { providers: [Twice] });
    await kafka.produce(topic, 0, records([1]));
    await kafka.untilConsumed('left', topic);
    await kafka.untilConsumed('right', topic);
    expect(seen).toEqual(['Twice', 'Twice']);
  });

  it('is refused when it cannot work, with class and method', async () => {
    const refusal = async (type: new () => object) => startOnBroker(kafka, { providers: [type] });
    @Injectable()
    @KafkaListener({ topics: 'a' })
    class Empty {}
    await expect(refusal(Empty)).rejects.toThrow('Empty: no method is a @KafkaHandler');
    @Injectable()
    class Stray {
      @KafkaHandler()
      one(_a: OrderPlaced) {}
    }
    await expect(refusal(Stray)).rejects.toThrow('Stray.one: @KafkaHandler belongs to a class with @KafkaListener');
    @Injectable()
    @KafkaListener({ topics: 'a', batch: true })
    class Bad {
      @KafkaHandler()
      one(_a: OrderPlaced) {}
      @KafkaHandler()
      two(_a: OrderPlaced) {}
      @KafkaHandler()
      three(_a: any) {}
      @KafkaHandler({ isDefault: true })
      four(_a: any, _b: any) {}
      @KafkaHandler({ isDefault: true })
      five(_a: any) {}
    }
    const error = await refusal(Bad).catch((thrown: Error) => thrown.message);
    for (const part of [
      '@KafkaListener of Bad: batch: the methods of a class get records one by one',
      'Bad.two: takes OrderPlaced, as Bad.one does',
      'Bad.three: nothing says which payloads it takes',
      'Bad.four: parameter 2 has no decorator',
      'Bad.five: isDefault is said by Bad.four already',
    ]) {
      expect(error).toContain(part);
    }
  });
});

describe('decorators composed of @KafkaListener', () => {
  it('work on methods and classes', async () => {
    const topic = await newTopic();
    const seen: string[] = [];
    const log = {
      intercept: (_: unknown, next: { handle(): any }) => next.handle().pipe(tap(() => seen.push('after'))),
    };
    const Billing = (options: Partial<KafkaListenerOptions> = {}) =>
      applyDecorators(KafkaListener({ topics: topic, groupId: 'billing', ...options }), UseInterceptors(log));
    @Injectable()
    class Listener {
      @Billing({ id: 'composed' })
      handle(value: number) {
        seen.push(`handle ${value}`);
      }
    }
    @Injectable()
    @Billing({ id: 'composed-class', groupId: 'class' })
    class ByClass {
      @KafkaHandler({ isDefault: true })
      handle(value: number, @Key() _key: string) {
        seen.push(`class ${value}`);
      }
    }
    running = await startOnBroker(kafka, { providers: [Listener, ByClass] });
    await kafka.produce(topic, 0, records([1]));
    await kafka.untilConsumed('billing', topic);
    await kafka.untilConsumed('class', topic);
    expect([...seen].sort()).toEqual(['after', 'after', 'class 1', 'handle 1']);
  });
});
