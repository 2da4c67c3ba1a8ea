// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of properties, not of templates
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type INestApplication, Injectable, type ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  getKafkaAdminToken,
  KafkaAdmin,
  KafkaListener,
  KafkaModule,
  type KafkaModuleOptions,
  NewTopics,
  TopicBuilder,
} from '../../../../src/index.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';
import { RecordingLogger } from '../../../support/fake-clients.js';

let kafka: EmbeddedKafka;
let running: INestApplication | undefined;

beforeAll(async () => {
  kafka = await EmbeddedKafka.start({ config: { 'auto.create.topics.enable': 'false' } });
});
afterEach(async () => {
  await running?.close();
  running = undefined;
});
afterAll(() => kafka.stop());

async function start(options: KafkaModuleOptions, metadata: ModuleMetadata = {}, others: KafkaModuleOptions[] = []) {
  const complete = (one: KafkaModuleOptions): KafkaModuleOptions => ({
    cwd: '/nowhere',
    env: {},
    argv: [],
    logger: new RecordingLogger(),
    ...one,
    properties: {
      'kafka.bootstrap-servers': kafka.bootstrapServers,
      'kafka.admin.operation-timeout': '2s',
      ...one.properties,
    },
  });
  const imports = [options, ...others].map((one) => KafkaModule.forRoot(complete(one)));
  const module = await Test.createTestingModule({ ...metadata, imports }).compile();
  const app = module.createNestApplication({ logger: false });
  running = app;
  await app.init();
  return app.get(KafkaAdmin);
}

const partitions = async (admin: KafkaAdmin, name: string) =>
  (await admin.describeTopics(name)).get(name)?.partitions.length;

describe('topics of an application', () => {
  it('exist before its listeners start, those of the module and those of providers', async () => {
    @Injectable()
    class Listener {
      @KafkaListener({ topics: 'declared', groupId: 'g' })
      handle(_value: unknown) {}
    }
    const providers = [
      Listener,
      { provide: 'ONE', useValue: TopicBuilder.name('one').partitions(3).compact().build() },
      { provide: 'SEVERAL', useFactory: () => new NewTopics({ name: 'two' }, { name: 'three', partitions: 2 }) },
    ];
    const admin = await start(
      {
        topics: [TopicBuilder.name('declared').partitions(4).replicas(3).build(), { name: '${topics.prefix}-orders' }],
        properties: { 'kafka.listener.missing-topics-fatal': 'true', 'topics.prefix': 'eu' },
      },
      { providers },
    );
    expect(await admin.listTopics()).toEqual(['declared', 'eu-orders', 'one', 'three', 'two']);
    expect([await partitions(admin, 'declared'), await partitions(admin, 'three')]).toEqual([4, 2]);
    expect((await admin.topicConfigs('one')).get('cleanup.policy')?.value).toBe('compact');
    expect((await admin.describeGroups('g')).get('g')).toMatchObject({
      state: 'Stable',
      members: [{ partitions: { length: 4 } }],
    });
  });

  it('are not made where auto-create is off, but when somebody says so', async () => {
    const admin = await start({ topics: [{ name: 'not-made' }], properties: { 'kafka.admin.auto-create': 'false' } });
    expect(await partitions(admin, 'not-made')).toBeUndefined();
    expect(await admin.initialize()).toBe(true);
    expect(await partitions(admin, 'not-made')).toBe(1);
    await running!.close();
    expect(await (await start({})).initialize()).toBe(false);
  });

  it('belong to the connection that they name', async () => {
    const providers = [{ provide: 'AUDIT', useValue: TopicBuilder.name('audited').connection('audit').build() }];
    const audit = { name: 'audit', properties: { 'kafka.audit.bootstrap-servers': kafka.bootstrapServers } };
    await start({}, { providers }, [audit]);
    const admin = running!.get<KafkaAdmin>(getKafkaAdminToken('audit'));
    expect(await partitions(admin, 'audited')).toBe(1);
    await running!.close();
    await expect(start({}, { providers })).rejects.toThrow('topic audited: there is no connection audit');
  });

  it('that cannot be made keep it from starting under fail-fast only', async () => {
    const topics = [{ name: 'bad', configs: { 'retention.ms': 'soon' } }];
    const logger = new RecordingLogger();
    await start({ topics, logger });
    expect(
      logger.lines.find((line) => line.startsWith('error the topics of the application could not be made')),
    ).toContain('INVALID_CONFIG');
    await running!.close();
    await expect(start({ topics, properties: { 'kafka.admin.fail-fast': 'true' } })).rejects.toMatchObject({
      errorName: 'INVALID_CONFIG',
    });
  });

  it('are refused at start with every mistake in them', async () => {
    await expect(start({ topics: [{ name: 'a b' }, { name: 'c', partitions: -3 }] })).rejects.toThrow(
      /"a b" is no topic name.*topic c: partitions is -3/,
    );
  });
});
