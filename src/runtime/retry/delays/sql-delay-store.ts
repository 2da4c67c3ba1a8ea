import { randomUuid, systemRandom } from '../../../common/random.js';
import { headersFromText, headersToText } from '../../journal/headers-text.js';
import { makeTables } from '../../sql/make-tables.js';
import { sqlDatabase } from '../../sql/sql-client.js';
import { type SqlDatabase, type SqlRow } from '../../sql/sql-database.js';
import { type DelayedMessage, type DelayStore } from './delay-store.js';
import { sqlDelayTable } from './delay-tables.js';

// Delayed messages in a table of the application's database, where millions may wait: what is due, and what a process
// had taken that died, is found by one index. `available_at` is the time at which anybody may take a message: when it
// is due, and once it is taken, when the lease runs out.

export interface SqlDelayOptions {
  /** Name of the table, letters, digits, `_` and `.`. Default `nestdaw_delays`. */
  readonly table?: string;
  /**
   * False: the table is made by the application's migrations, from `sqlDelayTable`. Default true: made when missing.
   */
  readonly createTable?: boolean;
  /** Tells those who share the table apart. Default: retries and delayed sends of a connection have a name each. */
  readonly name?: string;
}

const COLUMNS = 'id, due_at, topic, partition_number, record_key, record_value, headers';
/** Rows of one statement: databases have limits on parameters. */
const ROWS = 100;

interface Waiting {
  readonly message: DelayedMessage;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A `DelayStore` in SQL: `@RetryableTopic({ delays: new SqlDelayStore(pool) })`, or `delays: 'POOL'`. */
export class SqlDelayStore implements DelayStore {
  readonly database: SqlDatabase;
  readonly #options: SqlDelayOptions;
  readonly #table: string;
  readonly #name: string;
  readonly #taker = randomUuid(systemRandom);
  #takes = 0;
  #ready: Promise<void> | undefined;
  #waiting: Waiting[] = [];
  #isWriting = false;

  /** @param client what `sqlDatabase` takes: pool, connection, or ORM of the application */
  constructor(client: object, options: SqlDelayOptions = {}) {
    this.database = sqlDatabase(client);
    this.#options = options;
    this.#table = options.table ?? 'nestdaw_delays';
    this.#name = options.name ?? 'delays';
  }

  /** The same table under this name, unless it was given one of its own. */
  named(name: string): SqlDelayStore {
    return this.#options.name === undefined ? new SqlDelayStore(this.database, { ...this.#options, name }) : this;
  }

