import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  ContainerRegistry,
  getKafkaTemplateToken,
  InjectKafkaTemplate,
  KafkaListener,
  KafkaModule,
  KafkaTemplate,
  NestdawError,
  Payload,
  Producer,
} from '../../../../src/index.js';
import { type Cluster } from '../../../../src/runtime/client/cluster/cluster.js';
import { type ClusterRequest } from '../../../../src/runtime/nest/connection/cluster-request.js';
import { EmbeddedKafka } from '../../../../src/testing/embedded-kafka.js';
import { until } from '../../../../src/testing/until.js';
import { file, folderWith } from '../../../support/config-folder.js';
import { fakes, startApp } from '../../../support/kafka-app.js';

// Several connections in one application, and what the whole of it is told about its configuration.

let running: { close(): Promise<unknown> } | undefined;

afterEach(async () => {
  await running?.close();
  running = undefined;
});

/** An application over fakes, one set for each connection. */
async function startWith(names: readonly string[], files: Record<string, string>, providers: any[] = []) {
  const cwd = folderWith(files);
  const sets = names.map((name) => ({ name, ...fakes() }));
  const imports = sets.map(({ name, options }) => {
    const { properties: _properties, ...rest } = options;
    return KafkaModule.forRoot({ ...rest, cwd, ...(name === 'default' ? {} : { name }) });
  });
  const module = await Test.createTestingModule({ imports, providers }).compile();
  const app = module.createNestApplication({ logger: false });
  running = app;
  await app.init();
  return { app, of: (name: string) => sets.find((set) => set.name === name)! };
}

const TWO = file(
  'kafka.consumer.group-id=orders',
  'kafka.template.default-topic=orders',
  'kafka.audit.consumer.group-id=audit-group',
  'spring.kafka.audit.template.default-topic=audit-topic',
  'orders.topic=o',
);

@Injectable()
class Service {
  readonly seen: unknown[] = [];

  constructor(
    readonly orders: KafkaTemplate,
    @InjectKafkaTemplate('audit') readonly audit: KafkaTemplate,
  ) {}

  @KafkaListener({ topics: '${orders.topic}', id: 'main', groupId: '' })
  main(value: any) {
    this.seen.push(value);
  }

  @KafkaListener({ topics: 'a', id: 'second', groupId: 'g', connection: 'audit' })
  second(value: any) {
    this.seen.push(value);
  }

  @Producer({ topic: 'p', connection: 'audit' })
  async produce(value: string) {
    return value;
  }
}

