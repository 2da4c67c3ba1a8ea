import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Environment } from 'nestdaw';
import sqlite from 'node-sqlite3-wasm';

// The application's own database: SQLite here, so that the sample needs nothing else. A pool of pg or mysql2, or an
// ORM, is given in the same way.

export const DATABASE = 'DATABASE';

export const databaseProvider = {
  provide: DATABASE,
  inject: [Environment],
  useFactory: (environment: Environment) => {
    const file = environment.get('ledger.file') ?? ':memory:';
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
    const database = new sqlite.Database(file);
    database.exec('CREATE TABLE IF NOT EXISTS ledger (payment TEXT NOT NULL, amount REAL NOT NULL)');
    return database;
  },
};
