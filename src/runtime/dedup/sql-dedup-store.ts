import { makeTables } from '../sql/make-tables.js';
import { sqlDatabase } from '../sql/sql-client.js';
import {
  type SqlDatabase,
  type SqlDialect,
  type SqlResult,
  type SqlRow,
  type SqlRunner,
  type SqlStatement,
} from '../sql/sql-database.js';
import { type DedupWindow, type IdGroup } from './dedup-store.js';

// Ids in a table of the application's database, written in the transaction of the handler: id and effect become
// visible together or not at all. A second transaction with the same id waits for the first to end: no lease is needed.

export interface SqlDedupOptions {
  /** Name of the table, letters, digits, `_` and `.`. Default `nestdaw_dedup`. */
  readonly table?: string;
  /**
   * False: the table is made by the application's migrations, from `sqlDedupTable`. Default true: made when missing.
   */
  readonly createTable?: boolean;
}

/** An id, and the offset of its record, by which the count window orders. */
export interface SqlClaim extends IdGroup {
  readonly offsets: readonly number[];
}

/** Rows of one statement, below the smallest limit of parameters (SQLite's). */
const ROWS = 1_000;

/** Remembers ids in the handler's own SQL transaction: `@Idempotent({ store: new SqlDedupStore(pool) })`. */
export class SqlDedupStore {
  readonly database: SqlDatabase;
  readonly #table: string;
  readonly #createTable: boolean;
  #ready: Promise<void> | undefined;
  #isReady = false;

  /** @param client what `sqlDatabase` takes: pool, connection, or ORM of the application */
  constructor(client: object, { table = 'nestdaw_dedup', createTable = true }: SqlDedupOptions = {}) {
    this.database = sqlDatabase(client);
    this.#table = table;
    this.#createTable = createTable;
  }

  /** Makes the table if it is to be made; tried again at the next call when it failed. Undefined: it is there. */
  ready(): Promise<void> | undefined {
    if (!this.#createTable || this.#isReady) return undefined;
    this.#ready ??= this.#create().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  /** What `claim` would begin with, where that is one statement: the transaction can begin with it. */
  opening(claims: readonly SqlClaim[], now: number): SqlStatement | undefined {
    const [claim] = claims;
    if (this.database.dialect === 'mysql' || claims.length !== 1 || claim!.ids.length > ROWS) return undefined;
    const rows = rowsOf(claim!, inOrder(claim!.ids), now);
    // Of one row the count says as much, and rows that come back cost half of what the insert does.
    return rows.length === 1 ? this.#insertOf(rows) : this.#statement(rows);
  }

  /**
   * Writes the ids that are new, within the transaction, and says which those are.
   *
   * @param opened what the database said to `opening`, if the transaction began with it
   */
  async claim(
    transaction: SqlRunner,
    claims: readonly SqlClaim[],
    now: number,
    opened?: SqlResult,
  ): Promise<Set<string>[]> {
    if (opened) return [claims[0]!.ids.length === 1 ? firstIf(opened.count === 1, claims[0]!) : new Set(idsOf(opened))];
    const fresh: Set<string>[] = [];
    for (const claim of claims) fresh.push(await this.#claim(transaction, claim, now));
    return fresh;
  }

  /** Forgets the ids of a partition that the window does not keep. */
  async prune(scope: string, topic: string, partition: number, window: DedupWindow, now: number): Promise<void> {
    const where = 'scope = ? AND topic = ? AND part = ?';
    const params: unknown[] = [scope, topic, partition];
    let beyond = '';
    if (window.count !== undefined) {
      const { rows } = await this.database.query<{ at_offset: number | string }>(
        `SELECT at_offset FROM ${this.#table} WHERE ${where} ORDER BY at_offset DESC LIMIT 1 OFFSET ${window.count}`,
        params,
      );
      if (rows.length === 0) return;
      beyond += ' AND at_offset <= ?';
      params.push(Number(rows[0]!.at_offset));
    }
    if (window.timeMs !== undefined) {
      beyond += ' AND done_at < ?';
      params.push(now - window.timeMs);
    }
    await this.database.query(`DELETE FROM ${this.#table} WHERE ${where}${beyond}`, params);
  }

  async #claim(transaction: SqlRunner, claim: SqlClaim, now: number): Promise<Set<string>> {
    const fresh = new Set<string>();
    const order = inOrder(claim.ids);
    for (let from = 0; from < order.length; from += ROWS) {
      const rows = rowsOf(claim, order.slice(from, from + ROWS), now);
      for (const id of await this.#insert(transaction, rows)) fresh.add(id);
    }
    return fresh;
  }

  async #insert(transaction: SqlRunner, rows: readonly Row[]): Promise<readonly string[]> {
    if (transaction.dialect === 'mysql') return this.#insertIntoMysql(transaction, rows);
    const { sql, params } = this.#statement(rows);
    return idsOf(await transaction.query(sql, params));
  }

  #statement(rows: readonly Row[]): SqlStatement {
    const { sql, params } = this.#insertOf(rows);
    return { sql: `${sql} RETURNING id`, params };
  }

  #insertOf(rows: readonly Row[]): SqlStatement {
    const insert = `INSERT INTO ${this.#table} (${COLUMNS}) VALUES ${marksOf(rows)}`;
    return { sql: `${insert} ON CONFLICT (scope, id) DO NOTHING`, params: rows.flat() };
  }

