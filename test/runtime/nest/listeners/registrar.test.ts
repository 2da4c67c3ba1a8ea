import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { IsPositive } from 'class-validator';
import {
  ContainerRegistry,
  KafkaListener,
  type KafkaListenerContext,
  KafkaListenerEvents,
  KafkaListenerRegistrar,
  Key,
  type ListenerEvent,
  OnContainerEvent,
  Payload,
} from '../../../../src/index.js';
import { until } from '../../../../src/testing/index.js';
import { type BrokerApp, numbered, records, startOnBroker } from '../../../support/broker-app.js';
import { startTestKafka, type TestKafka } from '../../../support/test-kafka.js';

// Listeners made, controlled and watched while the application runs, over a real broker.

class Order {
  @IsPositive()
  amount!: number;
}

let kafka: TestKafka;
let running: BrokerApp | undefined;

beforeEach(async () => {
  kafka = await startTestKafka({ orders: 2, refunds: 1 });
});

afterEach(async () => {
  await running?.app.close();
  running = undefined;
  await kafka.stop();
});

async function start(metadata: Parameters<typeof startOnBroker>[1] = {}, properties: Record<string, string> = {}) {
  running = await startOnBroker(kafka, metadata, properties);
  const { app, logger } = running;
  return { app, logger, registrar: app.get(KafkaListenerRegistrar), registry: app.get(ContainerRegistry) };
}

describe('a listener that is registered while the application runs', () => {
  it('may be a function, with payload class, filter and context', async () => {
    const { registrar, registry } = await start();
    const seen: unknown[] = [];
    const container = await registrar.register({
      id: 'late',
      topics: 'orders',
      payload: Order,
      workers: 4,
      order: 'key',
      filter: ({ offset }) => offset !== 1,
      handler: async (order: Order, context: KafkaListenerContext) => {
        seen.push([order instanceof Order, order.amount, context.offset, context.listenerId]);
      },
    });
    expect(container.state).toBe('running');
    expect(registry.get('late')).toBe(container);
    await kafka.produce('orders', 0, records([{ amount: 1 }, { amount: 2 }, { amount: 3 }]));
    await kafka.untilConsumed('late', 'orders');
    expect(seen).toEqual([
      [true, 1, 0, 'late'],
      [true, 3, 2, 'late'],
    ]);
    expect(await registrar.unregister('late')).toBe(container);
    expect(container.state).toBe('stopped');
    expect(registry.find('late')).toBeUndefined();
    expect(await registrar.unregister('late')).toBeUndefined();
    // The id is free again.
    await registrar.register({
      id: 'late',
      topics: 'orders',
      batch: true,
      handler: () => undefined,
      autoStartup: false,
    });
    expect(registry.get('late').state).toBe('initialized');
  });

  it('may be a method with decorated parameters, on topics that are known late', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Tenants {
      handle(@Payload() value: number, @Key() key: string) {
        seen.push([value, key]);
      }
    }
    const { registrar, app } = await start({ providers: [Tenants] });
    const instance = app.get(Tenants);
    const containers = await Promise.all(
      ['orders', 'refunds'].map((topics) =>
        registrar.register({ topics, groupId: topics, instance, method: 'handle' }),
      ),
    );
    expect(containers.map(({ id }) => id)).toEqual(['Tenants.handle', 'Tenants.handle#2']);
    await kafka.produce('refunds', 0, numbered(1));
    await kafka.untilConsumed('refunds', 'refunds');
    expect(seen).toEqual([[0, 'k0']]);
  });

  it('starts with the others when it is registered before', async () => {
    const seen: number[] = [];
    @Injectable()
    class Early implements OnModuleInit {
      constructor(private readonly registrar: KafkaListenerRegistrar) {}
      async onModuleInit() {
        const container = await this.registrar.register({
          id: 'early',
          topics: 'orders',
          handler: (one) => seen.push(one),
        });
        expect(container.state).toBe('initialized');
      }
    }
    const { registry } = await start({ providers: [Early] });
    expect(registry.get('early').state).toBe('running');
  });

  it('is refused with every mistake, and leaves nothing behind', async () => {
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders', id: 'known' })
      handle(_value: number) {}
    }
    const { registrar, registry, app } = await start({ providers: [Listener] });
    const handler = () => undefined;
    await expect(registrar.register({ id: 'known', topics: '', handler })).rejects.toThrow(
      /2 mistakes[\s\S]*topics: no topic is named[\s\S]*the listener id known is taken/,
    );
    await expect(registrar.register({ topicPartitions: ['orders-0'], groupId: 'known', handler })).rejects.toThrow(
      'function reads its partitions by itself (topicPartitions) under the group known, of which known is a member',
    );
    await expect(registrar.register({ topics: 'a', instance: {}, method: 'nothing' })).rejects.toThrow(
      'has no method nothing',
    );
    await expect(registrar.register({ topics: 'a', ackMode: 'RECORD', batch: true, handler })).rejects.toThrow(
      'use BATCH',
    );
    const wrong = (listener: object) => registrar.register(listener as never);
    const kind = 'has a handler, a function, or an instance and the name of its method';
    await expect(wrong({ topics: 'a' })).rejects.toThrow(`${kind}: neither is given`);
    await expect(wrong({ topics: 'a', handler: 5 })).rejects.toMatchObject({ code: 'KAFKA_CONFIG_INVALID' });
    await expect(wrong({ topics: 'a', instance: null, method: 'x' })).rejects.toThrow(kind);
    await expect(wrong({ topics: 'a', handler, instance: {}, method: 'x' })).rejects.toThrow('both are given');
    await expect(wrong({ topics: 'a', handler, grupId: 'g' })).rejects.toThrow(
      'grupId: no option of a listener; did you mean groupId?',
    );
    await expect(wrong({ topics: 5, handler })).rejects.toThrow('topics=5: not text; give a string');
    await expect(wrong({ topicPartitions: 'a-x', handler })).rejects.toThrow(
      "topicPartitions=a-x: not a partition's name",
    );
    expect(registry.list()).toHaveLength(1);
    const own = await registrar.register({ topics: 'a', instance: { own() {} }, method: 'own', autoStartup: false });
    expect(own.state).toBe('initialized');
    await app.close();
    await expect(registrar.register({ topics: 'a', handler })).rejects.toThrow('the application closes');
  });
});

