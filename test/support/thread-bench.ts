import { type INestApplication, type ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import * as nestdaw from '../../src/index.js';
import { KafkaModule, type KafkaModuleOptions } from '../../src/index.js';
import { EmbeddedKafka } from '../../src/testing/index.js';
// @ts-expect-error plain JavaScript, which threads load as it is
import { workOf } from '../runtime/threads/fixtures/work.mjs';
import { records } from './broker-app.js';
import { RecordingLogger } from './fake-clients.js';

// Applications whose listeners run in real threads, over one broker; each has topics of its own.

interface StampNotes {
  readonly ended: ReadonlyArray<{ topic: string; offset: number; error: string | undefined; threadId: number }>;
}

/** A thread loads Nest anew, which takes its time where many tests run at once. */
export const PATIENCE = { timeoutMs: 60_000 };

const { WorkModule, Stamp } = workOf(nestdaw) as { WorkModule: new () => object; Stamp: new () => StampNotes };

/** The interceptor of the main thread's module. */
export { Stamp };

const module = new URL('../runtime/threads/fixtures/worker.module.mjs', import.meta.url);

export class ThreadBench {
  kafka!: EmbeddedKafka;
  logger = new RecordingLogger();
  #number = 0;

  async open(): Promise<void> {
    this.kafka = await EmbeddedKafka.start();
  }

  close(): Promise<void> {
    return this.kafka.stop();
  }

  topic(name: string): string {
    return `${name}-${this.#number}`;
  }

  async start(
    properties: Record<string, string> = {},
    more: Partial<KafkaModuleOptions> = {},
  ): Promise<INestApplication> {
    this.#number++;
    this.logger = new RecordingLogger();
    for (const name of ['in', 'out', 'acks']) await this.kafka.createTopic(this.topic(name), name === 'in' ? 2 : 1);
    const own = { suffix: String(this.#number), 'kafka.consumer.group-id': this.topic('work') };
    const options = {
      cwd: '/nowhere',
      env: {},
      argv: [],
      logger: this.logger,
      threads: { module },
      properties: { ...own, ...properties },
      ...more,
    };
    const metadata: ModuleMetadata = { imports: [KafkaModule.forRoot(options), WorkModule] };
    const testing = await this.kafka.provide(Test.createTestingModule(metadata)).compile();
    const app = testing.createNestApplication({ logger: false });
    await app.init();
    return app;
  }

  send(topic: string, partition: number, ...values: object[]): Promise<number> {
    return this.kafka.produce(this.topic(topic), partition, records(values));
  }

  /** What the handlers said. */
  async said(count: number): Promise<Array<Record<string, unknown>>> {
    const found = await this.kafka.untilRecords(this.topic('out'), count, PATIENCE);
    return found.map(({ value }) => JSON.parse(value!.toString()) as Record<string, unknown>);
  }

  async committed(topic: string): Promise<number> {
    return (await this.kafka.committed(this.topic('work'), this.topic(topic)))[0]!;
  }

  untilConsumed(topic: string): Promise<void> {
    return this.kafka.untilConsumed(this.topic('work'), this.topic(topic), PATIENCE);
  }
}
