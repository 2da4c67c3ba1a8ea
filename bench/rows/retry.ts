import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { type INestApplicationContext, Injectable, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DltHandler, KafkaListener, KafkaModule, KafkaTemplate, Payload, RetryableTopic } from 'nestdaw';
import { type BrokerProcess, startBrokerProcess } from '../broker-process.js';
import { type Contest, type Row } from '../row.js';
import { fillOrders } from './listener.js';

// What retry topics cost: how late a dead letter comes, and what failing records cost the others.

const TOPIC = 'bench-orders';
const COUNT = 60_000;
/** A handler with a millisecond of input and output: most listeners are of that kind. */
const io = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));
const DELAYS = 3;
const DELAY_MS = 100;

let onLetter: () => void = () => undefined;
let onHandled: () => void = () => undefined;

@Injectable()
class Failing {
  @RetryableTopic({ attempts: DELAYS + 1, backOff: { delay: DELAY_MS } })
  @KafkaListener({ topics: 'bench-failing', groupId: 'failing' })
  handle(): void {
    throw new Error('no');
  }

  @DltHandler()
  letter(): void {
    onLetter();
  }
}

/** Named beside it: both listeners do the same, but for the failures. */
@Injectable()
class OneInHundred {
  @RetryableTopic({ attempts: 2, backOff: { delay: '10m' } })
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', workers: 64, order: 'key' })
  async handle(@Payload() order: { id: number }): Promise<void> {
    await io();
    if (order.id % 100 === 0) throw new Error('no');
    onHandled();
  }
}

@Injectable()
class NoneFails {
  @RetryableTopic({ attempts: 2, backOff: { delay: '10m' } })
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', workers: 64, order: 'key' })
  async handle(@Payload() order: { id: number }): Promise<void> {
    await io();
    if (order.id % 100 !== 0) onHandled();
  }
}

function open(broker: BrokerProcess, listener: Type): Promise<INestApplicationContext> {
  @Module({
    imports: [
      KafkaModule.forRoot({
        properties: {
          'kafka.bootstrap-servers': broker.bootstrapServers,
          'kafka.consumer.auto-offset-reset': 'earliest',
          'bench.group': `bench-${randomUUID()}`,
        },
      }),
    ],
    providers: [listener],
  })
  class BenchModule {}
  return NestFactory.createApplicationContext(BenchModule, { logger: false });
}

const deadLetter: Row = {
  name: 'retry dead-letter',
  unit: 'ms late',
  better: 'lower',
  peerName: 'the budget',
  goal: 1,
  settings: `one record that fails at once, ${DELAYS} retries after ${DELAY_MS} ms each, median of 10; late beside the sum`,
  async prepare(): Promise<Contest> {
    const broker = await startBrokerProcess();
    const app = await open(broker, Failing);
    const template = app.get(KafkaTemplate);
    const once = async () => {
      const began = performance.now();
      const letter = new Promise<void>((resolve) => (onLetter = resolve));
      await template.send('bench-failing', 'k', {});
      await letter;
      return performance.now() - began - DELAYS * DELAY_MS;
    };
    return {
      async ours() {
        const late: number[] = [];
        for (let round = 0; round < 10; round++) late.push(await once());
        return late.sort((a, b) => a - b)[5]!;
      },
      peer: () => Promise.resolve(50),
      async close() {
        await app.close();
        await broker.stop();
      },
    };
  },
};

const others: Row = {
  name: 'retry others',
  unit: 'records/s',
  better: 'higher',
  peerName: 'the same without failures',
  goal: 0.97,
  settings: `${COUNT} JSON records, one in a hundred fails and goes to a retry topic, 64 workers in key order, 1 ms each`,
  async prepare(): Promise<Contest> {
    const broker = await startBrokerProcess();
    await fillOrders(broker, COUNT);
    const rate = async (listener: Type) => {
      let left = COUNT - Math.ceil(COUNT / 100);
      const wanted = left;
      let first = 0;
      const ended = new Promise<number>((resolve) => {
        onHandled = () => {
          if (first === 0) first = performance.now();
          if (--left === 0) resolve(performance.now() - first);
        };
      });
      const app = await open(broker, listener);
      const before = process.cpuUsage();
      const ms = await ended;
      const { user, system } = process.cpuUsage(before);
      await app.close();
      return { value: (wanted / ms) * 1_000, beside: { 'CPU µs/record': (user + system) / wanted } };
    };
    return { ours: () => rate(OneInHundred), peer: () => rate(NoneFails), close: () => broker.stop() };
  },
};

export const retryRows: readonly Row[] = [deadLetter, others];