describe('a listener whose topics are missing', () => {
  const fatal = { 'kafka.listener.missing-topics-fatal': 'true', 'kafka.consumer.auto-offset-reset': 'earliest' };
  const handler = () => undefined;

  it('does not start, however it is started, until they are there', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class ByHand {
      @KafkaListener({ topics: ['orders', 'later'], id: 'by-hand', autoStartup: false })
      one(value: unknown) {
        seen.push(value);
      }
    }
    const { registrar, registry } = await start({ providers: [ByHand] }, fatal);
    const missing = (what: string) =>
      `topics of listeners do not exist: ${what}; create them, correct the names, or set ` +
      'kafka.listener.missing-topics-fatal=false (missingTopicsFatal: false of a listener) to start without them';
    await expect(registry.start('by-hand')).rejects.toThrow(missing('later (by-hand)'));
    await expect(registrar.register({ id: 'two', topics: 'never, later', handler })).rejects.toThrow(
      missing('never (two); later (two)'),
    );
    const topicPartitions = [{ topic: 'later', partitions: '0, 1' }, 'orders-1'];
    await expect(registrar.register({ id: 'parts', topicPartitions, handler })).rejects.toThrow(
      missing('later (parts)'),
    );
    const states = () => registry.list().map(({ id, state }) => `${id} ${state}`);
    expect(states()).toEqual(['by-hand failed', 'two failed', 'parts failed']);
    expect(registry.get('two').failure).toMatchObject({ code: 'KAFKA_CONFIG_INVALID' });
    await kafka.createTopic('later', 2);
    await Promise.all([registry.start('by-hand'), registry.start('parts')]);
    expect(states()).toEqual(['by-hand running', 'two failed', 'parts running']);
    await kafka.produce('later', 0, numbered(1));
    await kafka.untilConsumed('by-hand', 'later');
    expect(seen).toEqual([0]);
  });

  it('starts where it may be missing, by the listener itself, and by a pattern', async () => {
    const { registrar } = await start({}, fatal);
    const own = await registrar.register({ topics: 'a-later', id: 'own', missingTopicsFatal: 'false', handler });
    const pattern = await registrar.register({ topicPattern: /b-later.*/, id: 'pattern', handler });
    expect([own.state, pattern.state]).toEqual(['running', 'running']);
  });

  it('does not start where only the listener says so', async () => {
    const { registrar, registry } = await start();
    const listener = { topics: 'c-later', id: 'own', missingTopicsFatal: true, handler };
    const types: string[] = [];
    registry.onEvent(({ type }) => types.push(type));
    await expect(registrar.register(listener)).rejects.toThrow('do not exist: c-later (own)');
    expect(types).toEqual(['starting', 'start-failed', 'stopping', 'stopped']);
  });
});