  /** MySQL does not say which rows are new, only how many; with some old ones among them the rows are asked for. */
  async #insertIntoMysql(transaction: SqlRunner, rows: readonly Row[]): Promise<string[]> {
    const ids = rows.map(([, id]) => id);
    const insert = `INSERT IGNORE INTO ${this.#table} (${COLUMNS}) VALUES `;
    if (rows.length === 1) return (await transaction.query(insert + marksOf(rows), rows.flat())).count === 1 ? ids : [];
    // Locks the rows that are there, so that none of them comes or goes before the new ones are in.
    const marks = ids.map(() => '?').join(', ');
    const known = await transaction.query<{ id: Buffer | string }>(
      `SELECT id FROM ${this.#table} WHERE scope = ? AND id IN (${marks}) FOR UPDATE`,
      [rows[0]![0], ...ids],
    );
    const old = new Set(known.rows.map(({ id }) => id.toString()));
    const fresh = rows.filter(([, id]) => !old.has(id));
    if (fresh.length === 0) return [];
    const { count } = await transaction.query(insert + marksOf(fresh), fresh.flat());
    if (count === fresh.length) return fresh.map(([, id]) => id);
    // Somebody else's came in between: one by one it is clear which.
    throw new Error('another transaction wrote some of the same ids at the same time; the records are tried again');
  }

  async #create(): Promise<void> {
    await makeTables(this.database, sqlDedupTable(this.database.dialect, this.#table));
    this.#isReady = true;
  }
}

/** Scope, id, topic, partition, offset, time. */
type Row = readonly [string, string, string, number, number, number];

const COLUMNS = 'scope, id, topic, part, at_offset, done_at';

/** In one order everywhere, or two transactions could each wait for an id of the other. */
function inOrder(ids: readonly string[]): number[] {
  if (ids.length === 1) return [0];
  return [...ids.keys()].sort((a, b) => (ids[a]! < ids[b]! ? -1 : 1));
}

function rowsOf({ scope, topic, partition, ids, offsets }: SqlClaim, order: readonly number[], now: number): Row[] {
  return order.map((at) => [scope, ids[at]!, topic, partition, offsets[at]!, now]);
}

function marksOf(rows: readonly Row[]): string {
  return rows.map(() => '(?, ?, ?, ?, ?, ?)').join(', ');
}

function firstIf(isNew: boolean, { ids }: SqlClaim): Set<string> {
  return new Set(isNew ? ids : []);
}

function idsOf({ rows }: SqlResult): readonly string[] {
  return rows.map((row: SqlRow) => row.id as string);
}

/** By what it can do: the application may have it from the package's other build. */
export function isSqlDedupStore(store: object): store is SqlDedupStore {
  return 'database' in store && 'prune' in store;
}

/** The statements that make the table of `SqlDedupStore`, for migrations. */
export function sqlDedupTable(dialect: SqlDialect, table = 'nestdaw_dedup'): readonly string[] {
  // MySQL compares text without regard to case and to spaces at the end unless told otherwise.
  const exact = dialect === 'mysql' ? 'VARBINARY(255)' : 'VARCHAR(255)';
  const index = `${table.replaceAll('.', '_')}_window`;
  const columns =
    `scope ${exact} NOT NULL, id ${exact} NOT NULL, topic ${exact} NOT NULL, part INTEGER NOT NULL, ` +
    'at_offset BIGINT NOT NULL, done_at BIGINT NOT NULL, PRIMARY KEY (scope, id)';
  const order = '(scope, topic, part, at_offset)';
  if (dialect === 'mysql') return [`CREATE TABLE IF NOT EXISTS ${table} (${columns}, INDEX ${index} ${order})`];
  return [
    `CREATE TABLE IF NOT EXISTS ${table} (${columns})`,
    `CREATE INDEX IF NOT EXISTS ${index} ON ${table} ${order}`,
  ];
}
