// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of properties, not of templates
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type OnModuleInit, Scope } from '@nestjs/common';
import { deferred } from '../../../../src/common/lifecycle.js';
import { Producer, RecordToSend } from '../../../../src/decorators/index.js';
import { type TopicSender } from '../../../../src/runtime/nest/sending/topic-sender.js';
import { type KafkaApp, startApp } from '../../../support/kafka-app.js';
import { flush } from '../../../support/manual-clock.js';

// What @Producer makes of what a method returns, and what it puts on properties.

interface Order {
  readonly id: number;
  readonly customer: { readonly id: string; readonly region?: string; readonly shard?: number };
}

const order = (id: number, more: object = {}): Order => ({ id, customer: { id: `c${id}`, ...more } });

@Injectable()
class Orders implements OnModuleInit {
  @Producer({ topic: '${topic}', key: 'customer.id' })
  private readonly sender!: TopicSender<Order>;
  events: string[] = [];

  async onModuleInit() {
    await this.sender.send(order(0));
  }

  get orders() {
    return this.sender;
  }

  @Producer({ topic: 'many', key: (value: Order) => value.customer.id })
  async several(count: number): Promise<Order[]> {
    return Array.from({ length: count }, (_, i) => order(i));
  }

  @Producer({ topic: 'one', splitIterables: false })
  async list() {
    return [1, 2];
  }

  @Producer({
    topic: { property: 'topic' },
    key: '${key-property}',
    partition: { property: 'customer.shard' },
    headers: {
      source: 'shop-${region}',
      region: { property: 'customer.region' },
      size: (value: Order) => value.id * 10,
      flag: true,
    },
  })
  async full() {
    return { ...order(3, { region: 'eu', shard: 2 }), topic: 'by-property' };
  }

  @Producer({ topic: (value: Order) => `region-${value.customer.region}`, partition: '${fixed}' })
  async routed(region: string) {
    return order(1, { region });
  }

  @Producer({ topic: 'records', key: 'id', headers: { a: '1', b: '2' } })
  async records() {
    return [
      new RecordToSend({ id: 1 }, { key: 'own', partition: 1, headers: { b: 'own', c: '3' }, timestamp: 5 }),
      new RecordToSend({ id: 2 }, { topic: 'elsewhere' }),
      { id: 3 },
      new RecordToSend(null, { key: 'gone' }),
    ];
  }

  @Producer({ topic: 'stream', key: 'id' })
  async *stream(count: number) {
    for (let id = 0; id < count; id++) {
      this.events.push(`taken ${id}`);
      yield { id };
    }
  }

  @Producer({ topic: 'stream' })
  async promised() {
    return this.inner();
  }

  private async *inner() {
    yield 'a';
    yield 'b';
  }
}

const PROPERTIES = { topic: 'orders', 'key-property': 'customer.id', region: 'eu', fixed: '1' };
const text = (bytes: Buffer | null | undefined) => bytes?.toString() ?? null;

