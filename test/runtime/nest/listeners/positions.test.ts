import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, Scope } from '@nestjs/common';
import { deferred } from '../../../../src/common/lifecycle.js';
import {
  Ack,
  type Acknowledgment,
  Consumer,
  ContainerRegistry,
  Context,
  KafkaListener,
  KafkaListenerContext,
  type KafkaListenerOptions,
  type KafkaRebalanceListener,
  type ListenerConsumer,
  type ListenerEvent,
  OnPartitionsAssigned,
  OnPartitionsLost,
  OnPartitionsRevokedAfterCommit,
  OnPartitionsRevokedBeforeCommit,
  type PartitionPosition,
  Payload,
} from '../../../../src/index.js';
import { until } from '../../../../src/testing/index.js';
import { type BrokerApp, numbered, startOnBroker } from '../../../support/broker-app.js';
import { startTestKafka, type TestKafka } from '../../../support/test-kafka.js';

// Where listeners stand: moved, paused and committed, from handlers and from outside, over a real broker.

let kafka: TestKafka;
const apps: BrokerApp[] = [];

beforeEach(async () => {
  kafka = await startTestKafka({ orders: 2 });
});

afterEach(async () => {
  for (const { app } of apps.splice(0)) await app.close();
  await kafka.stop();
});

async function start(...providers: any[]) {
  const app = await startOnBroker(kafka, { providers });
  apps.push(app);
  const registry = app.app.get(ContainerRegistry);
  return { app, registry, container: registry.list()[0]! };
}

/** A listener that notes values. */
async function listen(options: Partial<KafkaListenerOptions> = {}) {
  const seen: number[] = [];
  @Injectable()
  class Listener {
    @KafkaListener({ topics: 'orders', groupId: 'g', ...options })
    handle(value: number) {
      seen.push(value);
    }
  }
  return { seen, ...(await start(Listener)) };
}

const ZERO = { topic: 'orders', partition: 0 };
const length = (seen: readonly unknown[], count: number) =>
  until(() => seen.length >= count, { what: `${count} calls, there were ${JSON.stringify(seen)}` });

