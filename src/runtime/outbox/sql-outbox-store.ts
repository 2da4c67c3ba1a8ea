import { headersFromText, headersToText } from '../journal/headers-text.js';
import { DIALECT_WORDS } from '../sql/dialect-words.js';
import { makeTables } from '../sql/make-tables.js';
import { type SqlDatabase, type SqlRow, type SqlRunner } from '../sql/sql-database.js';
import { laneOf, type OutboxMessage, type StoredMessage } from './outbox-message.js';
import { type OutboxBacklog, type OutboxStore } from './outbox-store.js';
import { outboxTables } from './outbox-tables.js';

// The outbox as a table beside the application's own, so that a message commits with the rows that it tells about.

export interface SqlOutboxOptions {
  readonly database: SqlDatabase;
  /** Name of the table. Default `nestdaw_outbox`. */
  readonly table?: string;
  /** Whether missing tables are made at the start. Default true; else run what `outboxTables(dialect)` gives. */
  readonly createTables?: boolean;
}

const COLUMNS = 'message_id, topic, partition_number, lane, record_key, record_value, headers, written_at';
const ROW = '(?, ?, ?, ?, ?, ?, ?, ?)';
/** Rows of one statement: databases have limits on parameters. */
const ROWS_AT_ONCE = 100;

export class SqlOutboxStore implements OutboxStore {
  readonly database: SqlDatabase;
  readonly #table: string;
  readonly #createTables: boolean;

  constructor({ database, table = 'nestdaw_outbox', createTables = true }: SqlOutboxOptions) {
    this.database = database;
    this.#table = table;
    this.#createTables = createTables;
  }

  async open(): Promise<readonly string[]> {
    if (this.#createTables) await makeTables(this.database, outboxTables(this.database.dialect, this.#table));
    return [];
  }

  /** Writes messages as part of a transaction: they exist when it commits, and never when it does not. */
  async append(transaction: SqlRunner, messages: readonly OutboxMessage[]): Promise<void> {
    for (let from = 0; from < messages.length; from += ROWS_AT_ONCE) {
      const some = messages.slice(from, from + ROWS_AT_ONCE);
      const sql = `INSERT INTO ${this.#table} (${COLUMNS}) VALUES ${some.map(() => ROW).join(', ')}`;
      await transaction.query(sql, some.flatMap(parameters));
    }
  }

  async lead(owner: string, leaseMs: number): Promise<boolean> {
    const { now, insertIfNew } = DIALECT_WORDS[this.database.dialect];
    const table = `${this.#table}_relay`;
    const until = `${now} + ${Math.ceil(leaseMs)}`;
    const taken = await this.database.query(
      `UPDATE ${table} SET owner = ?, expires_at = ${until} WHERE name = 'relay' AND (owner = ? OR expires_at < ${now})`,
      [owner, owner],
    );
    if (taken.count > 0) return true;
    const first = insertIfNew(table, 'name, owner, expires_at', `'relay', ?, ${until}`);
    return (await this.database.query(first, [owner])).count > 0;
  }

  async resign(owner: string): Promise<void> {
    await this.database.query(`DELETE FROM ${this.#table}_relay WHERE owner = ?`, [owner]);
  }

  async read(limit: number, withoutLanes: readonly string[]): Promise<readonly StoredMessage[]> {
    const others =
      withoutLanes.length === 0 ? '' : `WHERE lane IS NULL OR lane NOT IN (${withoutLanes.map(() => '?').join(', ')})`;
    const sql = `SELECT id, ${COLUMNS} FROM ${this.#table} ${others} ORDER BY id LIMIT ${Math.floor(limit)}`;
    const { rows } = await this.database.query(sql, withoutLanes);
    return rows.map(storedMessage);
  }

  async remove(messages: readonly StoredMessage[]): Promise<void> {
    for (let from = 0; from < messages.length; from += ROWS_AT_ONCE) {
      const ids = messages.slice(from, from + ROWS_AT_ONCE).map(({ sequence }) => sequence);
      const sql = `DELETE FROM ${this.#table} WHERE id IN (${ids.map(() => '?').join(', ')})`;
      await this.database.query(sql, ids);
    }
  }

  async backlog(): Promise<OutboxBacklog> {
    const { rows } = await this.database.query(
      `SELECT COUNT(*) AS messages, MIN(written_at) AS oldest FROM ${this.#table}`,
    );
    const { messages, oldest } = rows[0]!;
    return { messages: Number(messages), oldest: oldest === null ? undefined : Number(oldest) };
  }

  /** The database is the application's, and so is its end. */
  async close(): Promise<void> {}
}

function parameters(message: OutboxMessage): unknown[] {
  const { messageId, topic, partition, key, value, headers, timestamp } = message;
  const text = headers.length === 0 ? null : headersToText(headers);
  return [messageId, topic, partition ?? null, laneOf(message), key, value, text, timestamp];
}

function storedMessage(row: SqlRow): StoredMessage {
  const { partition_number: partition, headers, lane } = row;
  return {
    sequence: String(row.id),
    lane: lane === null ? null : (lane as string),
    messageId: String(row.message_id),
    topic: String(row.topic),
    partition: partition === null ? undefined : Number(partition),
    key: bytes(row.record_key),
    value: bytes(row.record_value),
    headers: headers === null ? [] : headersFromText(headers as string),
    timestamp: Number(row.written_at),
  };
}

function bytes(value: unknown): Buffer | null {
  if (value === null || value === undefined) return null;
  return Buffer.isBuffer(value) ? value : Buffer.from(value as Uint8Array);
}
