import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Global, Module } from '@nestjs/common';
import { Environment } from 'nestdaw';
import sqlite from 'node-sqlite3-wasm';

// The application's database. In yours stands the pool or the DataSource that you have.

export const DATABASE = 'database';

@Global()
@Module({
  providers: [{ provide: DATABASE, useFactory: openDatabase, inject: [Environment] }],
  exports: [DATABASE],
})
export class DatabaseModule {}

function openDatabase(environment: Environment): object {
  const file = environment.get('bank.database') ?? ':memory:';
  if (file !== ':memory:') {
    mkdirSync(dirname(file), { recursive: true });
    // This build of SQLite marks a database that is in use by a folder, which a killed process leaves behind.
    rmSync(`${file}.lock`, { recursive: true, force: true });
  }
  const database = new sqlite.Database(file);
  database.exec('CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, balance INTEGER NOT NULL)');
  database.exec('CREATE TABLE IF NOT EXISTS heard (name TEXT PRIMARY KEY, total INTEGER NOT NULL)');
  return database;
}