describe.each<[string, Partial<KafkaListenerOptions>]>([
  ['a consumer by itself', {}],
  ['a pool of workers', { workers: 4, order: 'key' }],
])('a listener with %s', (_model, options) => {
  it('is moved from outside: to the beginning, an offset, a time, back and forth, the end', async () => {
    const { seen, container, registry } = await listen(options);
    await kafka.produce('orders', 0, numbered(5));
    await length(seen, 5);
    await registry.seek(container.id, 'beginning', ZERO);
    await length(seen, 10);
    await container.seek(3, ZERO);
    await length(seen, 12);
    await container.seek({ relative: -1 }, [ZERO]);
    await length(seen, 13);
    await container.seek(-2, ZERO);
    await length(seen, 15);
    await container.seek((current) => current - 1, ZERO);
    await length(seen, 16);
    await container.seek({ timestamp: new Date(0) }, ZERO);
    await length(seen, 21);
    await container.seek({ timestamp: Date.now() + 60_000 });
    await container.seek('end');
    await kafka.produce('orders', 0, numbered(1, 9));
    await length(seen, 22);
    const order = [0, 1, 2, 3, 4];
    const sorted = seen.slice();
    if (options.workers !== undefined) {
      for (const [from, to] of [
        [0, 5],
        [5, 10],
        [10, 12],
        [13, 15],
        [16, 21],
      ] as const) {
        sorted.splice(from, to - from, ...sorted.slice(from, to).sort((a, b) => a - b));
      }
    }
    expect(sorted).toEqual([...order, ...order, 3, 4, 4, 3, 4, 4, ...order, 9]);
    await kafka.untilConsumed('g', 'orders');
    expect(container.consumers[0]!.position(ZERO)).toBe(6);
  });

  it('commits a position that it was moved to, backwards too', async () => {
    const { seen, container } = await listen(options);
    await kafka.produce('orders', 0, numbered(5));
    await length(seen, 5);
    await kafka.untilConsumed('g', 'orders');
    container.pause();
    await container.seek(2, ZERO);
    await container.stop();
    expect((await kafka.committed('g', 'orders'))[0]).toBe(2);
    container.resume();
    await container.start();
    await length(seen, 8);
    expect(seen.slice(5).sort((a, b) => a - b)).toEqual([2, 3, 4]);
  });

  it('drops what waits and ignores what runs when it is moved', async () => {
    const gate = deferred();
    const seen: number[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders', groupId: 'g', ...options })
      async handle(value: number) {
        seen.push(value);
        if (seen.length === 1) await gate.promise;
      }
    }
    const { container } = await start(Listener);
    await kafka.produce('orders', 0, numbered(1));
    await length(seen, 1);
    await container.seek(0, ZERO);
    // The new run of the same record waits for the old one.
    await kafka.produce('orders', 0, numbered(1, 1));
    expect(seen).toEqual([0]);
    gate.resolve();
    await length(seen, 3);
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 0, 1]);
    await kafka.untilConsumed('g', 'orders');
    expect(container.describe().consumers[0]!.counters.stale).toBe(1);
  });

  it('lets its handlers move, pause and commit', async () => {
    const seen: number[] = [];
    const about: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders', groupId: 'g', ...options })
      async handle(@Payload() value: number, @Consumer() consumer: ListenerConsumer) {
        seen.push(value);
        if (value === 2 && seen.length <= 3) await consumer.seek(0, ZERO);
        if (value === 4) {
          consumer.pause(ZERO);
          await consumer.commit();
          about.push(consumer.paused(), consumer.listenerId, consumer.index, consumer.position(ZERO));
        }
        if (value === 5) about.push(await consumer.commit({ ...ZERO, offset: 6, metadata: 'by hand' }));
        if (value === 5) about.push((await kafka.committed('g', 'orders'))[0]);
      }
    }
    const { container } = await start(Listener);
    await kafka.produce('orders', 0, numbered(3));
    await length(seen, 6);
    expect(seen.slice(0, 3).sort((a, b) => a - b)).toEqual([0, 1, 2]);
    expect(seen.slice(3).sort((a, b) => a - b)).toEqual([0, 1, 2]);
    await kafka.produce('orders', 0, numbered(2, 3));
    await until(() => about.length > 0, { what: 'the pause' });
    expect(about).toEqual([[ZERO], 'Listener.handle', 0, 5]);
    expect(container.pausedPartitions).toEqual([ZERO]);
    await kafka.produce('orders', 0, numbered(1, 5));
    await kafka.produce('orders', 1, numbered(1, 100));
    await until(() => seen.includes(100), { what: 'the other partition' });
    expect(seen).not.toContain(5);
    container.resumePartitions([ZERO]);
    await until(() => about.length === 6, { what: 'the resumed one' });
    // Before its handler returned.
    expect(about.slice(4)).toEqual([[{ ...ZERO, offset: 6, metadata: 'by hand' }], 6]);
    await kafka.untilConsumed('g', 'orders');
  });
});

