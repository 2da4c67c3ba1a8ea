// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of properties, not of templates
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  type OnModuleDestroy,
  type OnModuleInit,
  Scope,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { deferred } from '../../../src/common/lifecycle.js';
import {
  ContainerRegistry,
  Environment,
  getKafkaTemplateToken,
  InjectKafkaTemplate,
  KafkaListener,
  KafkaModule,
  type KafkaModuleOptions,
  KafkaProperties,
  KafkaTemplate,
  type NestdawError,
  PROPERTY_OVERRIDES,
  Producer,
  Signal,
} from '../../../src/index.js';
import { type ConsumerClient } from '../../../src/runtime/client/consumer-client.js';
import { fakes, type KafkaApp, startApp } from '../../support/kafka-app.js';
import { flush, ManualClock } from '../../support/manual-clock.js';

let running: { app: { close(): Promise<void> } } | undefined;

afterEach(async () => {
  await running?.app.close();
  running = undefined;
});

async function start(...args: Parameters<typeof startApp>): Promise<KafkaApp> {
  const app = await startApp(...args);
  running = app;
  return app;
}

/** Factories whose consumers are changed before they are used. */
function withConsumers({ factories = {} }: KafkaModuleOptions, change: (consumer: ConsumerClient) => void) {
  const consumer: NonNullable<typeof factories.consumer> = (...args) => {
    const made = factories.consumer!(...args);
    change(made);
    return made;
  };
  return { factories: { ...factories, consumer } };
}

const text = (bytes: Buffer | null | undefined) => bytes?.toString() ?? null;

@Injectable()
class OrderService {
  prefix = 'o';

  @Producer({ topic: '${orders.topic}', key: 'customer.id' })
  async place(id: number, customerId: string | number = 'c1') {
    return { id: `${this.prefix}${id}`, customer: { id: customerId } };
  }

  @Producer({ topic: 'maybe', key: (result: string) => result.length })
  async maybe(result?: string | null) {
    return result;
  }
}

/** What handlers use; notes what they did, and its own end. */
@Injectable()
class Database implements OnModuleDestroy {
  readonly steps: string[] = [];
  #isOpen = true;

  note(step: string) {
    this.steps.push(`${step}, database ${this.#isOpen ? 'open' : 'closed'}`);
  }

  onModuleDestroy() {
    this.#isOpen = false;
    this.steps.push('database closed');
  }
}

@Module({ providers: [Database], exports: [Database] })
class DatabaseModule {}

const ORDERS = { 'orders.topic': 'orders' };

