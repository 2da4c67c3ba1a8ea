import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Injectable, type Provider } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  KafkaAdmin,
  KafkaListener,
  KafkaModule,
  type KafkaModuleOptions,
  KafkaTemplate,
  type SendObserver,
} from '../../../../src/index.js';
import { type Claimant, type DedupWindow, type IdGroup } from '../../../../src/runtime/dedup/dedup-store.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';
import { until } from '../../../../src/testing/until.js';
import { RecordingLogger } from '../../../support/fake-clients.js';
import { startApp } from '../../../support/kafka-app.js';
import { ScriptedDedupStore } from '../../../support/scripted-dedup-store.js';

// Keys that no other suite sets: a line of a configuration, and what an application does because of it.

let kafka: EmbeddedKafka;
let app: INestApplicationContext | undefined;

beforeEach(async () => {
  kafka = await EmbeddedKafka.start({ topics: { orders: 1 } });
});
afterEach(async () => {
  await app?.close();
  app = undefined;
  await kafka.stop();
});

async function start(
  properties: Record<string, string>,
  providers: Provider[] = [],
  more: Partial<KafkaModuleOptions> = {},
) {
  const given = { ...kafka.properties(), ...properties };
  const module = await Test.createTestingModule({
    imports: [
      KafkaModule.forRoot({
        properties: given,
        cwd: '/nowhere',
        env: {},
        argv: [],
        logger: new RecordingLogger(),
        ...more,
      }),
    ],
    providers,
  }).compile();
  module.useLogger(false);
  app = await module.init();
  return app;
}

const seen: unknown[] = [];

@Injectable()
class Billing {
  @KafkaListener({ topics: 'orders', groupId: 'billing' })
  pay(order: unknown): void {
    seen.push(order);
  }
}

beforeEach(() => void seen.splice(0));

it.each([
  ['false', '60000'],
  ['true', '120000'],
])('admin.modify-topic-configs=%s leaves a topic with retention.ms=%s', async (value, retention) => {
  const admin = (await start({})).get(KafkaAdmin);
  await admin.createOrModifyTopics({ name: 'kept', configs: { 'retention.ms': 60_000 } });
  await app!.close();
  const topics = [{ name: 'kept', configs: { 'retention.ms': 120_000 } }];
  const later = await start({ 'kafka.admin.modify-topic-configs': value }, [], { topics });
  expect((await later.get(KafkaAdmin).topicConfigs('kept')).get('retention.ms')?.value).toBe(retention);
});

it('consumer.properties.group.instance.id is how a group knows its member again, consumer.client-id its name there', async () => {
  const keys = { 'kafka.consumer.properties.group.instance.id': 'till-7', 'kafka.consumer.client-id': 'shop' };
  const context = await start(keys, [Billing]);
  const { members } = (await context.get(KafkaAdmin).describeGroups('billing')).get('billing')!;
  expect(members).toMatchObject([{ memberId: expect.stringMatching(/^till-7-/), clientId: 'shop-Billing.pay-0' }]);
});

it('listener.offset-store=file keeps offsets in listener.offset-directory, and none in Kafka', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'offsets-'));
  await kafka.produce('orders', 0, [{ key: null, value: Buffer.from('{}') }]);
  const keys = { 'kafka.listener.offset-store': 'file', 'kafka.listener.offset-directory': folder };
  await start(keys, [Billing]);
  await until(() => seen.length === 1, { what: 'the record' });
  await app!.close();
  expect(existsSync(join(folder, 'billing', 'orders-0-offset.txt'))).toBe(true);
  expect(await kafka.committed('billing', 'orders')).toEqual([-1]);
  rmSync(folder, { recursive: true });
});

describe('listener.idempotent', () => {
  class NotingStore extends ScriptedDedupStore {
    readonly asked: Array<readonly [Claimant['leaseMs'], DedupWindow]> = [];
    override finish(groups: readonly IdGroup[], claimant: Claimant, window?: DedupWindow): Promise<void> {
      this.asked.push([claimant.leaseMs, window!]);
      return super.finish(groups, claimant);
    }
  }

  it('.store, .window-count, .window-time and .lease are what a store of the application is asked with', async () => {
    const store = new NotingStore();
    const order = (id: string) => ({ key: Buffer.from(id), value: Buffer.from('{}') });
    await kafka.produce('orders', 0, [order('a'), order('b'), order('a')]);
    const keys = {
      'kafka.listener.idempotent.id': '#key',
      'kafka.listener.idempotent.store': 'NOTING',
      'kafka.listener.idempotent.window-count': '700',
      'kafka.listener.idempotent.window-time': '3m',
      'kafka.listener.idempotent.lease': '17s',
    };
    await start(keys, [Billing, { provide: 'NOTING', useValue: store }]);
    await kafka.untilConsumed('billing', 'orders');
    expect(seen).toHaveLength(2);
    expect(new Set(store.asked.map((one) => JSON.stringify(one)))).toEqual(
      new Set([JSON.stringify([17_000, { count: 700, timeMs: 180_000 }])]),
    );
  });
});

describe('template.observation-enabled', () => {
  const observed: string[] = [];
  const observer: SendObserver = { begin: ({ topic }) => void observed.push(topic) };
  beforeEach(() => void observed.splice(0));

  it.each([
    [undefined, ['orders']],
    ['true', ['orders']],
    ['false', []],
  ])('%s: who observes sends is told of %j', async (value, told) => {
    const properties: Record<string, string> =
      value === undefined ? {} : { 'kafka.template.observation-enabled': value };
    const { app: nest, logger } = await startApp({}, properties, { sendObservers: [observer] });
    app = nest;
    await nest.get(KafkaTemplate).send('orders', 'x');
    expect(observed).toEqual(told);
    expect(logger.lines.filter((line) => line.includes('observation-enabled'))).toEqual([]);
  });

  it('says so when it is switched on, and nobody is there to observe', async () => {
    const { app: nest, logger } = await startApp({}, { 'kafka.template.observation-enabled': 'true' });
    app = nest;
    expect(logger.lines.filter((line) => line.includes('nobody is there to observe sends'))).toEqual([
      expect.stringMatching(/^warn .*kafka\.template\.observation-enabled=true: .*sendObservers/),
    ]);
  });
});