describe('a listener', () => {
  it('keeps a pause of one partition over a rebalance', async () => {
    const { seen, container } = await listen({ concurrency: 2 });
    container.pausePartitions([ZERO]);
    await kafka.produce('orders', 0, numbered(1));
    const assigned: ListenerEvent[] = [];
    apps[0]!.app.get(ContainerRegistry).onEvent((event) => void (event.type === 'assigned' && assigned.push(event)));
    container.enforceRebalance();
    await until(() => assigned.length >= 2, { what: 'the rebalance' });
    await kafka.produce('orders', 1, numbered(1, 10));
    await length(seen, 1);
    expect(seen).toEqual([10]);
    container.resumePartitions([ZERO]);
    await length(seen, 2);
  });

  it('refuses positions that are none, and partitions that are elsewhere', async () => {
    const { container, registry } = await listen();
    await expect(container.seek('middle' as never)).rejects.toMatchObject({ code: 'KAFKA_CONFIG_INVALID' });
    await expect(container.seek(1.5)).rejects.toThrow('1.5 is no offset');
    await expect(container.seek(0, { topic: 'orders', partition: 7 })).rejects.toThrow(
      "listener 'Listener.handle' does not have orders-7 at the moment (it is running)",
    );
    await registry.stop(container.id);
    await expect(container.seek('end')).rejects.toThrow('is stopped, it has no position to move');
    await container.start();
    await expect(container.consumers[0]!.seek(0, { topic: 'x', partition: 0 })).rejects.toThrow('x-0 is not assigned');
    await expect(async () => registry.seek('nobody', 0)).rejects.toThrow("there is no listener 'nobody'");
  });

  it('may acknowledge after it asked for another position', async () => {
    const seen: number[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders', groupId: 'g', ackMode: 'MANUAL_IMMEDIATE' })
      async handle(@Payload() value: number, @Ack() ack: Acknowledgment, @Consumer() consumer: ListenerConsumer) {
        seen.push(value);
        if (seen.length === 1) await consumer.seek(2, ZERO);
        await ack.acknowledge();
      }
    }
    await start(Listener);
    await kafka.produce('orders', 0, numbered(4));
    await kafka.untilConsumed('g', 'orders');
    expect(seen).toEqual([0, 2, 3]);
  });

  it('gives a record back with nack: it comes again after its time, and before those behind it', async () => {
    const seen: string[] = [];
    const at: number[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders', groupId: 'g', ackMode: 'MANUAL' })
      handle(@Payload() value: number, @Ack() ack: Acknowledgment, @Context() { attempt }: KafkaListenerContext) {
        seen.push(`${value}#${attempt}`);
        at.push(performance.now());
        if (value === 1 && attempt < 3) ack.nack(30);
        else void ack.acknowledge();
      }
    }
    await kafka.produce('orders', 0, numbered(3));
    await start(Listener);
    await kafka.untilConsumed('g', 'orders');
    expect(seen).toEqual(['0#1', '1#1', '1#2', '1#3', '2#1']);
    expect([at[2]! - at[1]! >= 29, at[3]! - at[2]! >= 29]).toEqual([true, true]);
  });

  it('gives the same result for many concurrent calls as for calls in sequence', async () => {
    const { seen, container } = await listen();
    await kafka.produce('orders', 0, numbered(20));
    await length(seen, 20);
    const [consumer] = container.consumers;
    const calls: Array<Promise<unknown>> = [];
    for (let i = 0; i < 2_000; i++) {
      consumer!.pause();
      calls.push(consumer!.seek(i % 20, ZERO));
      if (i % 3 === 0) calls.push(consumer!.commit());
      consumer!.resume();
    }
    await Promise.all(calls);
    await length(seen, 21);
    await kafka.produce('orders', 0, numbered(1, 20));
    await length(seen, 22);
    await kafka.untilConsumed('g', 'orders');
    expect(seen.slice(20)).toEqual([19, 20]);
  });
});

