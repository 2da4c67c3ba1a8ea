import { type SqlDialect } from '../sql/sql-database.js';

// What the outbox says differently to each database.

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

/** Statements that make the outbox's tables, for applications that run their own migrations. */
export function outboxTables(dialect: SqlDialect, table = 'nestdaw_outbox'): readonly string[] {
  const { sequence, bytes, bigText } = DIALECT_WORDS[dialect];
  return [
    `CREATE TABLE IF NOT EXISTS ${table} (
  id ${sequence},
  message_id VARCHAR(100) NOT NULL,
  topic VARCHAR(249) NOT NULL,
  partition_number INTEGER,
  lane CHAR(16),
  record_key ${bytes},
  record_value ${bytes},
  headers ${bigText},
  written_at BIGINT NOT NULL
)`,
    `CREATE TABLE IF NOT EXISTS ${table}_relay (
  name VARCHAR(20) NOT NULL PRIMARY KEY,
  owner VARCHAR(100) NOT NULL,
  expires_at BIGINT NOT NULL
)`,
  ];
}
