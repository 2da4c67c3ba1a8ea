import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { type Logger } from '../../../../src/common/logger.js';
import {
  ContainerRegistry,
  defaultErrorHandler,
  fixedBackoff,
  KafkaAdmin,
  type KafkaContainerOptions,
  KafkaListener,
  KafkaListenerContext,
  KafkaModule,
  type KafkaModuleOptions,
  type KafkaRecord,
  type ListenerEvent,
  type ListenerMetadata,
  type OffsetAndMetadataProvider,
  OnContainerEvent,
  Payload,
} from '../../../../src/index.js';
import { until } from '../../../../src/testing/index.js';
import { startTestKafka, type TestKafka } from '../../../support/test-kafka.js';

// Containers with options of their own: sets by name, error handlers, interceptors, phases.

let kafka: TestKafka;
let close: () => Promise<unknown> = () => Promise.resolve();
const said: string[] = [];
const logger: Logger = {
  log: (text) => void said.push(text),
  warn: (text) => void said.push(text),
  error: (text) => void said.push(text),
};

beforeEach(async () => {
  kafka = await startTestKafka({ orders: 3, paid: 1 });
  said.length = 0;
});

afterEach(async () => {
  await close();
  close = () => Promise.resolve();
  await kafka.stop();
});

async function start(providers: any[], options: Partial<KafkaModuleOptions> = {}, properties = {}) {
  const imports = [KafkaModule.forRoot({ logger, ...options, properties: { ...kafka.properties(), ...properties } })];
  const module = await Test.createTestingModule({ imports, providers }).compile();
  const app = module.createNestApplication({ logger: false });
  close = () => app.close();
  await app.init();
  return app;
}

const produce = (...values: string[]) =>
  kafka.produce(
    'orders',
    0,
    values.map((value) => ({ key: null, value: Buffer.from(JSON.stringify(value)) })),
  );

@Injectable()
class Bulk implements KafkaContainerOptions {
  readonly workers = 8;
  readonly order = 'key';
}

describe('container options by name', () => {
  @Injectable()
  class Listeners {
    @KafkaListener({ id: 'plain', topics: 'orders' })
    plain() {}

    @KafkaListener({ id: 'bulk', topics: 'orders', containerFactory: 'bulk', ackMode: 'COUNT' })
    bulk() {}

    @KafkaListener({ id: 'provided', topics: 'orders', containerFactory: Bulk })
    provided() {}

    @KafkaListener({ id: 'steered', topics: 'orders', workers: { min: 2, max: '${most:16}', by: 'lag' } })
    steered() {}
  }

  it('are taken by name or from a provider, under what a listener says itself', async () => {
    const containers = { default: { ackMode: 'RECORD' }, bulk: { workers: '${bulk.workers}', ackMode: 'TIME' } };
    const app = await start([Listeners, Bulk], { containers }, { 'bulk.workers': '32' });
    const registry = app.get(ContainerRegistry);
    expect(registry.get('plain').endpoint).toMatchObject({ ackMode: 'RECORD', workers: undefined });
    expect(registry.get('bulk').endpoint).toMatchObject({ ackMode: 'COUNT', workers: 32 });
    expect(registry.get('provided').endpoint).toMatchObject({ order: 'key', workers: 8 });
    expect(registry.get('steered').endpoint.steering).toEqual({ min: 2, max: 16, by: 'lag' });
  });

  it('that are not there are named with the nearest', async () => {
    @Injectable()
    class Typo {
      @KafkaListener({ topics: 'orders', groupId: 'g', containerFactory: 'blk' })
      handle() {}
    }
    await expect(start([Typo], { containers: { bulk: {} } })).rejects.toThrow(/blk.*did you mean bulk/s);
  });

  it('name impossible values and combinations at start', async () => {
    @Injectable()
    class Impossible {
      @KafkaListener({ topics: 'orders', groupId: 'a', overflow: 'block' })
      noPool() {}

      @KafkaListener({ topics: 'orders', groupId: 'b', slowHandler: 'explode', pauseImmediate: 'maybe' })
      wrong() {}
    }
    const starting = start([Impossible]);
    await expect(starting).rejects.toThrow(/overflow 'block' is about a pool/);
    await expect(starting).rejects.toThrow(/slowHandler.*explode/s);
    await expect(starting).rejects.toThrow(/pauseImmediate.*maybe/s);
  });

  it('let what was polled be handled before a pause, where pauseImmediate is false', async () => {
    const seen: unknown[] = [];
    const events: string[] = [];
    let go = (): void => undefined;
    const first = new Promise<void>((resolve) => (go = resolve));
    @Injectable()
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders', containerFactory: 'gentle' })
      async handle(value: unknown) {
        seen.push(value);
        await first;
      }
    }
    const properties = { 'kafka.consumer.auto-offset-reset': 'earliest', immediate: 'false' };
    await produce('one', 'two');
    const containers = { gentle: { pauseImmediate: '${immediate}' } };
    const registry = (await start([Orders], { containers }, properties)).get(ContainerRegistry);
    registry.onEvent(({ type }) => void (type === 'paused' && events.push(`${seen.join()} ${type}`)));
    await until(() => seen.length === 1, { what: 'the first record' });
    registry.pause('orders');
    go();
    await until(() => events.length > 0, { what: 'the pause' });
    expect(events).toEqual(['one,two paused']);
  });
});

