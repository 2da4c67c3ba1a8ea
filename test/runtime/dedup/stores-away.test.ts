import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Injectable, type Type } from '@nestjs/common';
import { Redis } from 'ioredis';
import mysql from 'mysql2/promise';
import sqlite from 'node-sqlite3-wasm';
import pg from 'pg';
import { ContainerRegistry, type DedupStore, Idempotent, KafkaListener, Payload } from '../../../src/index.js';
import { EmbeddedKafka, until } from '../../../src/testing/index.js';
import { type BrokerApp, records, startOnBroker } from '../../support/broker-app.js';

// Every store of message ids, with nobody behind its client: no record reaches its handler, whatever the policy.

/** Nobody listens there. */
const NOWHERE = { host: '127.0.0.1', port: 1 };

interface Away {
  readonly store: object;
  close(): unknown;
}

const STORES: ReadonlyArray<readonly [name: string, open: () => Away]> = [
  [
    'Redis',
    () => {
      const client = new Redis({ ...NOWHERE, maxRetriesPerRequest: 0, enableOfflineQueue: false, lazyConnect: true });
      client.on('error', () => undefined);
      return { store: client, close: () => client.disconnect() };
    },
  ],
  [
    'PostgreSQL',
    () => {
      const pool = new pg.Pool(NOWHERE);
      return { store: pool, close: () => pool.end() };
    },
  ],
  [
    'MySQL',
    () => {
      const pool = mysql.createPool(NOWHERE);
      return { store: pool, close: () => pool.end() };
    },
  ],
  [
    'SQLite',
    () => {
      const database = new sqlite.Database(':memory:');
      database.close();
      return { store: database, close: () => undefined };
    },
  ],
  [
    'a store of one’s own',
    () => {
      const refuse = () => Promise.reject(new Error('connection refused'));
      const store: DedupStore = { claim: refuse, finish: refuse, release: refuse, renew: refuse };
      return { store, close: () => undefined };
    },
  ],
];

describe('a guard whose store is away', () => {
  let kafka: EmbeddedKafka;
  let started: BrokerApp | undefined;
  let away: Away | undefined;
  let seen: string[];

  beforeEach(async () => {
    kafka = await EmbeddedKafka.start({ topics: ['orders'] });
    await kafka.produce('orders', 0, records(['a', 'b']));
    seen = [];
  });
  afterEach(async () => {
    await started?.app.close();
    started = undefined;
    await away?.close();
    await kafka.stop();
  });

  function listener(store: object, whenDown: 'wait' | 'fail', batch: boolean): Type {
    @Injectable()
    class Billing {
      @KafkaListener({ id: 'billing', topics: 'orders', batch, payload: String })
      @Idempotent({ id: '#key', store, whenDown })
      pay(@Payload() orders: string | string[]): void {
        seen.push(...[orders].flat());
      }
    }
    return Billing;
  }

  async function start(store: object, whenDown: 'wait' | 'fail', batch = false): Promise<INestApplicationContext> {
    const properties = { 'kafka.consumer.auto-offset-reset': 'earliest', 'kafka.listener.shutdown-timeout': '100ms' };
    started = await startOnBroker(kafka, { providers: [listener(store, whenDown, batch)] }, properties);
    return started.app;
  }

  const said = () => started!.logger.lines.some((line) => /does not answer: .*; its records wait/.test(line));

  it.each(STORES)('keeps its records from their handler while it is away: %s', async (_name, open) => {
    away = open();
    const app = await start(away.store, 'wait');
    await until(said, { what: 'the outage in the log' });
    const { counters } = app.get(ContainerRegistry).get('billing').describe().consumers[0]!;
    expect([seen, counters.failed, counters.finished]).toEqual([[], 0, 0]);
    expect((await kafka.committed('billing', 'orders'))[0]).toBeLessThan(1);
  });

  it.each(STORES)('fails them where it was told to, and passes none: %s', async (_name, open) => {
    away = open();
    const app = await start(away.store, 'fail');
    const counters = () => app.get(ContainerRegistry).get('billing').describe().consumers[0]!.counters;
    await until(() => counters().failed === 10, { what: 'ten deliveries' });
    expect([seen, counters().finished]).toEqual([[], 0]);
    expect((await kafka.committed('billing', 'orders'))[0]).toBeLessThan(1);
  });

  it.each(STORES.slice(0, 2))('keeps whole batches waiting: %s', async (_name, open) => {
    away = open();
    await start(away.store, 'wait', true);
    await until(said, { what: 'the outage in the log' });
    expect(seen).toEqual([]);
  });
});
