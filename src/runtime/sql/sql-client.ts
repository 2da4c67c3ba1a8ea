import { NestdawError } from '../../common/errors.js';
import { KnexDatabase } from './adapters/knex.js';
import { KyselyDatabase } from './adapters/kysely.js';
import { MysqlDatabase } from './adapters/mysql.js';
import { PgDatabase } from './adapters/pg.js';
import { PrismaDatabase } from './adapters/prisma.js';
import { SqliteDatabase } from './adapters/sqlite.js';
import { TypeormDatabase } from './adapters/typeorm.js';
import { type SqlDatabase, type SqlDialect, type SqlRunner } from './sql-database.js';

// From what the application has to a SqlDatabase. Clients are known by what they can do, never by their class: the
// application may hold another copy of the package, and none of these packages is one of ours.

/** Names that drivers and ORMs give to the dialects. */
const DIALECTS: ReadonlyArray<readonly [RegExp, SqlDialect]> = [
  [/postgres|^pg$|pg-native|aurora-postgres|cockroach/i, 'postgres'],
  [/mysql|mariadb/i, 'mysql'],
  [/sqlite|sqljs|libsql|turso/i, 'sqlite'],
];

const ADVICE =
  'give a Pool or Client of pg, a pool or connection of mysql2, a database of node:sqlite, better-sqlite3 or ' +
  "node-sqlite3-wasm, TypeORM's DataSource or EntityManager, a PrismaClient, a Knex, Kysely or Drizzle instance, or " +
  'an object of your own with dialect, query and runInTransaction';

/**
 * A `SqlDatabase` over the client that the application has already: pool, connection or ORM. Transactions of a pool
 * have a connection each; those of a single connection take turns. Of Drizzle the driver's client below is used:
 * `drizzle({ client: transaction.client })` is Drizzle inside of a transaction.
 *
 * @typeParam C what `transaction.client` is, see `SqlTransaction`
 * @throws {NestdawError} KAFKA_CONFIG_INVALID when it is none that is known
 */
export function sqlDatabase<C = any>(client: object): SqlDatabase<C> {
  const known = databases.get(client);
  if (known) return known as SqlDatabase<C>;
  const made = database(client);
  databases.set(client, made);
  return made as SqlDatabase<C>;
}

/**
 * One for each client, whoever asks: transactions of a single connection have to take turns.
 */
const databases = new WeakMap<object, SqlDatabase>();

/** Statements on a connection that the caller has begun a transaction on: they wait for nobody's turn. */
export function sqlRunner(connection: object): SqlRunner {
  return database(connection);
}

function database(client: object): SqlDatabase {
  const found = databaseOf(client);
  if (found) return found;
  const name = client?.constructor?.name ?? typeof client;
  throw new NestdawError('KAFKA_CONFIG_INVALID', `${name} is no SQL client that is known: ${ADVICE}`);
}

function databaseOf(client: any): SqlDatabase | undefined {
  if (client === null || (typeof client !== 'object' && typeof client !== 'function')) return undefined;
  if (has(client, 'query', 'runInTransaction') && typeof client.dialect === 'string') return client as SqlDatabase;
  if (client.$client) return databaseOf(client.$client);
  return ormDatabase(client) ?? driverDatabase(client);
}

function ormDatabase(client: any): SqlDatabase | undefined {
  if (has(client, 'createQueryRunner', 'transaction')) {
    return new TypeormDatabase(client, dialectOf(client.options.type, 'TypeORM'));
  }
  if (client.connection && has(client.connection, 'createQueryRunner') && has(client, 'transaction')) {
    return new TypeormDatabase(client, dialectOf(client.connection.options.type, 'TypeORM'));
  }
  if (has(client, '$transaction', '$queryRawUnsafe', '$executeRawUnsafe')) {
    return new PrismaDatabase(client, dialectOf(client._activeProvider, 'Prisma'));
  }
  if (has(client, 'raw', 'transaction') && client.client?.config) {
    const { client: driver } = client.client.config;
    return new KnexDatabase(client, dialectOf(client.client.dialect ?? driver, 'Knex'));
  }
  if (has(client, 'executeQuery', 'transaction', 'getExecutor')) {
    return new KyselyDatabase(client, dialectOf(client.getExecutor().adapter.constructor.name, 'Kysely'));
  }
  return undefined;
}

function driverDatabase(client: any): SqlDatabase | undefined {
  if (has(client, 'promise', 'query') || has(client, 'beginTransaction', 'query')) return new MysqlDatabase(client);
  if (has(client, 'getConnection', 'query', 'execute')) return new MysqlDatabase(client);
  if (has(client, 'connect', 'query')) return new PgDatabase(client);
  if (has(client, 'exec', 'prepare')) return new SqliteDatabase(client);
  return undefined;
}

function dialectOf(name: unknown, owner: string): SqlDialect {
  const found = DIALECTS.find(([pattern]) => pattern.test(String(name)));
  if (found) return found[1];
  const message = `${owner} speaks ${String(name)} here; PostgreSQL, MySQL (MariaDB) and SQLite are known`;
  throw new NestdawError('KAFKA_CONFIG_INVALID', message);
}

function has(client: any, ...names: readonly string[]): boolean {
  return names.every((name) => typeof client[name] === 'function');
}
