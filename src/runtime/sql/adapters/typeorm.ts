import { numberPlaceholders } from '../placeholders.js';
import {
  type SqlDatabase,
  type SqlDialect,
  type SqlResult,
  type SqlRow,
  type SqlRunner,
  type SqlTransaction,
} from '../sql-database.js';
import { soundly } from './sound-commit.js';

// TypeORM: a DataSource, or an EntityManager of one. In a transaction `client` is its EntityManager.

interface QueryRunner {
  query(sql: string, params: unknown[], structured: true): Promise<TypeormResult>;
  release(): Promise<void>;
}

interface TypeormResult {
  readonly records?: readonly SqlRow[];
  readonly affected?: number;
}

interface EntityManager {
  readonly connection: TypeormDataSource;
  readonly queryRunner?: QueryRunner;
}

export interface TypeormDataSource {
  readonly options: { readonly type: string };
  createQueryRunner(): QueryRunner;
  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T>;
}

export class TypeormDatabase implements SqlDatabase<any> {
  readonly #source: TypeormDataSource;

  constructor(
    client: TypeormDataSource | EntityManager,
    readonly dialect: SqlDialect,
  ) {
    this.#source = 'createQueryRunner' in client ? client : client.connection;
  }

  async query<R extends SqlRow>(sql: string, params: readonly unknown[] = []): Promise<SqlResult<R>> {
    const runner = this.#source.createQueryRunner();
    try {
      return await this.#run<R>(runner, sql, params);
    } finally {
      await runner.release();
    }
  }

  runInTransaction<T>(work: (transaction: SqlTransaction) => Promise<T>): Promise<T> {
    return this.#source.transaction((manager) => {
      const runner: SqlRunner = {
        dialect: this.dialect,
        query: (sql, params = []) => this.#run(manager.queryRunner!, sql, params),
      };
      return soundly({ ...runner, client: manager }, work);
    });
  }

  async #run<R extends SqlRow>(runner: QueryRunner, sql: string, params: readonly unknown[]): Promise<SqlResult<R>> {
    const text = this.dialect === 'postgres' ? numberPlaceholders(sql) : sql;
    const { records = [], affected } = await runner.query(text, [...params], true);
    return { rows: records as readonly R[], count: affected ?? records.length };
  }
}
