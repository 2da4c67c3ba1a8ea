import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Redis } from 'ioredis';
import {
  KafkaListener,
  type KafkaRecord,
  KafkaTemplate,
  Payload,
  Record as RawRecord,
  RetryableTopic,
} from '../../../../src/index.js';
import { redisRunner } from '../../../../src/runtime/redis/redis-scripts.js';
import { type DelayedMessage } from '../../../../src/runtime/retry/delays/delay-store.js';
import { RedisDelayStore } from '../../../../src/runtime/retry/delays/redis-delay-store.js';
import { attemptOf, dueAtOf } from '../../../../src/runtime/retry/retry-headers.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';
import { until } from '../../../../src/testing/until.js';
import { records, startOnBroker } from '../../../support/broker-app.js';
import { describeWith } from '../../../support/describe-with.js';
import { startRedis, whyNoRedis } from '../../../support/servers/redis.js';
import { type ServerProcess } from '../../../support/servers/server-process.js';

let kafka: EmbeddedKafka;
beforeAll(async () => {
  kafka = await EmbeddedKafka.start({ topics: { later: 2 } });
});
afterAll(() => kafka.stop());

async function sendsLater(properties: Record<string, string>, topic: string): Promise<string[]> {
  await kafka.createTopic(topic, 2);
  const { app } = await startOnBroker(kafka, {}, properties);
  const template = app.get(KafkaTemplate);
  const began = Date.now();
  const record = { topic, partition: 1, key: 'k', value: { n: 1 }, headers: { trace: 't' } };
  const first = await template.send(record, { delay: 1_200 });
  const cancelled = await template.send({ ...record, value: { n: 2 } }, { delay: '1200ms' });
  await template.send({ ...record, value: { n: 0 } }, { delay: 300 });
  const restarted = await template.send({ ...record, value: { n: 3 } }, { delay: 1_500 });
  expect(first.dueAt).toBeGreaterThanOrEqual(began + 1_200);
  expect(await template.cancelDelayed(cancelled.id)).toBe(true);
  await app.close();

  const { app: again } = await startOnBroker(kafka, {}, properties);
  const found = await kafka.untilRecords(topic, 3, { timeoutMs: 20_000 });
  expect(Date.now()).toBeGreaterThanOrEqual(restarted.dueAt);
  for (const { partition, key, headers, timestamp } of found) {
    expect([partition, key!.toString(), headers.map((header) => header.key)]).toEqual([1, 'k', ['trace']]);
    expect(timestamp).toBeGreaterThanOrEqual(began + 300);
  }
  expect(await again.get(KafkaTemplate).cancelDelayed(first.id)).toBe(false);
  await again.close();
  return found.map(({ value }) => value!.toString());
}

const SENT = ['{"n":0}', '{"n":1}', '{"n":3}'];

describe('a delayed send', () => {
  it(
    'waits in topics, over a restart, unless it is taken back',
    async () => expect(await sendsLater({ 'kafka.delays.store': 'topics' }, 'by-topics')).toEqual(SENT),
    60_000,
  );

  it('is refused where it could not wait, and when the delay is none', async () => {
    const { app } = await startOnBroker(kafka, {});
    const template = app.get(KafkaTemplate);
    const record = { topic: 'later', value: 1 };
    await expect(template.send(record, { delay: 10 })).rejects.toThrow('kafka.delays.store=topics');
    await expect(template.send(record, { delay: 'soon' })).rejects.toThrow('is no delay');
    await expect(template.cancelDelayed('nonsense')).rejects.toThrow('no id of a delayed send');
    await app.close();
  });
});

describeWith('delayed sends in Redis', whyNoRedis)('with Redis', () => {
  let redis: ServerProcess;
  let client: Redis;
  beforeAll(async () => {
    redis = await startRedis();
    client = new Redis(redis.port, '127.0.0.1');
  }, 60_000);
  afterAll(async () => {
    client.disconnect();
    await redis.stop();
  });

  it('a delayed send waits in a sorted set, over a restart, unless it is taken back', async () => {
    const properties = { 'kafka.delays.store': 'redis', 'kafka.redis.url': `redis://127.0.0.1:${redis.port}` };
    expect(await sendsLater(properties, 'by-redis')).toEqual(SENT);
  }, 60_000);

  it('a store gives each message to one of many takers, again when its lease has run out, and cancels', async () => {
    const store = new RedisDelayStore(redisRunner(client), 'suite');
    const message = (id: string, dueAt: number): DelayedMessage => ({
      id,
      dueAt,
      topic: 't',
      partition: undefined,
      record: { key: null, value: Buffer.from([0, 255]), headers: [{ key: 'h', value: null }] },
    });
    for (let n = 0; n < 100; n++) await store.put(message(`m${n}`, 1_000 + n));
    await store.put(message('m5', 9_999));
    expect(await store.nextDue()).toBe(1_000);
    expect(await store.take(999, 10, 500)).toEqual([]);
    const taken = (await Promise.all(Array.from({ length: 8 }, () => store.take(1_049, 10, 500)))).flat();
    expect(taken.map(({ id }) => id).sort()).toEqual(Array.from({ length: 50 }, (_, n) => `m${n}`).sort());
    expect(taken[0]).toEqual(message(taken[0]!.id, taken[0]!.dueAt));
    expect(await store.cancel('m60')).toBe(true);
    expect(await store.cancel('m60')).toBe(false);
    expect(await store.cancel('m7')).toBe(false);
    await store.done(taken.slice(1).map(({ id }) => id));
    // The one that was not done comes again; what was cancelled never does.
    expect((await store.take(1_549, 100, 500)).map(({ id }) => id)).toEqual([
      taken[0]!.id,
      ...Array.from({ length: 50 }, (_, n) => `m${n + 50}`).filter((id) => id !== 'm60'),
    ]);
  });

  it('retries wait there, each delivered once by one of two processes, never early', async () => {
    await kafka.createTopic('orders', 2);
    const calls: Array<{ attempt: number; isEarly: boolean }> = [];
    @Injectable()
    class Orders {
      @RetryableTopic({ attempts: 3, backOff: { delay: 250 }, delays: 'CLIENT' })
      @KafkaListener({ topics: 'orders', groupId: 'orders' })
      handle(@Payload() _value: unknown, @RawRecord() record: KafkaRecord) {
        calls.push({ attempt: attemptOf(record), isEarly: Date.now() < (dueAtOf(record) ?? 0) });
        throw new Error('no');
      }
    }
    const metadata = { providers: [Orders, { provide: 'CLIENT', useValue: client }] };
    const one = await startOnBroker(kafka, metadata);
    const two = await startOnBroker(kafka, metadata);
    await kafka.produce('orders', 0, records(Array.from({ length: 10 }, (_, n) => ({ n }))));
    await kafka.produce('orders', 1, records(Array.from({ length: 10 }, (_, n) => ({ n }))));
    await kafka.untilRecords('orders-dlt', 20, { timeoutMs: 20_000 });
    await until(() => calls.length >= 60, { what: 'every delivery' });
    expect(calls.filter(({ isEarly }) => isEarly)).toEqual([]);
    for (const attempt of [1, 2, 3]) expect(calls.filter((call) => call.attempt === attempt)).toHaveLength(20);
    expect(await client.zcard('nestdaw:{retries-default}:due')).toBe(0);
    await one.app.close();
    await two.app.close();
  }, 60_000);
});
