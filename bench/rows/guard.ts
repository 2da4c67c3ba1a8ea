import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import { Idempotent, KafkaListener, Payload, Sql, type SqlTransaction, sqlDatabase } from 'nestdaw';
import pg from 'pg';
import { postgresAddress, startPostgres, whyNoPostgres } from '../../test/support/servers/postgres.js';
import { startRedis, whyNoRedis } from '../../test/support/servers/redis.js';
import { BROKER_NAME, type Servers } from '../bench-broker.js';
import { type Contest, type Measured, type Row } from '../row.js';
import { Drain, Pace } from './drain.js';
import { startOrders } from './listener.js';
import { drainThrough } from './listener-app.js';

// What a guard costs: the same listener with and without it, in turn.

const TOPIC = 'bench-orders';
const PARTITIONS = 4;

const drain = new Drain();
const pace = new Pace();
const BY_PLACE = 'topic-partition-offset';
/** Fewer commits than records, so that the guard is what is measured. */
const LISTENER = { topics: TOPIC, groupId: '${bench.group}' };

@Injectable()
class Plain {
  @KafkaListener(LISTENER)
  handle(@Payload() _order: unknown): void {
    drain.hit(1);
  }
}

@Injectable()
class InMemory {
  @KafkaListener(LISTENER)
  @Idempotent({ id: BY_PLACE, store: 'memory' })
  handle(@Payload() _order: unknown): void {
    drain.hit(1);
  }
}

/** A handler with a millisecond of input and output, 64 of them at once: most listeners are of that kind. */
const POOL = { ...LISTENER, order: 'key', workers: 64 } as const;
const io = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

@Injectable()
class PlainPool {
  @KafkaListener(POOL)
  async handle(@Payload() _order: unknown): Promise<void> {
    await io();
    drain.hit(1);
  }
}

@Injectable()
class InRedisPool {
  @KafkaListener(POOL)
  @Idempotent({ id: BY_PLACE, store: 'redis' })
  async handle(@Payload() _order: unknown): Promise<void> {
    await io();
    drain.hit(1);
  }
}

@Injectable()
class InRedis {
  @KafkaListener(LISTENER)
  @Idempotent({ id: BY_PLACE, store: 'redis' })
  handle(@Payload() _order: unknown): void {
    drain.hit(1);
  }
}

const INSERT = 'INSERT INTO payments (id) VALUES (?)';

@Injectable()
class PlainSql {
  static pool: pg.Pool;

  @KafkaListener(LISTENER)
  async handle(@Payload() order: { id: number }): Promise<void> {
    await sqlDatabase(PlainSql.pool).runInTransaction((sql) => sql.query(INSERT, [order.id]));
    pace.hit(1);
  }
}

@Injectable()
class InSql {
  @KafkaListener(LISTENER)
  @Idempotent({ id: BY_PLACE, store: 'POOL' })
  async handle(@Payload() order: { id: number }, @Sql() sql: SqlTransaction): Promise<void> {
    await sql.query(INSERT, [order.id]);
    pace.hit(1);
  }
}

interface Parts {
  readonly broker: Servers;
  readonly redisPort?: number;
  readonly pool?: pg.Pool;
}

/** The whole topic, through one listener. */
function consume(
  { broker, redisPort, pool }: Parts,
  listener: new () => object,
  count: number,
  into = drain,
): Promise<Measured> {
  const redis = { 'kafka.redis.url': `redis://127.0.0.1:${redisPort ?? 1}` };
  return drainThrough(into, count, broker, [listener, { provide: 'POOL', useValue: pool ?? {} }], redis);
}

type Listener = new () => object;

/** Records a second, with the guard and without. */
function row(
  name: string,
  peerName: string,
  goal: number,
  count: number,
  settings: string,
  pair: [Listener, Listener],
  open: () => Promise<{ servers: Omit<Parts, 'broker'>; close(): Promise<void> } | undefined>,
  into = drain,
): Row {
  return {
    name,
    unit: 'records/s',
    better: 'higher',
    peerName,
    goal,
    settings: `${count} JSON records of about 100 B, ${PARTITIONS} partitions, 500 a poll, ${BROKER_NAME}, ${settings}`,
    async prepare(): Promise<Contest | undefined> {
      const opened = await open();
      if (!opened) return undefined;
      const broker = await startOrders(count);
      if (!broker) {
        await opened.close();
        return undefined;
      }
      const rate = (listener: Listener) => consume({ broker, ...opened.servers }, listener, count, into);
      return {
        ours: () => rate(pair[0]),
        peer: () => rate(pair[1]),
        async close() {
          await broker.stop();
          await opened.close();
        },
      };
    },
  };
}

const QUICK = 50_000;
const POOLED = 60_000;
const ROWS = 2_000;

async function redis() {
  if (whyNoRedis !== undefined) {
    console.log(`guard redis: SKIPPED: ${whyNoRedis}`);
    return undefined;
  }
  const server = await startRedis('everysec');
  return { servers: { redisPort: server.port }, close: () => server.stop() };
}

async function postgres() {
  if (whyNoPostgres !== undefined) {
    console.log(`guard sql: SKIPPED: ${whyNoPostgres}`);
    return undefined;
  }
  const server = await startPostgres();
  const pool = new pg.Pool({ ...postgresAddress(server), max: 4 });
  pool.on('error', () => undefined);
  await pool.query('CREATE TABLE payments (id INTEGER)');
  PlainSql.pool = pool;
  return {
    servers: { pool },
    async close() {
      await pool.end();
      await server.stop();
    },
  };
}

const memory: Row = {
  name: 'guard memory',
  unit: 'µs a record more',
  better: 'lower',
  peerName: 'the budget',
  goal: 1,
  settings: `${QUICK} JSON records, ids from topic, partition and offset, ${BROKER_NAME}, handler returns at once`,
  async prepare(): Promise<Contest | undefined> {
    const broker = await startOrders(QUICK);
    if (!broker) return undefined;
    const micros = async (listener: Listener) => 1_000_000 / (await consume({ broker }, listener, QUICK)).value;
    return {
      async ours() {
        const plain = [await micros(Plain), await micros(Plain)];
        const guarded = [await micros(InMemory), await micros(InMemory)];
        return Math.max(0.01, Math.min(...guarded) - Math.min(...plain));
      },
      peer: () => Promise.resolve(2),
      close: () => broker.stop(),
    };
  },
};

export const guardRows: readonly Row[] = [
  memory,
  row(
    'guard redis',
    'the same without',
    0.85,
    POOLED,
    'handler of 1 ms, key order, 64 workers',
    [InRedisPool, PlainPool],
    redis,
  ),
  row('guard redis-quick', 'the same without', 0.4, QUICK, 'handler returns at once', [InRedis, Plain], redis),
  row(
    'guard sql',
    'the same in a transaction without ids',
    0.83,
    ROWS,
    'one insert a record in PostgreSQL, by the median time of a record',
    [InSql, PlainSql],
    postgres,
    pace,
  ),
];
