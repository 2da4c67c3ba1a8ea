import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type ClientKafka, MessagePattern } from '@nestjs/microservices';
import {
  KafkaListener,
  KafkaModule,
  KafkaTemplate,
  NestdawStrategy,
  Payload,
  provideKafkaClient,
} from 'nestdaw';
import { Broker } from 'nestdaw/broker';
import { until } from 'nestdaw/testing';
import { firstValueFrom } from 'rxjs';
import { type Answer, WorkerModule } from './worker.module.js';

// The packed tarball in a fresh Nest 12 application: embedded broker in its thread, template, listener, a
// listener in a worker thread, a handler of Nest's own transport, clean end.

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

@Controller()
class Sums {
  @MessagePattern('sum')
  sum(numbers: number[]): number {
    return numbers.reduce((sum, n) => sum + n, 0);
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

@Module({
  imports: [KafkaModule.forRoot({ properties: { ...properties, 'kafka.consumer.group-id': 'shop' } })],
  controllers: [Sums],
  providers: [provideKafkaClient('SUMS', { replyTopic: 'sum-replies' })],
})
class PatternsModule {}

const patterns = await NestFactory.create(PatternsModule, { logger: ['warn', 'error'] });
patterns.connectMicroservice({ strategy: patterns.get(NestdawStrategy) });
await patterns.startAllMicroservices();
await patterns.init();
const sum = await firstValueFrom(patterns.get<ClientKafka>('SUMS').send('sum', [1, 2]));
if (sum !== '3') throw new Error(`a sum of ${sum}`);
await patterns.close();

const broker = await Broker.start({ port: 0 });
await broker.stop();
rmSync(dataDir, { recursive: true, force: true });
console.log('nest-12-esm: ok');
