import 'reflect-metadata';
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type ExternalOffsetsOptions,
  type IdempotentOptions,
  type InboxOptions,
  KafkaListener,
  KafkaModule,
  Payload,
  Sql,
  type SqlTransaction,
} from 'nestdaw';
import pg from 'pg';

// An application behind one guarantee. Its effects are rows, written in the handler's transaction, or lines of a file.

const { PROOF_GUARANTEE, PROOF_TOPIC, PROOF_FOLDER, PROOF_STORE_PORT } = process.env as Record<string, string>;

interface Message {
  readonly id: string;
}

interface Form {
  readonly idempotent?: IdempotentOptions;
  readonly offsets?: ExternalOffsetsOptions;
  readonly inbox?: InboxOptions;
  readonly order?: 'topic';
  /** Effects in the handler's transaction. */
  readonly inSql: boolean;
}

const FORMS: Readonly<Record<string, Form>> = {
  'dedup-sql': { idempotent: { store: 'POOL' }, inSql: true },
  'dedup-redis': { idempotent: { store: 'redis', lease: '2s' }, inSql: false },
  'dedup-topic': { idempotent: { store: 'topic' }, inSql: false },
  'offsets-sql': { offsets: { store: 'POOL', transaction: true }, inSql: true },
  'offsets-file': { offsets: { store: 'file' }, inSql: false },
  inbox: { inbox: { folder: join(PROOF_FOLDER!, 'inbox') }, inSql: false },
  'topic-order': { order: 'topic', inSql: false },
  'offsets-redis': { offsets: { store: 'redis' }, inSql: false },
};

const { inSql, ...guards } = FORMS[PROOF_GUARANTEE!]!;
const listener = { topics: PROOF_TOPIC!, groupId: `proof-${PROOF_TOPIC}`, ...guards };

@Injectable()
class RowListener {
  @KafkaListener(listener)
  async handle(@Payload() { id }: Message, @Sql() sql: SqlTransaction<pg.PoolClient>): Promise<void> {
    await sql.client.query('INSERT INTO effects (id, at) VALUES ($1, $2)', [id, Date.now()]);
  }
}

@Injectable()
class LineListener {
  readonly #file = openSync(join(PROOF_FOLDER!, 'effects.txt'), 'a');

  @KafkaListener(listener)
  handle(@Payload() { id }: Message): void {
    writeSync(this.#file, `${id} ${Date.now()}\n`);
  }
}

const pool = new pg.Pool({ host: '127.0.0.1', port: Number(PROOF_STORE_PORT), user: 'nestdaw', database: 'postgres' });
pool.on('error', () => undefined);

@Module({
  imports: [
    KafkaModule.forRoot({
      properties: {
        'kafka.consumer.auto-offset-reset': 'earliest',
        // One that takes its predecessor's place: a dead member would else hold its partitions for a session.
        'kafka.consumer.properties.group.instance.id': 'proof',
        'kafka.listener.offset-directory': join(PROOF_FOLDER!, 'offsets'),
        'kafka.listener.startup-timeout': '1',
        'kafka.redis.url': `redis://127.0.0.1:${PROOF_STORE_PORT}`,
      },
    }),
  ],
  providers: [inSql ? RowListener : LineListener, { provide: 'POOL', useValue: pool }],
})
class ProofModule {}

const app = await NestFactory.createApplicationContext(ProofModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
console.log('READY');
