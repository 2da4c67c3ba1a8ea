import { type TopicPartition } from '../../common/topic-partition.js';
import { makeTables } from '../sql/make-tables.js';
import { sqlDatabase } from '../sql/sql-client.js';
import { type SqlDatabase, type SqlDialect, type SqlRunner } from '../sql/sql-database.js';
import { type OffsetStore, type OffsetToStore, type StoredOffset } from './offset-store.js';

// Offsets in a table of the application's database: by policy, or in the handler's own transaction, together with the
// results.

export interface SqlOffsetOptions {
  /** Name of the table, letters, digits, `_` and `.`. Default `nestdaw_offsets`. */
  readonly table?: string;
  /**
   * False: the table is made by the application's migrations, from `sqlOffsetTable`. Default true: made when missing.
   */
  readonly createTable?: boolean;
}

interface Row {
  readonly [name: string]: unknown;
  readonly next_offset: number | string;
  readonly epoch: number | string;
  readonly metadata: string;
}

/** An `OffsetStore` in SQL: `@ExternalOffsets({ store: new SqlOffsetStore(pool), transaction: true })`. */
export class SqlOffsetStore implements OffsetStore {
  readonly database: SqlDatabase;
  readonly #table: string;
  readonly #createTable: boolean;
  #ready: Promise<void> | undefined;

  /** @param client what `sqlDatabase` takes: pool, connection, or ORM of the application */
  constructor(client: object, { table = 'nestdaw_offsets', createTable = true }: SqlOffsetOptions = {}) {
    this.database = sqlDatabase(client);
    this.#table = table;
    this.#createTable = createTable;
  }

  async load(group: string, partitions: readonly TopicPartition[], claims: boolean): Promise<StoredOffset[]> {
    await this.#makeReady();
    const loaded: StoredOffset[] = [];
    for (const { topic, partition } of partitions) {
      const key = [group, topic, partition];
      const row = await this.database.runInTransaction(async (transaction) => {
        if (claims) await transaction.query(this.#claimStatement(transaction.dialect), [...key, -1, 1, '']);
        const { rows } = await transaction.query<Row>(
          `SELECT next_offset, epoch, metadata FROM ${this.#table} WHERE grp = ? AND topic = ? AND part = ?`,
          key,
        );
        return rows[0];
      });
      const offset = Number(row?.next_offset ?? -1);
      loaded.push({
        topic,
        partition,
        offset: offset < 0 ? undefined : offset,
        epoch: Number(row?.epoch ?? 0),
        metadata: String(row?.metadata ?? ''),
      });
    }
    return loaded;
  }

  store(group: string, offsets: readonly OffsetToStore[]): Promise<TopicPartition[]> {
    return this.#storeAll(group, offsets, 'next_offset = ?', ({ offset }) => [offset]);
  }

  /** The same, but an offset never goes back: what a handler's transaction has stored meanwhile is newer. */
  advance(group: string, offsets: readonly OffsetToStore[]): Promise<TopicPartition[]> {
    const later = 'next_offset = CASE WHEN next_offset > ? THEN next_offset ELSE ? END';
    return this.#storeAll(group, offsets, later, ({ offset }) => [offset, offset]);
  }

  /** Stores an offset within the handler's transaction; false when a newer epoch owns the partition. */
  async write(transaction: SqlRunner, group: string, one: OffsetToStore): Promise<boolean> {
    return this.#update(transaction, group, one, 'next_offset = ?', [one.offset]);
  }

  #storeAll(
    group: string,
    offsets: readonly OffsetToStore[],
    change: string,
    paramsOf: (one: OffsetToStore) => readonly number[],
  ): Promise<TopicPartition[]> {
    return this.database.runInTransaction(async (transaction) => {
      const refused: TopicPartition[] = [];
      for (const one of offsets) {
        const { topic, partition } = one;
        if (!(await this.#update(transaction, group, one, change, paramsOf(one)))) refused.push({ topic, partition });
      }
      return refused;
    });
  }

  async #update(
    transaction: SqlRunner,
    group: string,
    { topic, partition, metadata, epoch }: OffsetToStore,
    change: string,
    params: readonly number[],
  ): Promise<boolean> {
    const { count } = await transaction.query(
      `UPDATE ${this.#table} SET ${change}, metadata = ?, writes = writes + 1 ` +
        'WHERE grp = ? AND topic = ? AND part = ? AND epoch = ?',
      [...params, metadata, group, topic, partition, epoch],
    );
    return count > 0;
  }

  #claimStatement(dialect: SqlDialect): string {
    const insert = `INSERT INTO ${this.#table} (grp, topic, part, next_offset, epoch, metadata) VALUES (?, ?, ?, ?, ?, ?)`;
    if (dialect === 'mysql') return `${insert} ON DUPLICATE KEY UPDATE epoch = epoch + 1`;
    return `${insert} ON CONFLICT (grp, topic, part) DO UPDATE SET epoch = ${this.#table}.epoch + 1`;
  }

  /** Makes the table if it is to be made; tried again at the next call when it failed. */
  #makeReady(): Promise<void> {
    if (!this.#createTable) return Promise.resolve();
    this.#ready ??= this.#create().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  async #create(): Promise<void> {
    await makeTables(this.database, sqlOffsetTable(this.database.dialect, this.#table));
  }
}

/** By what it can do: the application may have it from the package's other build. */
export function isSqlOffsetStore(store: object): store is SqlOffsetStore {
  return 'database' in store && 'write' in store;
}

/** The statements that make the table of `SqlOffsetStore`, for migrations. */
export function sqlOffsetTable(dialect: SqlDialect, table = 'nestdaw_offsets'): readonly string[] {
  // MySQL compares text without regard to case and to spaces at the end unless told otherwise.
  const exact = dialect === 'mysql' ? 'VARBINARY(255)' : 'VARCHAR(255)';
  return [
    `CREATE TABLE IF NOT EXISTS ${table} (grp ${exact} NOT NULL, topic ${exact} NOT NULL, part INTEGER NOT NULL, ` +
      'next_offset BIGINT NOT NULL, epoch BIGINT NOT NULL, metadata VARCHAR(4096) NOT NULL, ' +
      'writes BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (grp, topic, part))',
  ];
}