  /** Those that come while others are written go together in the next statement. */
  put(message: DelayedMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ message, resolve, reject });
      if (!this.#isWriting) void this.#write();
    });
  }

  async take(now: number, limit: number, leaseMs: number): Promise<DelayedMessage[]> {
    await this.#makeReady();
    const token = `${this.#taker}-${++this.#takes}`;
    const rows =
      this.database.dialect === 'postgres'
        ? await this.#takeInOne(token, now, limit, leaseMs)
        : await this.#takeByToken(token, now, limit, leaseMs);
    return rows.map(messageOf).sort((a, b) => a.dueAt - b.dueAt);
  }

  async done(ids: readonly string[]): Promise<void> {
    for (const some of inParts(ids)) {
      await this.database.query(`DELETE FROM ${this.#table} WHERE store = ? AND id IN (${marks(some)})`, [
        this.#name,
        ...some,
      ]);
    }
  }

  async cancel(id: string): Promise<boolean> {
    await this.#makeReady();
    const sql = `DELETE FROM ${this.#table} WHERE store = ? AND id = ? AND taken_by IS NULL`;
    return (await this.database.query(sql, [this.#name, id])).count > 0;
  }

  async nextDue(): Promise<number | undefined> {
    await this.#makeReady();
    const sql = `SELECT available_at FROM ${this.#table} WHERE store = ? ORDER BY available_at LIMIT 1`;
    const { rows } = await this.database.query<{ available_at: number | string }>(sql, [this.#name]);
    return rows[0] && Number(rows[0].available_at);
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const some = this.#waiting.splice(0, ROWS);
      try {
        await this.#makeReady();
        await this.#insert(some.map(({ message }) => message));
        for (const { resolve } of some) resolve();
      } catch (error) {
        for (const { reject } of some) reject(error);
      }
    }
    this.#isWriting = false;
  }

  async #insert(messages: readonly DelayedMessage[]): Promise<void> {
    const row = '(?, ?, ?, ?, ?, ?, ?, ?, ?)';
    // MySQL's INSERT IGNORE would pass over other mistakes as well.
    const known = this.database.dialect === 'mysql' ? 'ON DUPLICATE KEY UPDATE id = id' : 'ON CONFLICT DO NOTHING';
    const sql =
      `INSERT INTO ${this.#table} (store, available_at, ${COLUMNS}) VALUES ` +
      `${messages.map(() => row).join(', ')} ${known}`;
    await this.database.query(
      sql,
      messages.flatMap((message) => [this.#name, message.dueAt, ...valuesOf(message)]),
    );
  }

  /** Takers pass over what another one is taking. */
  async #takeInOne(token: string, now: number, limit: number, leaseMs: number): Promise<readonly SqlRow[]> {
    const due = `SELECT id FROM ${this.#table} WHERE store = ? AND available_at <= ? ORDER BY available_at LIMIT ?`;
    const sql =
      `UPDATE ${this.#table} SET taken_by = ?, available_at = ? ` +
      `WHERE store = ? AND id = ANY(ARRAY(${due} FOR UPDATE SKIP LOCKED)) RETURNING ${COLUMNS}`;
    const { rows } = await this.database.query(sql, [token, now + leaseMs, this.#name, this.#name, now, limit]);
    return rows;
  }

  /** Looks first and locks only rows by their key: of several takers that saw the same ones each row is one's. */
  async #takeByToken(token: string, now: number, limit: number, leaseMs: number): Promise<readonly SqlRow[]> {
    const due = await this.database.query<{ id: unknown }>(
      `SELECT id FROM ${this.#table} WHERE store = ? AND available_at <= ? ORDER BY available_at LIMIT ${Math.floor(limit)}`,
      [this.#name, now],
    );
    const taken: SqlRow[] = [];
    for (const ids of inParts(due.rows.map(({ id }) => textOf(id)))) {
      const which = `store = ? AND id IN (${marks(ids)})`;
      const { count } = await this.database.query(
        `UPDATE ${this.#table} SET taken_by = ?, available_at = ? WHERE ${which} AND available_at <= ?`,
        [token, now + leaseMs, this.#name, ...ids, now],
      );
      if (count === 0) continue;
      const sql = `SELECT ${COLUMNS} FROM ${this.#table} WHERE ${which} AND taken_by = ?`;
      taken.push(...(await this.database.query(sql, [this.#name, ...ids, token])).rows);
    }
    return taken;
  }

  #makeReady(): Promise<void> {
    this.#ready ??= this.#create().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  async #create(): Promise<void> {
    if (this.#options.createTable === false) return;
    await makeTables(this.database, sqlDelayTable(this.database.dialect, this.#table));
  }
}

/** By what it can do: the application may have it from the package's other build. */
export function isSqlDelayStore(store: object): store is SqlDelayStore {
  return 'named' in store && 'nextDue' in store;
}

function inParts(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / ROWS) }, (_, part) => ids.slice(part * ROWS, (part + 1) * ROWS));
}

function marks(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}

function valuesOf({ id, dueAt, topic, partition, record }: DelayedMessage): unknown[] {
  const { key, value, headers = [] } = record;
  const text = headers.length === 0 ? null : headersToText(headers);
  return [id, dueAt, topic, partition ?? null, key, value, text];
}

function messageOf(row: SqlRow): DelayedMessage {
  const { id, due_at: dueAt, topic, partition_number: partition, record_key: key, record_value: value, headers } = row;
  return {
    id: textOf(id),
    dueAt: Number(dueAt),
    topic: textOf(topic),
    partition: partition === null ? undefined : Number(partition),
    record: {
      key: bytesOf(key),
      value: bytesOf(value),
      headers: headers === null ? [] : headersFromText(textOf(headers)),
    },
  };
}

/** Columns that compare exactly are bytes in MySQL. */
function textOf(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString() : String(value);
}

function bytesOf(value: unknown): Buffer | null {
  if (value === null || value === undefined) return null;
  return Buffer.isBuffer(value) ? value : Buffer.from(value as Uint8Array);
}