describe('@Producer', () => {
  it('sends what the method returns, then returns it', async () => {
    const { app, producer } = await start({ providers: [OrderService] }, ORDERS);
    expect(await app.get(OrderService).place(1)).toEqual({ id: 'o1', customer: { id: 'c1' } });
    await app.get(OrderService).place(2, 7);
    await app.get(OrderService).maybe('four');
    expect(producer.sent.map(({ topic, key, value }) => [topic, text(key), text(value)])).toEqual([
      ['orders', 'c1', '{"id":"o1","customer":{"id":"c1"}}'],
      ['orders', '7', '{"id":"o2","customer":{"id":7}}'],
      ['maybe', '4', 'four'],
    ]);
  });

  it('sends nothing for undefined', async () => {
    const { app, producer } = await start({ providers: [OrderService] }, ORDERS);
    expect(await app.get(OrderService).maybe()).toBeUndefined();
    expect(producer.sent).toEqual([]);
  });

  it('rejects the caller with the cause when the delivery fails, or the key is missing', async () => {
    const { app, producer } = await start({ providers: [OrderService] }, ORDERS);
    const cause = new Error('not acknowledged');
    producer.failWith = cause;
    await expect(app.get(OrderService).place(1)).rejects.toBe(cause);
    producer.failWith = undefined;
    await expect(app.get(OrderService).place(1, undefined as never)).resolves.toBeDefined();
    const service = app.get(OrderService);
    await expect(service.maybe(null)).rejects.toThrow(TypeError);
    @Injectable()
    class NoKey {
      @Producer({ topic: 't', key: 'id' })
      async make() {
        return {};
      }
    }
    await running?.app.close();
    const second = await start({ providers: [NoKey] });
    await expect(second.app.get(NoKey).make()).rejects.toThrow('the result of NoKey.make has no property id');
  });

  it('works where the provider is injected, from onModuleInit on, and on routes', async () => {
    const seen: string[] = [];
    @Injectable()
    class Early implements OnModuleInit {
      constructor(private readonly service: OrderService) {}
      async onModuleInit() {
        await this.service.place(0);
      }
    }
    @Controller()
    class Orders {
      @Get('orders')
      @Producer({ topic: 'routed' })
      async get() {
        seen.push('route');
        return { from: 'route' };
      }
    }
    const { app, producer } = await start({ providers: [Early, OrderService], controllers: [Orders] }, ORDERS);
    expect(producer.sent.map(({ topic }) => topic)).toEqual(['orders']);
    const http = app as unknown as { listen(port: number): Promise<unknown>; getUrl(): Promise<string> };
    await http.listen(0);
    const answer = await fetch(`${(await http.getUrl()).replace('[::1]', 'localhost')}/orders`);
    expect(await answer.json()).toEqual({ from: 'route' });
    expect(producer.sent.map(({ topic }) => topic)).toEqual(['orders', 'routed']);
  });

  it('leaves the method of an instance outside of Nest as it is', async () => {
    expect(await new OrderService().place(3)).toEqual({ id: 'o3', customer: { id: 'c1' } });
  });

  it('keeps two applications in one process apart, and lets go at the end', async () => {
    const first = await startApp({ providers: [OrderService] }, ORDERS);
    const second = await start({ providers: [OrderService] }, { 'orders.topic': 'other' });
    await first.app.get(OrderService).place(1);
    await second.app.get(OrderService).place(2);
    expect([first.producer.sent[0]?.topic, second.producer.sent[0]?.topic]).toEqual(['orders', 'other']);
    const service = first.app.get(OrderService);
    await first.app.close();
    await service.place(3);
    expect(first.producer.sent).toHaveLength(1);
  });

  it('serves request-scoped providers through their class', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      @Producer({ topic: 'scoped' })
      async make() {
        return 'x';
      }
    }
    const { app, producer } = await start({ providers: [Scoped] });
    await (await app.resolve(Scoped)).make();
    expect(producer.sent).toHaveLength(1);
    await expect(startApp({ providers: [Scoped] })).rejects.toThrow(
      'is not a singleton, and another running application',
    );
  });

  it('goes with @KafkaListener on one method', async () => {
    const done = deferred();
    @Injectable()
    class Pipeline {
      @KafkaListener({ topics: 'in', id: 'pipe' })
      @Producer({ topic: 'out' })
      async handle(value: { n: number }) {
        done.resolve();
        return { n: value.n + 1 };
      }
    }
    const { consumer, producer } = await start({ providers: [Pipeline] });
    consumer('pipe').give({ value: Buffer.from('{"n":1}') });
    await done.promise;
    await flush();
    expect(text(producer.sent[0]?.value)).toBe('{"n":2}');
  });

  it('names an impossible topic at start', async () => {
    await expect(startApp({ providers: [OrderService] })).rejects.toThrow(
      '@Producer of OrderService.place: nothing defines "orders.topic"',
    );
  });
});

