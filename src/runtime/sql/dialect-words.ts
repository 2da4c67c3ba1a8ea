import { type SqlDialect } from './sql-database.js';

// What tables of ours say differently to each database.

interface DialectWords {
  readonly sequence: string;
  readonly bytes: string;
  readonly bigText: string;
  /** Ms since the epoch by the database's own clock: relays on several machines agree on it. */
  readonly now: string;
  readonly insertIfNew: (table: string, columns: string, values: string) => string;
}

const onConflict: DialectWords['insertIfNew'] = (table, columns, values) =>
  `INSERT INTO ${table} (${columns}) VALUES (${values}) ON CONFLICT DO NOTHING`;

export const DIALECT_WORDS: Readonly<Record<SqlDialect, DialectWords>> = {
  postgres: {
    sequence: 'BIGSERIAL PRIMARY KEY',
    bytes: 'BYTEA',
    bigText: 'TEXT',
    now: 'CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)',
    insertIfNew: onConflict,
  },
  mysql: {
    sequence: 'BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY',
    bytes: 'LONGBLOB',
    bigText: 'LONGTEXT',
    now: 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)',
    insertIfNew: (table, columns, values) => `INSERT IGNORE INTO ${table} (${columns}) VALUES (${values})`,
  },
  sqlite: {
    // Numbers of rows that were removed are never given again.
    sequence: 'INTEGER PRIMARY KEY AUTOINCREMENT',
    bytes: 'BLOB',
    bigText: 'TEXT',
    now: "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    insertIfNew: onConflict,
  },
};
