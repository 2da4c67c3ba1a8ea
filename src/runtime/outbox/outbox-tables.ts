import { DIALECT_WORDS } from '../sql/dialect-words.js';
import { type SqlDialect } from '../sql/sql-database.js';

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
