import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, type Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import sqlite from 'node-sqlite3-wasm';
import {
  ContainerRegistry,
  ExternalOffsets,
  Idempotent,
  KafkaListener,
  KafkaModule,
  Payload,
  Sql,
  type SqlDatabase,
  type SqlTransaction,
  sqlDatabase,
} from '../../../../src/index.js';
import { EmbeddedKafka } from '../../../../src/testing/index.js';
import { until } from '../../../../src/testing/until.js';
import { RecordingLogger } from '../../../support/fake-clients.js';

// A database that is away for a while: no matter of the records that need it.

let kafka: EmbeddedKafka;
let app: TestingModule | undefined;
let database: SqlDatabase;
let client: sqlite.Database;
let isAway: boolean;
let refused: number;

beforeEach(async () => {
  kafka = await EmbeddedKafka.start({ topics: { orders: 1 } });
  client = new sqlite.Database(':memory:');
  const inner = sqlDatabase(client);
  await inner.query('CREATE TABLE effects (id TEXT)');
  isAway = false;
  refused = 0;
  database = {
    dialect: 'sqlite',
    query: (sql, params) => inner.query(sql, params),
    runInTransaction: (work) => {
      if (!isAway) return inner.runInTransaction(work);
      refused++;
      return Promise.reject(new Error('connect ECONNREFUSED'));
    },
  };
});

afterEach(async () => {
  isAway = false;
  await app?.close();
  app = undefined;
  await kafka.stop();
  client.close();
});

async function start(listener: Type): Promise<RecordingLogger> {
  const imports = [KafkaModule.forRoot({ properties: kafka.properties(), cwd: '/nowhere', env: {}, argv: [] })];
  const providers = [listener, { provide: 'DATABASE', useFactory: () => database }];
  const module = await Test.createTestingModule({ imports, providers }).compile();
  const logger = new RecordingLogger();
  module.useLogger(logger);
  app = await module.init();
  return logger;
}

const send = (...ids: string[]) =>
  kafka.produce(
    'orders',
    0,
    ids.map((id) => ({
      key: Buffer.from(id),
      value: Buffer.from(JSON.stringify({ id })),
      headers: [{ key: 'message-id', value: Buffer.from(id) }],
    })),
  );

const effects = async () => {
  const { rows } = await database.query<{ id: string }>('SELECT id FROM effects ORDER BY id');
  return rows.map(({ id }) => id);
};

const failures = () => app!.get(ContainerRegistry).list()[0]!.describe().consumers[0]!.counters.failed;

const insert = (sql: SqlTransaction, { id }: { readonly id: string }) =>
  sql.query('INSERT INTO effects (id) VALUES (?)', [id]);

@Injectable()
class WithIds {
  @KafkaListener({ topics: 'orders', groupId: 'billing' })
  @Idempotent({ store: 'DATABASE' })
  async pay(@Payload() order: { readonly id: string }, @Sql() sql: SqlTransaction): Promise<void> {
    await insert(sql, order);
  }
}

@Injectable()
class WithOffsets {
  @KafkaListener({ topics: 'orders', groupId: 'billing' })
  @ExternalOffsets({ store: 'DATABASE', transaction: true })
  async pay(@Payload() order: { readonly id: string }, @Sql() sql: SqlTransaction): Promise<void> {
    await insert(sql, order);
  }
}

@Injectable()
class Failing {
  @KafkaListener({ topics: 'orders', groupId: 'billing' })
  @Idempotent({ store: 'DATABASE', whenDown: 'fail' })
  async pay(@Payload() order: { readonly id: string }, @Sql() sql: SqlTransaction): Promise<void> {
    await insert(sql, order);
  }
}

describe('a listener in SQL transactions whose database is away', () => {
  it.each([
    ['ids', WithIds],
    ['offsets', WithOffsets],
  ])('keeps its records waiting, and goes on: %s', async (_name, listener) => {
    const logger = await start(listener);
    await send('a');
    await until(async () => (await effects()).length === 1, { what: 'the first effect' });
    isAway = true;
    await send('b', 'c');
    await until(() => refused >= 3, { what: 'some tries' });
    expect(failures()).toBe(0);
    isAway = false;
    await until(async () => (await effects()).length === 3, { what: 'the others' });
    expect(await effects()).toEqual(['a', 'b', 'c']);
    expect(failures()).toBe(0);
    const said = logger.lines.filter((line) => /the database/.test(line));
    expect(said).toHaveLength(2);
    expect(said[0]).toMatch(/the database does not answer: connect ECONNREFUSED; its records wait/);
    expect(said[1]).toMatch(/the database answers again/);
  });

  it('lets them fail when it was told so', async () => {
    await start(Failing);
    isAway = true;
    await send('a');
    await until(() => failures() > 0, { what: 'a failure' });
    expect(await effects()).toEqual([]);
  });

  it('does not wait when the handler itself has run', async () => {
    const error = new Error('its own');
    @Injectable()
    class Throwing {
      @KafkaListener({ topics: 'orders', groupId: 'billing' })
      @Idempotent({ store: 'DATABASE' })
      pay(@Sql() _sql: SqlTransaction): void {
        throw error;
      }
    }
    const logger = await start(Throwing);
    await send('a');
    await until(() => failures() === 10, { what: 'ten deliveries' });
    expect(logger.lines.join()).not.toMatch(/the database does not answer/);
  });
});
