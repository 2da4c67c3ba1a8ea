import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { KafkaModule, KafkaOutboxModule, KafkaTemplate, OutboxTemplate } from 'nestdaw';
import { startBrokerProcess } from '../broker-process.js';
import { type Contest, type Row } from '../row.js';

// How fast the relay empties an outbox whose messages all have one key, so that their order is all that matters.

const COUNT = 5_000;
const TOPIC = 'bench-outbox';
const VALUE = { note: 'x'.repeat(100) };

const hotKey: Row = {
  name: 'outbox hot-key',
  unit: 'messages/s',
  better: 'higher',
  peerName: 'a send for each acknowledgment',
  goal: 5,
  settings: `${COUNT} messages of about 100 B with one key, from a write-ahead file, acks=all`,
  async prepare(): Promise<Contest> {
    const broker = await startBrokerProcess();
    const folder = mkdtempSync(join(tmpdir(), 'bench-outbox-'));
    @Module({
      imports: [
        KafkaModule.forRoot({ properties: { 'kafka.bootstrap-servers': broker.bootstrapServers } }),
        KafkaOutboxModule.forRoot({ folder }),
      ],
    })
    class BenchModule {}
    const app = await NestFactory.createApplicationContext(BenchModule, { logger: false });
    const outbox = app.get(OutboxTemplate);
    const template = app.get(KafkaTemplate);
    await template.send(TOPIC, 'hot', VALUE);
    const timed = async (work: () => Promise<unknown>) => {
      const began = performance.now();
      await work();
      return (COUNT / (performance.now() - began)) * 1_000;
    };
    return {
      ours: () =>
        timed(async () => {
          await Promise.all(Array.from({ length: COUNT }, () => outbox.send(TOPIC, 'hot', VALUE)));
          while ((await outbox.state()).messages > 0) await delay(5);
        }),
      peer: () =>
        timed(async () => {
          for (let n = 0; n < COUNT; n++) await template.send(TOPIC, 'hot', VALUE);
        }),
      async close() {
        await app.close();
        await broker.stop();
        rmSync(folder, { recursive: true });
      },
    };
  },
};

export const outboxRows: readonly Row[] = [hotKey];
