import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Environment } from 'nestdaw';
import sqlite from 'node-sqlite3-wasm';

// The application's own database: SQLite here, so that the sample needs nothing else.

export const DATABASE = 'DATABASE';

export const databaseProvider = {
  provide: DATABASE,
  inject: [Environment],
  useFactory: (environment: Environment) => {
    const file = environment.get('readings.file') ?? ':memory:';
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
    const database = new sqlite.Database(file);
    database.exec('CREATE TABLE IF NOT EXISTS readings (sensor TEXT NOT NULL, value REAL NOT NULL)');
    return database;
  },
};
