import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Injectable, type Type } from '@nestjs/common';
import pg from 'pg';
import {
  ContainerRegistry,
  Idempotent,
  KafkaListener,
  Payload,
  Sql,
  type SqlTransaction,
} from '../../../../src/index.js';
import { EmbeddedKafka, until } from '../../../../src/testing/index.js';
import { type BrokerApp, startOnBroker } from '../../../support/broker-app.js';
import { describeWith } from '../../../support/describe-with.js';
import { whyNoPostgres } from '../../../support/servers/postgres.js';
import { whyNoRedis } from '../../../support/servers/redis.js';
import { postgresPool, redisClient } from '../../../support/servers/store-clients.js';

// What a batch listener's guard asks of its store, counted where the commands arrive: a batch is claimed in one.

interface Order {
  readonly id: string;
}

/** What PostgreSQL hears of a batch. */
const STEPS = [/^BEGIN.*INSERT INTO nestdaw_dedup/s, /AS effect/, /^COMMIT/];

let kafka: EmbeddedKafka;
let started: BrokerApp | undefined;
let batches: string[][];

beforeEach(async () => {
  kafka = await EmbeddedKafka.start({ topics: { orders: 1 } });
  batches = [];
});
afterEach(async () => {
  await started?.app.close();
  started = undefined;
  await kafka.stop();
});

const ids = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `order-${from + at}`);

async function send(wanted: readonly string[]): Promise<void> {
  const record = (id: string) => ({
    key: null,
    value: Buffer.from(JSON.stringify({ id })),
    headers: [{ key: 'message-id', value: Buffer.from(id) }],
  });
  await kafka.produce('orders', 0, wanted.map(record));
}

async function start(listener: Type, client: object): Promise<void> {
  const providers = [listener, { provide: 'CLIENT', useValue: client }];
  started = await startOnBroker(kafka, { providers }, { 'kafka.consumer.auto-offset-reset': 'earliest' });
}

/** Two batches more: 500 new records, then 400 of them again with 100 new ones. Then everything is finished. */
async function sendTwoBatches(): Promise<void> {
  await send(ids(10, 510));
  await until(() => batches.flat().length === 510, { what: 'the first 500' });
  await kafka.untilConsumed('billing', 'orders');
  await send([...ids(110, 510), ...ids(510, 610)]);
  await until(() => batches.flat().length === 610, { what: 'the new ones' });
  await kafka.untilConsumed('billing', 'orders');
  expect(new Set(batches.flat()).size).toBe(610);
  expect(started!.app.get(ContainerRegistry).list()[0]!.describe().consumers[0]!.counters.duplicates).toBe(400);
}

describeWith('claims of batches in Redis', whyNoRedis)('a batch of 500 in Redis', () => {
  const client = redisClient();
  const calls = async (): Promise<number> => {
    const stats = await client().info('commandstats');
    const counts = [...stats.matchAll(/cmdstat_(?:eval|evalsha):calls=(\d+)/g)].map(([, count]) => Number(count));
    return counts.reduce((sum, count) => sum + count, 0);
  };

  it('is claimed in one command, and finished in one', async () => {
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', batch: true })
      @Idempotent({ store: 'CLIENT' })
      pay(@Payload() orders: Order[]): void {
        batches.push(orders.map(({ id }) => id));
      }
    }
    // Redis has not seen the scripts before.
    await send(ids(0, 10));
    await start(Billing, client());
    await kafka.untilConsumed('billing', 'orders');
    const [before, handled] = [await calls(), batches.length];
    await sendTwoBatches();
    expect(batches.length - handled).toBe(2);
    expect((await calls()) - before).toBe(4);
  });
});

describeWith('claims of batches in PostgreSQL', whyNoPostgres)('a batch of 500 in PostgreSQL', () => {
  const pool = postgresPool();

  it('is claimed in one statement, in the round trip that begins its transaction', async () => {
    @Injectable()
    class Billing {
      @KafkaListener({ topics: 'orders', groupId: 'billing', batch: true })
      @Idempotent({ store: 'CLIENT' })
      async pay(@Payload() orders: Order[], @Sql() sql: SqlTransaction): Promise<void> {
        batches.push(orders.map(({ id }) => id));
        await sql.query('SELECT 1 AS effect');
      }
    }
    await send(ids(0, 10));
    await start(Billing, pool());
    await kafka.untilConsumed('billing', 'orders');
    const statements: string[] = [];
    const { query } = pg.Client.prototype as { query: (...given: unknown[]) => unknown };
    pg.Client.prototype.query = function noted(this: pg.Client, ...given: unknown[]) {
      const [first] = given as [string | { readonly text?: string }];
      statements.push(typeof first === 'string' ? first : (first.text ?? ''));
      return query.apply(this, given);
    } as typeof pg.Client.prototype.query;
    try {
      await sendTwoBatches();
    } finally {
      pg.Client.prototype.query = query as typeof pg.Client.prototype.query;
    }
    const steps = statements.flatMap((text) => STEPS.find((step) => step.test(text)) ?? []);
    expect(steps).toEqual([...STEPS, ...STEPS]);
    expect(statements.filter((text) => text.includes('INSERT INTO nestdaw_dedup'))).toHaveLength(2);
  });
});