describe('rebalance callbacks', () => {
  it('of a class are called in order, and may restore positions before the first record', async () => {
    await kafka.produce('orders', 0, numbered(5));
    await kafka.produce('orders', 1, numbered(5, 100));
    const log: string[] = [];
    const stored = new Map([[0, 3]]);
    const seen: number[] = [];
    const name = (partitions: readonly { topic: string; partition: number }[]) =>
      partitions
        .map(({ partition }) => partition)
        .sort((a, b) => a - b)
        .join();
    @Injectable()
    class Store implements KafkaRebalanceListener {
      onPartitionsRevokedBeforeCommit(partitions: readonly { topic: string; partition: number }[]) {
        log.push(`before ${name(partitions)}`);
      }
    }
    @Injectable()
    class Listener implements KafkaRebalanceListener {
      @KafkaListener({ topics: 'orders', groupId: 'g', rebalanceListener: Store })
      handle(value: number) {
        log.push('record');
        seen.push(value);
      }
      async onPartitionsAssigned(partitions: readonly PartitionPosition[], consumer: ListenerConsumer) {
        log.push(
          `assigned ${name(partitions)} ${partitions.map(({ source, position }) => `${source}@${position}`).join()}`,
        );
        await Promise.resolve();
        for (const { topic, partition } of partitions) {
          const offset = stored.get(partition);
          if (offset !== undefined) void consumer.seek(offset, { topic, partition });
        }
      }
      async onPartitionsRevokedBeforeCommit() {
        log.push('before, own');
      }
      async onPartitionsRevokedAfterCommit(partitions: readonly { topic: string; partition: number }[]) {
        log.push(`after ${name(partitions)} ${(await kafka.committed('g', 'orders')).join()}`);
      }
    }
    await start(Listener, Store);
    await length(seen, 7);
    expect([...seen].sort((a, b) => a - b)).toEqual([3, 4, 100, 101, 102, 103, 104]);
    await apps.splice(0)[0]!.app.close();
    expect(log.filter((line) => line !== 'record')).toEqual([
      'assigned 0,1 reset@0,reset@0',
      'before, own',
      'before 0,1',
      'after 0,1 5,5',
    ]);
    expect(log[0]).toContain('assigned');
  });

  it('may be methods of any name, of a listener or of all that the class has, on both models', async () => {
    await kafka.produce('orders', 0, numbered(5));
    const log: string[] = [];
    const seen: number[] = [];
    type Told = [readonly object[], ListenerConsumer];
    const note = (what: string, [partitions, { listenerId }]: Told) =>
      void log.push(`${listenerId} ${what} ${partitions.length}`);
    class Base {
      @OnPartitionsRevokedAfterCommit()
      left(...told: Told) {
        note('left', told);
      }
      @OnPartitionsAssigned()
      overridden(...told: Told) {
        note('base', told);
      }
    }
    @Injectable()
    class Listener extends Base {
      @KafkaListener({ id: 'plain', topics: 'orders' })
      plain(_value: number) {}
      @KafkaListener({ id: 'pool', topics: 'orders', workers: 2, order: 'key', rebalanceListener: 'NOTES' })
      pool(value: number) {
        seen.push(value);
      }
      @OnPartitionsAssigned({ listener: 'pool' })
      async restore(partitions: readonly PartitionPosition[], consumer: ListenerConsumer) {
        note('restored', [partitions, consumer]);
        for (const tp of partitions) await consumer.seek(tp.partition === 0 ? 3 : 'end', tp);
      }
      @OnPartitionsLost()
      @OnPartitionsAssigned()
      override overridden(...told: Told) {
        note('told', told);
      }
      /** Decorated and named: called once. */
      @OnPartitionsRevokedBeforeCommit()
      onPartitionsRevokedBeforeCommit(...told: Told) {
        note('leaving', told);
      }
    }
    class Notes {
      @OnPartitionsRevokedBeforeCommit()
      saved(...told: Told) {
        note('noted', told);
      }
    }
    await start(Listener, { provide: 'NOTES', useClass: Notes });
    await length(seen, 2);
    await apps.splice(0)[0]!.app.close();
    expect(seen).toEqual([3, 4]);
    const of = (id: string) => log.filter((line) => line.startsWith(id));
    expect(of('plain')).toEqual(['plain told 2', 'plain leaving 2', 'plain left 2']);
    expect(of('pool')).toEqual(['pool restored 2', 'pool told 2', 'pool leaving 2', 'pool noted 2', 'pool left 2']);
  });

  it('that throw at an assignment fail the container: it never reads from the wrong place', async () => {
    await kafka.produce('orders', 0, numbered(1));
    const seen: number[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'orders', groupId: 'g' })
      handle(value: number) {
        seen.push(value);
      }
      onPartitionsAssigned() {
        throw new Error('the store is down');
      }
    }
    const { container } = await start(Listener);
    await until(() => container.state === 'failed', { what: 'the failure' });
    expect(container.failure).toMatchObject({ message: 'the store is down' });
    expect(seen).toEqual([]);
    expect(await kafka.committed('g', 'orders')).toEqual([-1, -1]);
  });

  it('are refused on providers that live per record', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Listener {
      @KafkaListener({ topics: 'orders', groupId: 'g' })
      handle(_value: number) {}
      onPartitionsAssigned() {}
    }
    await expect(start(Listener)).rejects.toThrow(
      'Listener.onPartitionsAssigned: rebalance callbacks need one instance',
    );
    @Injectable({ scope: Scope.REQUEST })
    class Decorated {
      @KafkaListener({ topics: 'orders', groupId: 'g' })
      handle(_value: number) {}
      @OnPartitionsLost()
      lost() {}
    }
    await expect(start(Decorated)).rejects.toThrow('Decorated.lost: rebalance callbacks need one instance');
  });

  it('are called when partitions move between processes', async () => {
    const log: string[] = [];
    const makeListener = (who: string) => {
      @Injectable()
      class Listener {
        @KafkaListener({ topics: 'orders', groupId: 'g' })
        handle(_value: number) {}
        onPartitionsAssigned(partitions: readonly PartitionPosition[]) {
          log.push(`${who} + ${partitions.length}`);
        }
        onPartitionsRevokedAfterCommit(partitions: readonly object[]) {
          log.push(`${who} - ${partitions.length}`);
        }
      }
      return Listener;
    };
    const first = await start(makeListener('first'));
    expect(log).toEqual(['first + 2']);
    const second = await start(makeListener('second'));
    await until(() => first.container.assignment().length === 1, { what: 'the first to give one away' });
    expect(second.container.assignment()).toHaveLength(1);
    expect(log).toEqual(['first + 2', 'first - 2', 'second + 1']);
  });
});
