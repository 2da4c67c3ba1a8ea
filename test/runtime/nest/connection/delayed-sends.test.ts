import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable, type ModuleMetadata } from '@nestjs/common';
import { Redis } from 'ioredis';
import sqlite from 'node-sqlite3-wasm';
import pg from 'pg';
import {
  KafkaListener,
  type KafkaRecord,
  KafkaTemplate,
  Payload,
  Record as RawRecord,
  RetryableTopic,
} from '../../../../src/index.js';
import { attemptOf, dueAtOf } from '../../../../src/runtime/retry/retry-headers.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';
import { until } from '../../../../src/testing/until.js';
import { records, startOnBroker } from '../../../support/broker-app.js';
import { describeWith } from '../../../support/describe-with.js';
import { postgresAddress, startPostgres, whyNoPostgres } from '../../../support/servers/postgres.js';
import { startRedis, whyNoRedis } from '../../../support/servers/redis.js';
import { type ServerProcess } from '../../../support/servers/server-process.js';

let kafka: EmbeddedKafka;
beforeAll(async () => {
  kafka = await EmbeddedKafka.start({ topics: { later: 2 } });
});
afterAll(() => kafka.stop());

async function sendsLater(
  properties: Record<string, string>,
  topic: string,
  metadata: ModuleMetadata = {},
): Promise<string[]> {
  await kafka.createTopic(topic, 2);
  const { app } = await startOnBroker(kafka, metadata, properties);
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

  const { app: again } = await startOnBroker(kafka, metadata, properties);
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

/** Twenty records that always fail, in two processes that share a store. */
async function retriesOnce(topic: string, client: object): Promise<void> {
  await kafka.createTopic(topic, 2);
  const calls: Array<{ attempt: number; isEarly: boolean }> = [];
  @Injectable()
  class Failing {
    @RetryableTopic({ attempts: 3, backOff: { delay: 250 }, delays: 'CLIENT' })
    @KafkaListener({ topics: topic, groupId: topic })
    handle(@Payload() _value: unknown, @RawRecord() record: KafkaRecord) {
      calls.push({ attempt: attemptOf(record), isEarly: Date.now() < (dueAtOf(record) ?? 0) });
      throw new Error('no');
    }
  }
  const metadata = { providers: [Failing, { provide: 'CLIENT', useValue: client }] };
  const one = await startOnBroker(kafka, metadata);
  const two = await startOnBroker(kafka, metadata);
  await kafka.produce(topic, 0, records(Array.from({ length: 10 }, (_, n) => ({ n }))));
  await kafka.produce(topic, 1, records(Array.from({ length: 10 }, (_, n) => ({ n }))));
  await kafka.untilRecords(`${topic}-dlt`, 20, { timeoutMs: 20_000 });
  await until(() => calls.length >= 60, { what: 'every delivery' });
  expect(calls.filter(({ isEarly }) => isEarly)).toEqual([]);
  for (const attempt of [1, 2, 3]) expect(calls.filter((call) => call.attempt === attempt)).toHaveLength(20);
  await one.app.close();
  await two.app.close();
}

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

  it('retries wait there, each delivered once by one of two processes, never early', async () => {
    await retriesOnce('orders', client);
    expect(await client.zcard('nestdaw:{retries-default}:due')).toBe(0);
  }, 60_000);
});

describe('with SQLite', () => {
  const database = new sqlite.Database(':memory:');
  afterAll(() => database.close());

  it('a delayed send waits in a table, over a restart, unless it is taken back', async () => {
    const metadata = { providers: [{ provide: 'DATABASE', useValue: database }] };
    expect(await sendsLater({ 'kafka.delays.store': 'DATABASE' }, 'by-sql', metadata)).toEqual(SENT);
  }, 60_000);

  it('is refused at the start when there is no such provider, or it is no store', async () => {
    const start = (store: string) =>
      startOnBroker(kafka, { providers: [{ provide: 'NO_STORE', useValue: {} }] }, { 'kafka.delays.store': store });
    await expect(start('redsi')).rejects.toThrow('there is no provider redsi');
    await expect(start('NO_STORE')).rejects.toThrow('is no SQL client that is known');
  });
});

describeWith('retries in PostgreSQL', whyNoPostgres)('with PostgreSQL', () => {
  let server: ServerProcess;
  let pool: pg.Pool;
  beforeAll(async () => {
    server = await startPostgres();
    pool = new pg.Pool(postgresAddress(server));
    pool.on('error', () => undefined);
  }, 60_000);
  afterAll(async () => {
    await pool?.end();
    await server?.stop();
  });

  it('retries wait there, each delivered once by one of two processes, never early', async () => {
    await retriesOnce('payments', pool);
    expect((await pool.query('SELECT 1 FROM nestdaw_delays')).rowCount).toBe(0);
  }, 60_000);
});