describe('KafkaModule', () => {
  it('injects the template, the registry and the configuration', async () => {
    @Injectable()
    class Service {
      constructor(
        readonly byClass: KafkaTemplate<{ n: number }>,
        @InjectKafkaTemplate() readonly byName: KafkaTemplate,
        @Inject(getKafkaTemplateToken()) readonly byToken: KafkaTemplate,
        readonly registry: ContainerRegistry,
        readonly properties: KafkaProperties,
        readonly environment: Environment,
      ) {}
    }
    const { app, producer } = await start({ providers: [Service] }, { 'kafka.template.default-topic': 'd', x: 'y' });
    const service = app.get(Service);
    await service.byClass.sendDefault({ n: 1 });
    expect([service.byName, service.byToken]).toEqual([service.byClass, service.byClass]);
    expect(producer.sent[0]?.topic).toBe('d');
    expect(service.properties.get('template.default-topic')).toBe('d');
    expect(service.environment.get('x')).toBe('y');
    expect(service.registry.list()).toEqual([]);
  });

  it('takes its options from other providers', async () => {
    const { options, producer } = fakes();
    const SETTINGS = 'settings';
    @Module({ providers: [{ provide: SETTINGS, useValue: { topic: 'configured' } }], exports: [SETTINGS] })
    class SettingsModule {}
    const module = await Test.createTestingModule({
      imports: [
        KafkaModule.forRootAsync({
          imports: [SettingsModule],
          inject: [SETTINGS],
          useFactory: async ({ topic }: { topic: string }) => ({
            ...options,
            properties: { kafka: { template: { defaultTopic: topic } } },
          }),
        }),
      ],
    }).compile();
    running = { app: module };
    await module.init();
    await module.get(KafkaTemplate).sendDefault('x');
    expect(producer.sent[0]?.topic).toBe('configured');
  });

  it('lets a test put properties over everything else', async () => {
    const { options } = fakes();
    const module = await Test.createTestingModule({ imports: [KafkaModule.forRoot(options)] })
      .overrideProvider(PROPERTY_OVERRIDES)
      .useValue({ 'kafka.consumer.group-id': 'override' })
      .compile();
    expect(module.get(KafkaProperties).get('consumer.group-id')).toBe('override');
    await module.close();
  });

  it('refuses a connection that it does not have, and no broker at all', async () => {
    @Injectable()
    class Service {
      @Producer({ topic: 't', connection: 'audit' })
      async place() {
        return 'x';
      }
    }
    await expect(start({ providers: [Service] })).rejects.toThrow('there is no connection audit; known: default');
    await expect(startApp({}, { 'kafka.embedded.enabled': 'false' }, { factories: {} })).rejects.toThrow(
      'kafka.embedded.enabled=false: there is no broker to talk to, since kafka.bootstrap-servers is not set either',
    );
  });

  it('refuses to be imported twice', async () => {
    await expect(startApp({ imports: [KafkaModule.forRoot(fakes().options)] })).rejects.toThrow(
      'imported more than once',
    );
  });

  it('rejects sends before the connection is open, with a word on when it will be', async () => {
    const { options } = fakes();
    const module = await Test.createTestingModule({ imports: [KafkaModule.forRoot(options)] }).compile();
    await expect(module.get(KafkaTemplate).send('t', 'x')).rejects.toThrow('send from onModuleInit on');
    await module.close();
  });

  it('starts listeners after everything else, but not those that say so', async () => {
    const states: string[][] = [];
    @Injectable()
    class Other {
      constructor(private readonly registry: ContainerRegistry) {}
      async onApplicationBootstrap() {
        await flush();
        states.push(this.registry.list().map(({ id, state }) => `${id} ${state}`));
      }
    }
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'a', id: 'on' })
      on(_value: any) {}
      @KafkaListener({ topics: 'a', id: 'off', autoStartup: false })
      off(_value: any) {}
    }
    const { app } = await start({ providers: [Listener, Other] });
    const registry = app.get(ContainerRegistry);
    expect(states).toEqual([['on initialized', 'off initialized']]);
    expect([registry.get('on').state, registry.get('off').state]).toEqual(['running', 'initialized']);
  });

  it('drains listeners before anything they use is destroyed, then ends the producer', async () => {
    const inFlight = deferred();
    const gate = deferred();
    @Injectable()
    class Listener {
      constructor(
        private readonly database: Database,
        private readonly template: KafkaTemplate,
      ) {}
      @KafkaListener({ topics: 'orders', id: 'slow' })
      async handle(_value: any) {
        inFlight.resolve();
        await gate.promise;
        await this.template.send('done', 'x');
        this.database.note('handled');
      }
      onApplicationShutdown() {
        this.database.note('shutdown');
      }
    }
    @Module({ imports: [DatabaseModule], providers: [Listener] })
    class OrdersModule {}

    const { app, consumer, producer } = await startApp({ imports: [OrdersModule] });
    const { steps } = app.get(Database);
    consumer('slow').give({ value: Buffer.from('1') });
    await inFlight.promise;
    const closing = app.close();
    await flush();
    expect(steps).toEqual([]);
    gate.resolve();
    await closing;
    expect(steps).toEqual(['handled, database open', 'database closed', 'shutdown, database closed']);
    expect(producer.sent).toHaveLength(1);
    expect(producer.calls).toEqual(['start', 'stop']);
    expect(consumer('slow').committed.at(-1)).toMatchObject({ topic: 'orders', partition: 0, offset: 1 });
  });

  it('waits for a handler that hangs until the deadline; what it uses is there until then', async () => {
    const inFlight = deferred<AbortSignal>();
    @Injectable()
    class Listener {
      constructor(private readonly database: Database) {}
      @KafkaListener({ topics: 'orders', id: 'hung' })
      handle(_value: any, @Signal() signal: AbortSignal) {
        signal.addEventListener('abort', () => this.database.note((signal.reason as NestdawError).code));
        inFlight.resolve(signal);
        return new Promise(() => undefined);
      }
    }
    const clock = new ManualClock();
    const deadline = { 'kafka.listener.shutdown-timeout': '5s' };
    const metadata = { imports: [DatabaseModule], providers: [Listener] };
    const { app, consumer } = await startApp(metadata, deadline, { clock });
    const { steps } = app.get(Database);
    consumer('hung').give({ value: Buffer.from('1') });
    await inFlight.promise;
    const closing = app.close();
    await flush(20);
    await clock.advance(4_999);
    expect(steps).toEqual([]);
    await clock.advance(1);
    await closing;
    expect(steps).toEqual(['KAFKA_STOPPED, database open', 'database closed']);
    expect(consumer('hung').committed.map(({ offset }) => offset)).not.toContain(1);
  });

  it('starts without its cluster, and goes on trying', async () => {
    const { options, producer, logger } = fakes();
    let tries = 0;
    producer.start = () => {
      tries++;
      const error = Object.assign(new Error('nobody answers'), { code: 'KAFKA_CONNECTION_FAILED' });
      return tries === 1 ? Promise.reject(error) : Promise.resolve();
    };
    const clock = new ManualClock();
    const app = await start({}, {}, { ...options, clock });
    expect(logger.lines).toEqual(['warn the producer is not connected: nobody answers; it goes on trying']);
    await clock.advance(1_000);
    expect(logger.lines.at(-1)).toBe('log the producer is connected, after 2 tries');
    await app.app.close();
  });

  it.each<[properties: Record<string, string>, ms: number]>([
    [{}, 10_000],
    [{ 'kafka.listener.startup-timeout': '3s' }, 3_000],
  ])('does not wait forever for partitions: %j', async (properties, ms) => {
    const clock = new ManualClock();
    const { options, logger } = fakes();
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'a', id: 'late' })
      handle(_value: any) {}
    }
    const never = withConsumers(options, (consumer) => {
      const stopped = deferred();
      consumer.start = () => stopped.promise;
      consumer.stop = () => {
        stopped.reject(new Error('stopped'));
        return Promise.resolve();
      };
    });
    const starting = start({ providers: [Listener] }, properties, { ...options, ...never, clock });
    await flush(20);
    await clock.advance(ms);
    await starting;
    expect(logger.lines.at(-1)).toContain(`late: no partitions after ${ms} ms (kafka.listener.startup-timeout)`);
  });

  it('tries a listener again that cannot start, every 10 s, where that is the policy', async () => {
    const { ManualClock } = await import('../../support/manual-clock.js');
    const clock = new ManualClock();
    const { options } = fakes();
    let tries = 0;
    const refused = withConsumers(options, (consumer) => {
      const begin = consumer.start.bind(consumer);
      consumer.start = (listener) => (++tries < 3 ? Promise.reject(new Error('no rights')) : begin(listener));
    });
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'a', id: 'late' })
      handle(_value: any) {}
    }
    const policy = { 'kafka.listener.start-failure': 'retry' };
    const { app } = await start({ providers: [Listener] }, policy, { ...options, ...refused, clock });
    const container = app.get(ContainerRegistry).get('late');
    expect([tries, container.state]).toEqual([1, 'failed']);
    expect(container.failure).toMatchObject({ message: 'no rights' });
    await clock.advance(9_999);
    expect(tries).toBe(1);
    await clock.advance(1);
    expect([tries, container.state]).toEqual([2, 'failed']);
    await clock.advance(10_000);
    expect([tries, container.state, container.failure]).toEqual([3, 'running', undefined]);
  });
});