describe('several connections', () => {
  it('have keys, templates, listeners and producers of their own', async () => {
    const { app, of } = await startWith(['default', 'audit'], TWO, [Service]);
    const service = app.get(Service);
    await service.orders.sendDefault('x');
    await service.audit.sendDefault('y');
    await service.produce('z');
    expect(of('default').producer.sent.map(({ topic }) => topic)).toEqual(['orders']);
    expect(of('audit').producer.sent.map(({ topic }) => topic)).toEqual(['audit-topic', 'p']);
    const endpoints = app
      .get(ContainerRegistry)
      .list()
      .map(({ endpoint }) => [endpoint.id, endpoint.connection, endpoint.groupId]);
    expect(endpoints).toEqual([
      ['main', 'default', 'orders'],
      ['second', 'audit', 'g'],
    ]);
    expect(of('audit').consumer('second').topic).toBe('a');
    expect(() => of('default').consumer('second')).toThrow('no listener second');
    expect(app.get(getKafkaTemplateToken('audit'))).toBe(service.audit);
  });

  it('end together, each producer once', async () => {
    const { app, of } = await startWith(['default', 'audit'], TWO);
    await app.close();
    running = undefined;
    for (const name of ['default', 'audit']) expect(of(name).producer.calls).toEqual(['start', 'stop']);
  });

  it('may do without the one that has no name', async () => {
    const { app, of } = await startWith(['audit'], file('kafka.audit.template.default-topic=t'));
    await app.get<KafkaTemplate>(getKafkaTemplateToken('audit')).sendDefault('x');
    expect(of('audit').producer.sent[0]?.topic).toBe('t');
    expect(() => app.get(KafkaTemplate)).toThrow('KafkaTemplate');
  });

  it('report mistakes of all together, each once', async () => {
    const files = file(
      'kafka.consumer.max-pol-records=1',
      'kafka.audit.producer.acks=two',
      'kafka.adit.client-id=x',
      'kafka.billing.client-id=x',
    );
    const error = await startWith(['default', 'audit'], files).catch((thrown: unknown) => thrown as Error);
    expect((error as Error).message.split('\n').slice(1).sort()).toEqual([
      '  - application.properties:1:32: kafka.consumer.max-pol-records=1: unknown key; did you mean kafka.consumer.max-poll-records?',
      '  - application.properties:2:27: kafka.audit.producer.acks=two: not allowed; allowed: all, 1, 0, -1',
      '  - application.properties:3:22: kafka.adit.client-id=x: unknown key; did you mean kafka.audit.client-id?',
      "  - application.properties:4:25: kafka.billing.client-id=x: unknown key; there is no connection billing: give it with KafkaModule.forRoot({ name: 'billing' }), or remove the key",
    ]);
  });

  it('are reported together with mistakes of decorators', async () => {
    @Injectable()
    class Broken {
      @KafkaListener({ topics: '${nowhere}', id: 'broken' })
      handle(_value: any) {}
    }
    const strategy = 'kafka.consumer.properties.partition.assignment.strategy';
    const files = file('kafka.listener.concurrency=0', `${strategy}=range, org.acme.StickyAssigner`);
    const started = startWith(['default'], files, [Broken]);
    await expect(started).rejects.toThrow(/3 mistakes:.*listener\.concurrency=0.*nothing defines "nowhere"/s);
    await expect(started).rejects.toThrow(
      `application.properties:2:57: ${strategy}=org.acme.StickyAssigner: unknown strategy; use range, roundrobin,`,
    );
  });

  it('take keys from variables', async () => {
    const { options, producer } = fakes();
    const env = { KAFKA_AUDIT_TEMPLATE_DEFAULT_TOPIC: 'from-env', SPRING_KAFKA_AUDIT_CLIENT_ID: 'me' };
    const { properties: _properties, ...rest } = options;
    const module = await Test.createTestingModule({
      imports: [KafkaModule.forRoot({ ...rest, env, name: 'audit' })],
    }).compile();
    running = module;
    await module.init();
    await module.get<KafkaTemplate>(getKafkaTemplateToken('audit')).sendDefault('x');
    expect(producer.sent[0]?.topic).toBe('from-env');
  });

  it.each([
    ['consumer', 'no connection can be called consumer: kafka.consumer. begins keys'],
    ['Audit', '"Audit" is no name of a connection; allowed: lower-case letters'],
  ])('cannot be called %s', async (name, message) => {
    await expect(startApp({}, {}, { name })).rejects.toThrow(message);
  });

  it('take their name from forRootAsync itself', async () => {
    const { options } = fakes();
    const factory = (given: object) =>
      Test.createTestingModule({
        imports: [KafkaModule.forRootAsync({ name: 'audit', useFactory: () => ({ ...options, ...given }) })],
      }).compile();
    running = await factory({});
    await expect(factory({ name: 'other' })).rejects.toThrow("remove name: 'other' from what the factory gives");
  });

  it('work with a service of configuration', async () => {
    @Injectable()
    class ConfigService {
      get = (key: string) => ({ TOPIC: 'configured' })[key];
    }
    @Module({ providers: [ConfigService], exports: [ConfigService] })
    class ConfigModule {}
    const { options, producer } = fakes();
    const module = await Test.createTestingModule({
      imports: [
        KafkaModule.forRootAsync({
          imports: [ConfigModule],
          inject: [ConfigService],
          useFactory: (config: ConfigService) => ({
            ...options,
            properties: { kafka: { template: { defaultTopic: config.get('TOPIC') } } },
          }),
        }),
      ],
    }).compile();
    running = module;
    await module.init();
    await module.get(KafkaTemplate).sendDefault('x');
    expect(producer.sent[0]?.topic).toBe('configured');
  });

  it('reach two clusters', async () => {
    const [main, audit] = await Promise.all([
      EmbeddedKafka.start({ topics: ['in'] }),
      EmbeddedKafka.start({ topics: ['out'] }),
    ]);
    @Injectable()
    class Bridge {
      @KafkaListener({ topics: 'in', groupId: 'bridge' })
      @Producer({ topic: 'out', connection: 'audit' })
      async forward(@Payload() value: any) {
        return { forwarded: value.id };
      }
    }
    const properties = {
      ...main.properties(),
      'kafka.audit.bootstrap-servers': audit.bootstrapServers,
    };
    const common = { cwd: '/nowhere', env: {}, argv: [], properties, logger: fakes().logger };
    const module = await Test.createTestingModule({
      imports: [KafkaModule.forRoot(common), KafkaModule.forRoot({ ...common, name: 'audit' })],
      providers: [Bridge],
    }).compile();
    running = {
      close: async () => {
        await module.close();
        await Promise.all([main.stop(), audit.stop()]);
      },
    };
    await module.init();
    await module.get(KafkaTemplate).send('in', { id: 7 });
    const records = await audit.untilRecords('out', 1);
    expect(records.map(({ value }) => value?.toString())).toEqual(['{"forwarded":7}']);
    expect(await main.records('in')).toHaveLength(1);
  });
});