it('commits with the text of an offsetAndMetadataProvider', async () => {
  @Injectable()
  class Texts implements OffsetAndMetadataProvider {
    readonly #by = 'app';
    provide({ listenerId, topic, partition, info }: ListenerMetadata, offset: number) {
      return `${this.#by} ${listenerId} ${info} ${topic}-${partition}@${offset}`;
    }
  }
  @Injectable()
  class Orders {
    @KafkaListener({ id: 'orders', topics: 'orders', info: 'eu', offsetAndMetadataProvider: Texts })
    handle(_value: unknown) {}
  }
  await produce('one', 'two');
  const app = await start([Orders, Texts], {}, { 'kafka.consumer.auto-offset-reset': 'earliest' });
  await kafka.untilConsumed('orders', 'orders');
  const offsets = await app.get(KafkaAdmin).groupOffsets('orders');
  expect(offsets.find(({ partition }) => partition === 0)).toMatchObject({
    offset: 2,
    metadata: 'app orders eu orders-0@2',
  });
});

describe('a container', () => {
  it('has an error handler, interceptors and retry listeners of its own, and the context everywhere', async () => {
    const log: string[] = [];
    @Injectable()
    class Audit {
      intercept(record: KafkaRecord) {
        log.push(`before ${record.offset}`);
        return record;
      }

      failedDelivery(_record: KafkaRecord, error: Error, attempt: number) {
        log.push(`failed ${attempt}: ${error.message}`);
      }
    }
    @Injectable()
    class Errors {
      readonly handle = defaultErrorHandler({ retries: 1, backoff: fixedBackoff(1), exhausted: 'skip' });
    }
    @Injectable()
    class Orders {
      @KafkaListener({
        id: 'orders',
        topics: 'orders',
        commonErrorHandler: Errors,
        interceptors: [Audit],
        retryListeners: [Audit],
        asyncContext: true,
      })
      async handle(@Payload() text: string) {
        await new Promise((resolve) => setImmediate(resolve));
        if (text.includes('bad')) throw new Error('bad one');
        deep();
      }
    }
    const deep = () => log.push(`deep ${KafkaListenerContext.current()!.offset}`);
    await start([Orders, Audit, Errors]);
    await produce('good', 'bad', 'fine');
    await kafka.untilConsumed('orders', 'orders');
    expect(log).toEqual([
      'before 0',
      'deep 0',
      'before 1',
      'failed 1: bad one',
      'before 1',
      'failed 2: bad one',
      'before 2',
      'deep 2',
    ]);
    expect(KafkaListenerContext.current()).toBeUndefined();
  });

  it('warns of consumers that have nothing to read, and names the numbers', async () => {
    @Injectable()
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders', concurrency: 5 })
      handle() {}
    }
    await start([Orders]);
    expect(said.filter((text) => text.includes('nothing to read'))).toEqual([
      "listener 'orders' has 5 consumers and 3 partition(s): 2 of them have nothing to read; give it workers instead, " +
        'which share partitions',
    ]);
  });

  it('starts after those of lower phases, and stops before them', async () => {
    const order: string[] = [];
    @Injectable()
    class Phased {
      @KafkaListener({ id: 'late', topics: 'orders', phase: 10 })
      late() {}

      @KafkaListener({ id: 'early', topics: 'paid', phase: '-1' })
      early() {}

      @OnContainerEvent(['starting', 'started', 'stopping', 'stopped'])
      note({ type, listener }: ListenerEvent) {
        order.push(`${listener} ${type}`);
      }
    }
    const started = ['early starting', 'early started', 'late starting', 'late started'];
    const stopped = ['late stopping', 'late stopped', 'early stopping', 'early stopped'];
    const app = await start([Phased], {}, { 'kafka.listener.startup-timeout': '60s' });
    expect(order.splice(0)).toEqual(started);
    const registry = app.get(ContainerRegistry);
    await registry.stopAll();
    await registry.startAll();
    expect(order.splice(0)).toEqual([...stopped, ...started]);
    await close();
    close = () => Promise.resolve();
    expect(order).toEqual(stopped);
  });

  it('that cannot start keeps the application from starting when that is the policy', async () => {
    @Injectable()
    class Orders {
      @KafkaListener({ id: 'orders', topics: 'orders', properties: { 'auto.offset.reset': 'none' } })
      handle() {}
    }
    const policy = (value: string) => ({ 'kafka.listener.start-failure': value });
    await expect(start([Orders], {}, policy('stop'))).rejects.toMatchObject({ code: 'KAFKA_NO_OFFSET' });
    await close();
    const app = await start([Orders], {}, policy('continue'));
    expect(app.get(ContainerRegistry).get('orders').state).toBe('failed');
    expect(said).toContainEqual(
      expect.stringMatching(/^listener orders did not start: orders-\d has no committed offset/),
    );
  });
});
