import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { KafkaListener, KafkaModule, type KafkaRecord, Record } from 'nestdaw';

// The application that reads a backlog: default settings, and a handler that lets go of the event loop at times, so
// that fetches are ahead of it. It says what it held in memory.

const records = Number(process.env.BACKLOG_RECORDS);
/** Records between two looks at the memory, and between two waits. */
const PER_LOOK = 1_000;

let handled = 0;
let started = 0;
let startBytes = 0;
let firstBytes = 0;
let restBytes = 0;

function look(): void {
  const rss = process.memoryUsage.rss();
  if (handled === 0) [started, startBytes] = [performance.now(), rss];
  if (handled < records / 10) firstBytes = Math.max(firstBytes, rss);
  else restBytes = Math.max(restBytes, rss);
}

@Injectable()
class BacklogListener {
  @KafkaListener({ topics: 't', groupId: 'backlog' })
  handle(@Record() _record: KafkaRecord): Promise<void> | undefined {
    const turn = handled % PER_LOOK === 0;
    if (turn) look();
    if (++handled === records) {
      const seconds = (performance.now() - started) / 1_000;
      console.log(`READ ${JSON.stringify({ startBytes, firstBytes, restBytes, seconds })}`);
    }
    return turn ? new Promise((resolve) => setTimeout(resolve, 1)) : undefined;
  }
}

@Module({
  imports: [KafkaModule.forRoot({ properties: { 'kafka.consumer.auto-offset-reset': 'earliest' } })],
  providers: [BacklogListener],
})
class BacklogModule {}

await NestFactory.createApplicationContext(BacklogModule, { logger: ['error', 'warn'] });