describe('@Producer', () => {
  let running: KafkaApp | undefined;

  afterEach(async () => {
    await running?.app.close();
    running = undefined;
  });

  async function start() {
    running = await startApp({ providers: [Orders] }, PROPERTIES);
    const { app, producer } = running;
    const service = app.get(Orders);
    const sent = () =>
      producer.sent.slice(1).map(({ topic, partition, key, value }) => [topic, partition, text(key), text(value)]);
    return { service, producer, sent };
  }

  it('puts a typed sender on a property, from onModuleInit on', async () => {
    const { service, producer, sent } = await start();
    expect(producer.sent[0]).toMatchObject({ topic: 'orders', key: Buffer.from('c0') });
    const result = await service.orders.send(order(1));
    expect(result.topic).toBe('orders');
    expect((await service.orders.sendAll([order(2), new RecordToSend(order(3), { key: 'own' })])).count).toBe(2);
    service.orders.sendOneway(order(4));
    await service.orders.ready();
    expect(sent().map(([, , key]) => key)).toEqual(['c1', 'c2', 'own', 'c4']);
    await expect(service.orders.send({ id: 1 } as never)).rejects.toThrow(
      "the result of Orders.sender has no property customer.id, which the record's key is taken from",
    );
  });

  it('sends several in their order, and gives the caller all of them', async () => {
    const { service, sent } = await start();
    expect(await service.several(3)).toHaveLength(3);
    expect(sent().map(([topic, , key]) => [topic, key])).toEqual([
      ['many', 'c0'],
      ['many', 'c1'],
      ['many', 'c2'],
    ]);
    expect(await service.several(0)).toEqual([]);
    expect(await service.list()).toEqual([1, 2]);
    expect(sent().at(-1)).toEqual(['one', undefined, null, '[1,2]']);
  });

  it('takes topic, key, partition and headers from properties, functions and placeholders', async () => {
    const { service, producer, sent } = await start();
    await service.full();
    expect(sent()[0]!.slice(0, 3)).toEqual(['by-property', 2, 'c3']);
    expect(producer.sent[1]!.headers!.map(({ key, value }) => [key, text(value)])).toEqual([
      ['source', 'shop-eu'],
      ['region', 'eu'],
      ['size', '30'],
      ['flag', 'true'],
    ]);
    await service.routed('us');
    expect(sent()[1]!.slice(0, 2)).toEqual(['region-us', 1]);
  });

  it('takes records with their own key, headers, partition, time and topic', async () => {
    const { service, producer, sent } = await start();
    await service.records();
    expect(sent()).toEqual([
      ['records', 1, 'own', '{"id":1}'],
      ['elsewhere', undefined, '2', '{"id":2}'],
      ['records', undefined, '3', '{"id":3}'],
      ['records', undefined, 'gone', null],
    ]);
    expect(producer.sent[1]!.timestamp).toBe(5);
    expect(producer.sent[1]!.headers!.map(({ key, value }) => `${key}=${text(value)}`)).toEqual([
      'a=1',
      'b=own',
      'c=3',
    ]);
  });

  it('sends all of a generator that is awaited, also one that a promise gives', async () => {
    const { service, sent } = await start();
    expect(await (service.stream(3) as unknown as Promise<number>)).toBe(3);
    expect(await service.promised()).toBe(2);
    expect(sent().map(([, , , value]) => value)).toEqual(['{"id":0}', '{"id":1}', '{"id":2}', 'a', 'b']);
  });

  it('gives each value of a generator once it is acknowledged, and ends it with the first failure', async () => {
    const { service, producer, sent } = await start();
    const seen: unknown[] = [];
    for await (const value of service.stream(5)) {
      expect(sent().length).toBeGreaterThan(seen.length);
      seen.push(value);
      if (seen.length === 3) break;
    }
    expect(seen).toEqual([{ id: 0 }, { id: 1 }, { id: 2 }]);
    producer.failWith = new Error('gone');
    const rest = service.stream(5)[Symbol.asyncIterator]();
    await expect(rest.next()).rejects.toThrow('gone');
    await expect(service.stream(2)).rejects.toThrow('gone');
  });

  it.each<[form: string, call: (service: Orders) => PromiseLike<unknown>]>([
    ['a value', (service) => service.full()],
    ['several', (service) => service.several(3)],
    ['a list as one', (service) => service.list()],
    ['records', (service) => service.records()],
    ['a generator that is awaited', (service) => service.stream(3) as unknown as PromiseLike<unknown>],
    ['a value of a generator', (service) => service.stream(3)[Symbol.asyncIterator]().next()],
    ['a generator of a promise', (service) => service.promised()],
    ['a sender', (service) => service.orders.send(order(1))],
    ['a sender of all', (service) => service.orders.sendAll([order(1), order(2)])],
  ])('gives the caller nothing before it is acknowledged: %s', async (_form, call) => {
    const { service, producer } = await start();
    const acknowledgment = deferred();
    const send = producer.send.bind(producer);
    producer.send = async (...args) => {
      const stored = await send(...args);
      await acknowledgment.promise;
      return stored;
    };
    let isDone = false;
    const called = call(service).then(() => {
      isDone = true;
    });
    await flush(50);
    expect(producer.sent.length).toBeGreaterThan(1);
    expect(isDone).toBe(false);
    acknowledgment.resolve();
    await called;
    expect(isDone).toBe(true);
  });

  it('rejects the caller when one of several fails', async () => {
    const { service, producer } = await start();
    producer.failWith = new Error('gone');
    await expect(service.several(2)).rejects.toMatchObject({ cause: producer.failWith });
  });

  it('says at the start what is impossible, all of it', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      @Producer({ topic: 't' })
      sender!: TopicSender<string>;
    }
    @Injectable()
    class Wrong {
      @Producer({ topic: '' })
      async noTopic() {}
      @Producer({ topic: 't', partition: 'first' })
      async noPartition() {}
      @Producer({ topic: 't', producer: 'bulk' })
      async noProducer() {}
    }
    const starting = startApp({ providers: [Scoped, Wrong] });
    const message = await starting.then(
      () => 'started',
      (error: Error) => error.message,
    );
    for (const part of [
      '@Producer of Scoped.sender: is on a class that is not a singleton',
      '@Producer of Wrong.noTopic: the topic is empty',
      "@Producer of Wrong.noPartition: partition first is no whole number from 0 on; name a property with { property: 'first' }",
      '@Producer of Wrong.noProducer: there is no producer bulk',
    ]) {
      expect(message).toContain(part);
    }
  });
});
