import { Injectable, Logger } from '@nestjs/common';
import { ExternalOffsets, KafkaListener, Payload, Sql, type SqlTransaction } from 'nestdaw';
import type sqlite from 'node-sqlite3-wasm';
import { DATABASE } from './database.js';
import { Reading } from './reading.js';

// The same topic, read by three groups, each with its offsets in another place.

@Injectable()
export class SqlReadings {
  /** Row and offset are committed together: each reading is in the table exactly once. */
  @KafkaListener({ topics: 'readings', groupId: 'table' })
  @ExternalOffsets({ store: DATABASE, transaction: true })
  async insert(@Payload() { sensor, value }: Reading, @Sql() sql: SqlTransaction<sqlite.Database>): Promise<void> {
    await sql.query('INSERT INTO readings (sensor, value) VALUES (?, ?)', [sensor, value]);
  }
}

@Injectable()
export class FileReadings {
  readonly #log = new Logger(FileReadings.name);

  /** A text file a partition, in kafka.listener.offset-directory. */
  @KafkaListener({ topics: 'readings', groupId: 'printer' })
  @ExternalOffsets({ store: 'file' })
  print(@Payload() { sensor, value }: Reading): void {
    this.#log.log(`${sensor}: ${value}`);
  }
}

@Injectable()
export class RedisReadings {
  readonly highest = new Map<string, number>();

  /** In Redis, twice a second at most. Started where readings.redis says so. */
  @KafkaListener({ topics: 'readings', groupId: 'alarm', ackMode: 'TIME', autoStartup: '${readings.redis}' })
  @ExternalOffsets({ store: 'redis' })
  note(@Payload() { sensor, value }: Reading): void {
    this.highest.set(sensor, Math.max(value, this.highest.get(sensor) ?? value));
  }
}