describe('keys of the connection', () => {
  it('give consumers and the producer servers, names and time-outs of their own', async () => {
    const requests: ClusterRequest[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'a', id: 'l', groupId: 'g' })
      handle(_value: any) {}
    }
    const { logger } = fakes();
    const module = await Test.createTestingModule({
      imports: [
        KafkaModule.forRoot({
          cwd: '/nowhere',
          env: {},
          argv: [],
          logger,
          properties: {
            'kafka.bootstrap-servers': 'all:1',
            'kafka.consumer.bootstrap-servers': 'c:1',
            'kafka.listener.client-id': 'mine',
            'kafka.listener.log-container-config': 'true',
            'kafka.listener.startup-timeout': '0',
            'kafka.producer.properties.socket.connection.setup.timeout.ms': '7s',
            'kafka.consumer.security.protocol': 'SSL',
          },
          factories: {
            cluster: (request) => {
              requests.push(request);
              const away = () => Promise.reject(new NestdawError('KAFKA_CONNECTION_FAILED', 'away'));
              return { connect: away, close: () => Promise.resolve() } as unknown as Cluster;
            },
          },
        }),
      ],
      providers: [Listener],
    }).compile();
    running = module;
    await module.init();
    const [producer, consumer] = requests;
    expect(producer).toMatchObject({
      bootstrapServers: ['all:1'],
      clientId: 'nestdaw',
      connectionSetupTimeoutMs: 7_000,
    });
    expect(producer).not.toHaveProperty('ssl');
    expect(consumer).toMatchObject({ bootstrapServers: ['c:1'], clientId: 'mine-l-0', ssl: {} });
    expect(logger.lines.join('\n')).toContain('listener l: {"id":"l","topics":["a"],"groupId":"g"');
  });

  it('keep an application from starting whose topics are missing, if told so', async () => {
    const kafka = await EmbeddedKafka.start({ topics: ['there'] });
    const heard: unknown[] = [];
    @Injectable()
    class Listener {
      @KafkaListener({ topics: ['there', 'missing'], id: 'l', groupId: 'g' })
      handle(value: any) {
        heard.push(value);
      }
      @KafkaListener({ topicPartitions: ['there-0', 'nowhere-0', 'nowhere-1'], groupId: 'h', id: 'm' })
      parts(_value: unknown) {}
    }
    const start = (fatal: boolean) =>
      Test.createTestingModule({
        imports: [
          KafkaModule.forRoot({
            cwd: '/nowhere',
            env: {},
            argv: [],
            logger: fakes().logger,
            properties: {
              ...kafka.properties(),
              'kafka.consumer.auto-offset-reset': 'earliest',
              'kafka.listener.missing-topics-fatal': fatal,
            },
          }),
        ],
        providers: [Listener],
      }).compile();
    const fatal = await start(true);
    running = { close: () => kafka.stop() };
    await expect(fatal.init()).rejects.toThrow(
      'topics of listeners do not exist: missing (l); nowhere (m); create them',
    );
    const containers = fatal.get(ContainerRegistry).list();
    expect([containers.map(({ state }) => state), heard]).toEqual([['initialized', 'initialized'], []]);
    const gentle = await start(false);
    await gentle.init();
    await gentle.get(KafkaTemplate).send('there', 1);
    await until(() => heard.length > 0, { what: 'a record of the topic that is there' });
    await gentle.close();
    expect(heard).toEqual([1]);
  });
});

it('a process whose configuration is wrong ends with exit code 1 and the whole list', () => {
  const script = `
    import 'reflect-metadata';
    import { Module } from '@nestjs/common';
    import { NestFactory } from '@nestjs/core';
    import { KafkaModule } from '${fileURLToPath(new URL('../../../../dist/esm/index.js', import.meta.url))}';
    class App {}
    Module({ imports: [KafkaModule.forRoot({ cwd: process.env.FOLDER, argv: [] })] })(App);
    const app = await NestFactory.create(App);
    await app.init();`;
  const folder = folderWith(file('kafka.producer.acks=two', 'kafka.consumr.group-id=g'));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, FOLDER: folder },
  });
  expect(stdout + stderr).toContain('the configuration has 2 mistakes');
  expect(stdout + stderr).toContain(
    'application.properties:2:24: kafka.consumr.group-id=g: unknown key; did you mean kafka.consumer.group-id?',
  );
  expect(status).toBe(1);
});
