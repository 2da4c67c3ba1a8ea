import { DIALECT_WORDS } from '../../sql/dialect-words.js';
import { type SqlDialect } from '../../sql/sql-database.js';

/** The statements that make the table of `SqlDelayStore`, for migrations. */
export function sqlDelayTable(dialect: SqlDialect, table = 'nestdaw_delays'): readonly string[] {
  const { bytes, bigText } = DIALECT_WORDS[dialect];
  // MySQL compares text without regard to case and to spaces at the end unless told otherwise.
  const exact = (length: number) => (dialect === 'mysql' ? `VARBINARY(${length})` : `VARCHAR(${length})`);
  const columns = `
  store ${exact(120)} NOT NULL,
  id ${exact(320)} NOT NULL,
  due_at BIGINT NOT NULL,
  available_at BIGINT NOT NULL,
  taken_by VARCHAR(60),
  topic VARCHAR(249) NOT NULL,
  partition_number INTEGER,
  record_key ${bytes},
  record_value ${bytes},
  headers ${bigText},
  PRIMARY KEY (store, id)`;
  const index = `${table.replaceAll('.', '_')}_available`;
  const order = '(store, available_at)';
  if (dialect === 'mysql') return [`CREATE TABLE IF NOT EXISTS ${table} (${columns},\n  INDEX ${index} ${order}\n)`];
  return [
    `CREATE TABLE IF NOT EXISTS ${table} (${columns}\n)`,
    `CREATE INDEX IF NOT EXISTS ${index} ON ${table} ${order}`,
  ];
}