describe('listener control', () => {
  @Injectable()
  class Three {
    @KafkaListener({ topics: 'orders', id: 'a', containerGroup: 'night', autoStartup: '${start:false}' })
    a(_value: number) {}
    @KafkaListener({ topics: 'refunds', id: 'b', containerGroup: 'night', autoStartup: false })
    b(_value: number) {}
    @KafkaListener({ topics: 'orders', id: 'c', workers: '${workers}', concurrency: '${consumers}' })
    c(_value: number) {}
  }

  it('starts, stops, pauses and resizes by id and by group of containers', async () => {
    const { registry } = await start({ providers: [Three] }, { workers: '2', consumers: '2' });
    const states = () => registry.list().map(({ id, state }) => `${id} ${state}`);
    expect(states()).toEqual(['a initialized', 'b initialized', 'c running']);
    const night = registry.group('night');
    expect([night.ids, night.isRunning]).toEqual([['a', 'b'], false]);
    await night.start();
    expect(states()).toEqual(['a running', 'b running', 'c running']);
    night.pause();
    expect(states()).toEqual(['a paused', 'b paused', 'c running']);
    night.resume();
    expect(states()).toEqual(['a running', 'b running', 'c running']);
    await registry.stop('a');
    expect(states()).toEqual(['a stopped', 'b running', 'c running']);
    expect(night.isRunning).toBe(true);
    await night.stop();
    expect([night.isRunning, registry.group('nobody').ids]).toEqual([false, []]);
    registry.pause('c');
    expect(registry.get('c').state).toBe('paused');
    registry.resume('c');
    expect(registry.get('c').state).toBe('running');
    expect(registry.get('c').workers).toBe(2);
    registry.resize('c', 16);
    expect(registry.describe().find(({ id }) => id === 'c')).toMatchObject({ workers: 16, state: 'running' });
    expect(() => registry.resize('a', 3)).toThrow("listener 'a' has no worker pool");
    expect(registry.matching(({ endpoint }) => endpoint.topics.includes('orders')).map(({ id }) => id)).toEqual([
      'a',
      'c',
    ]);
    const rebalances: ListenerEvent[] = [];
    registry.onEvent((event) => void (event.type === 'assigned' && rebalances.push(event)));
    registry.enforceRebalance('c');
    await until(() => rebalances.length === 2, { what: 'both consumers to be assigned again' });
  });
});

describe('events of containers', () => {
  it('come as an observable, to decorated methods, and name their listener', async () => {
    const methods: string[] = [];
    @Injectable()
    class Watcher {
      @OnContainerEvent(['started', 'stopped'], { listener: 'watched' })
      state({ type, listener, container }: ListenerEvent) {
        methods.push(`${listener} ${type} ${container.state}`);
      }
      @OnContainerEvent('idle')
      async idle({ listener }: ListenerEvent) {
        methods.push(`${listener} idle`);
        throw new Error('watcher broke');
      }
    }
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders', id: 'watched', idleEventInterval: '40ms' })
      one(_value: number) {}
      @KafkaListener({ topics: 'orders', id: 'other' })
      two(_value: number) {}
    }
    const { app, registry, logger } = await start({ providers: [Watcher, Listener] });
    const seen: string[] = [];
    const events = app.get(KafkaListenerEvents);
    const subscription = events.of('committed', 'watched').subscribe(({ offsets, listener }) => {
      seen.push(`${listener} ${offsets.map(({ offset }) => offset).join()}`);
    });
    await kafka.produce('orders', 0, numbered(3));
    await kafka.untilConsumed('watched', 'orders');
    await until(() => seen.length > 0, { what: 'the event' });
    expect(seen.at(-1)).toBe('watched 3');
    subscription.unsubscribe();
    await until(() => methods.includes('watched idle'), { what: 'the idle event' });
    await until(() => logger.lines.some((line) => line.includes('watcher broke')), { what: 'the log line' });
    expect(methods).not.toContain('other idle');
    await registry.stop('watched');
    await registry.stop('other');
    expect(methods.filter((line) => !line.endsWith('idle'))).toEqual([
      'watched started running',
      'watched stopped stopped',
    ]);
  });

  it('that nobody knows are refused', async () => {
    @Injectable()
    class Watcher {
      @OnContainerEvent('sleeping')
      one() {}
    }
    await expect(start({ providers: [Watcher] })).rejects.toThrow(
      'Watcher.one: @OnContainerEvent knows no event sleeping; known: starting, started, ',
    );
  });
});
