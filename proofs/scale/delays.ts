import pg from 'pg';
import { SqlDelayStore } from '../../src/runtime/retry/delays/sql-delay-store.js';
import { postgresAddress, startPostgres, whyNoPostgres } from '../../test/support/servers/postgres.js';

// Delayed messages in a table of PostgreSQL: what it takes to find those that are due among many, and what the process
// that asks holds of the others.

const PUT_AT_ONCE = 1_000;
const ROUNDS = 50;
/** Messages that a relay takes at once. */
const LIMIT = 200;

export interface DelaysResult {
  /** Ms to take messages and to tell that they were sent: with few that wait, and with all of them. */
  readonly amongFewMs: number;
  readonly amongAllMs: number;
  readonly grownBytes: number;
  readonly putPerSecond: number;
  /** Steps of the plan by which the database finds what is due. */
  readonly plan: readonly string[];
}

/** Undefined with the reason where there is no PostgreSQL. */
export const whyNoDelays = whyNoPostgres;

export async function delaysAmong(count: number, progress: (text: string) => void): Promise<DelaysResult> {
  const server = await startPostgres();
  const pool = new pg.Pool({ ...postgresAddress(server), max: 4 });
  try {
    const store = new SqlDelayStore(pool);
    await put(store, 0, PUT_AT_ONCE, progress);
    const amongFewMs = await round(store);
    const before = memory();
    const began = performance.now();
    await put(store, PUT_AT_ONCE, count, progress);
    const putPerSecond = ((count - PUT_AT_ONCE) / (performance.now() - began)) * 1000;
    await pool.query('ANALYZE nestdaw_delays');
    const amongAllMs = await round(store);
    const grownBytes = memory() - before;
    return { amongFewMs, amongAllMs, grownBytes, putPerSecond, plan: await planOf(pool) };
  } finally {
    await pool.end();
    await server.stop();
  }
}

async function put(store: SqlDelayStore, from: number, to: number, progress: (text: string) => void): Promise<void> {
  const value = Buffer.alloc(200, 'x');
  for (let at = from; at < to; at += PUT_AT_ONCE) {
    const some = Array.from({ length: Math.min(PUT_AT_ONCE, to - at) }, (_, n) => ({
      id: `m-${at + n}`,
      dueAt: 1_000_000 + at + n,
      topic: 'reminders',
      partition: undefined,
      record: { key: Buffer.from(`k-${n}`), value, headers: [] },
    }));
    await Promise.all(some.map((message) => store.put(message)));
    if (at % 50_000 === 0) progress(`delays: ${at} wait`);
  }
}

/** Median of what a pass of a relay costs; what it takes is put back. */
async function round(store: SqlDelayStore): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < ROUNDS; n++) {
    const began = performance.now();
    await store.nextDue();
    const taken = await store.take(1_000_000 + LIMIT, LIMIT, 60_000);
    await store.done(taken.map(({ id }) => id));
    times.push(performance.now() - began);
    if (taken.length !== LIMIT) throw new Error(`${taken.length} of ${LIMIT} messages were found due`);
    await Promise.all(taken.map((message) => store.put(message)));
  }
  return times.sort((a, b) => a - b)[ROUNDS / 2]!;
}

function memory(): number {
  global.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function planOf(pool: pg.Pool): Promise<string[]> {
  const due =
    "SELECT id FROM nestdaw_delays WHERE store = 'delays' AND available_at <= 1000200 " +
    'ORDER BY available_at LIMIT 200 FOR UPDATE SKIP LOCKED';
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${due}`);
  return rows.map((row) => row['QUERY PLAN'].trim().replace(/ {2}\(cost.*/, ''));
}
