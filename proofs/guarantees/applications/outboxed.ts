import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Idempotent,
  KafkaListener,
  KafkaModule,
  KafkaOutboxModule,
  Key,
  OutboxTemplate,
  Payload,
  Sql,
  type SqlTransaction,
} from 'nestdaw';
import pg from 'pg';

// An application that hands messages on by way of its outbox, and takes them itself on the other side.

const { PROOF_TOPIC, PROOF_STORE_PORT } = process.env as Record<string, string>;
const HANDED_ON = `${PROOF_TOPIC}-handed-on`;
/** A commit of the database takes its time. */
const POOL = { workers: 8, order: 'key' } as const;

interface Message {
  readonly id: string;
}

@Injectable()
class Listeners {
  constructor(private readonly outbox: OutboxTemplate<Message>) {}

  /** The id of what came in and the message that goes out commit together. */
  @KafkaListener({
    topics: PROOF_TOPIC!,
    groupId: `first-${PROOF_TOPIC}`,
    ...POOL,
    properties: { 'group.instance.id': 'first' },
  })
  @Idempotent({ store: 'POOL' })
  async handOn(@Key() key: string, @Payload() message: Message): Promise<void> {
    await this.outbox.send(HANDED_ON, key, message);
  }

  /** The id that the relay sends along and the effect commit together. */
  @KafkaListener({
    topics: HANDED_ON,
    groupId: `second-${PROOF_TOPIC}`,
    ...POOL,
    properties: { 'group.instance.id': 'second' },
  })
  @Idempotent({ store: 'POOL' })
  async note(@Payload() { id }: Message, @Sql() sql: SqlTransaction<pg.PoolClient>): Promise<void> {
    await sql.client.query('INSERT INTO effects (id, at) VALUES ($1, $2)', [id, Date.now()]);
  }
}

const pool = new pg.Pool({ host: '127.0.0.1', port: Number(PROOF_STORE_PORT), user: 'nestdaw', database: 'postgres' });
pool.on('error', () => undefined);

@Module({
  imports: [
    KafkaModule.forRoot({
      properties: { 'kafka.consumer.auto-offset-reset': 'earliest', 'kafka.listener.startup-timeout': '1' },
    }),
    KafkaOutboxModule.forRoot({ database: pool, leaseMs: 1_000 }),
  ],
  providers: [Listeners, { provide: 'POOL', useValue: pool }],
})
class ProofModule {}

const app = await NestFactory.createApplicationContext(ProofModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
console.log('READY');
