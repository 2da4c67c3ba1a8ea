import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { KafkaListener, KafkaModule, KafkaTemplate, Payload } from 'nestdaw';
import { Broker } from 'nestdaw/broker';
import { until } from 'nestdaw/testing';
import { type Answer, WorkerModule } from './worker.module.js';

// The packed tarball in a fresh Nest 12 application: embedded broker in its thread, template, listener, a
// listener in a worker thread, clean end.

interface Greeting {
  readonly to: string;
}

@Injectable()
class Listener {
  readonly heard: Greeting[] = [];

  @KafkaListener({ topics: 'greetings', groupId: 'greeters' })
  hear(@Payload() greeting: Greeting): void {
    this.heard.push(greeting);
  }
}

const dataDir = mkdtempSync(join(tmpdir(), 'nest-12-'));
const properties = {
  'kafka.embedded.data-dir': dataDir,
  'kafka.embedded.port': '0',
  'kafka.consumer.auto-offset-reset': 'earliest',
};

@Injectable()
class Answers {
  readonly heard: Answer[] = [];

  @KafkaListener({ topics: 'answers', groupId: 'listeners' })
  hear(@Payload() answer: Answer): void {
    this.heard.push(answer);
  }
}

const threads = { module: new URL('./worker.module.js', import.meta.url) };

@Module({ imports: [KafkaModule.forRoot({ properties, threads }), WorkerModule], providers: [Listener, Answers] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['warn', 'error'] });
const template = app.get<KafkaTemplate<Greeting>>(KafkaTemplate);
const result = await template.send('greetings', 'ada', { to: 'Ada' });
if (result.offset !== 0) throw new Error(`offset ${result.offset}`);
await until(() => app.get(Listener).heard.length === 1, { what: 'the greeting heard' });
await app.get(KafkaTemplate).send('numbers', null, { n: 1 });
const [answer] = await until(() => app.get(Answers).heard.length > 0 && app.get(Answers).heard, {
  what: 'an answer from the thread',
  timeoutMs: 60_000,
});
if (answer?.n !== 1 || answer.threadId === 0) throw new Error(`an answer from thread ${answer?.threadId}`);
await app.close();

const broker = await Broker.start({ port: 0 });
await broker.stop();
rmSync(dataDir, { recursive: true, force: true });
console.log('nest-12-esm: ok');
