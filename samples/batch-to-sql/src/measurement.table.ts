import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Environment, type SqlDatabase, sqlDatabase } from 'nestdaw';
import sqlite from 'node-sqlite3-wasm';
import { type Measurement } from './measurement.js';

/** The table. In your application stands the pool or the ORM that you have. */
@Injectable()
export class MeasurementTable {
  readonly #database: SqlDatabase;
  /** Statements that wrote rows. */
  statements = 0;

  constructor(environment: Environment) {
    const file = environment.get('measurements.database') ?? ':memory:';
    if (file !== ':memory:') {
      mkdirSync(dirname(file), { recursive: true });
      // This build of SQLite marks a database that is in use by a folder, which a killed process leaves behind.
      rmSync(`${file}.lock`, { recursive: true, force: true });
    }
    const client = new sqlite.Database(file);
    client.exec('CREATE TABLE IF NOT EXISTS measurements (id TEXT PRIMARY KEY, sensor TEXT, celsius REAL)');
    this.#database = sqlDatabase(client);
  }

  /** One statement for all. A batch that comes again after a crash changes nothing: the id is the key. */
  async insert(measurements: readonly Measurement[]): Promise<void> {
    if (measurements.length === 0) return;
    const rows = measurements.map(() => '(?, ?, ?)').join(', ');
    await this.#database.query(
      `INSERT INTO measurements (id, sensor, celsius) VALUES ${rows} ON CONFLICT (id) DO NOTHING`,
      measurements.flatMap(({ id, sensor, celsius }) => [id, sensor, celsius]),
    );
    this.statements += 1;
  }

  async count(): Promise<number> {
    const { rows } = await this.#database.query('SELECT COUNT(*) AS count FROM measurements');
    return Number(rows[0]!.count);
  }
}
