import 'reflect-metadata';
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { KafkaListener, KafkaModule, Payload, RetryableTopic, type RetryableTopicOptions } from 'nestdaw';
import pg from 'pg';

// An application whose handler fails at the first delivery of every fifth message. Effects are lines of a file.

const { PROOF_GUARANTEE, PROOF_TOPIC, PROOF_FOLDER, PROOF_STORE_PORT } = process.env as Record<string, string>;

const FORMS: Readonly<Record<string, RetryableTopicOptions>> = {
  'retry-topics': {},
  'retry-order': { order: 'key' },
  'retry-redis': { delays: 'redis' },
  'retry-sql': { delays: 'POOL' },
};

@Injectable()
class FailingListener {
  readonly #file = openSync(join(PROOF_FOLDER!, 'effects.txt'), 'a');
  readonly #tries = new Map<string, number>();

  // More than kills can use up between two deliveries: each process fails once.
  @RetryableTopic({ attempts: 20, backOff: { delay: 60 }, dltStrategy: 'NO_DLT', ...FORMS[PROOF_GUARANTEE!]! })
  @KafkaListener({ topics: PROOF_TOPIC!, groupId: `proof-${PROOF_TOPIC}`, workers: 16, order: 'key' })
  handle(@Payload() { id }: { readonly id: string }): void {
    const tries = (this.#tries.get(id) ?? 0) + 1;
    this.#tries.set(id, tries);
    if (Number(id.slice(2)) % 5 === 0 && tries < 2) throw new Error(`not at delivery ${tries}`);
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
        'kafka.listener.startup-timeout': '1',
        'kafka.redis.url': `redis://127.0.0.1:${PROOF_STORE_PORT}`,
      },
    }),
  ],
  providers: [FailingListener, { provide: 'POOL', useValue: pool }],
})
class ProofModule {}

const app = await NestFactory.createApplicationContext(ProofModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
console.log('READY');
