import 'reflect-metadata';
import { Injectable, type Type } from '@nestjs/common';
import { DltHandler, KafkaListener, KafkaTemplate, Payload, RetryableTopic } from 'nestdaw';
import { BROKER_NAME, startBenchBroker } from '../bench-broker.js';
import { type Contest, type Row } from '../row.js';
import { Drain } from './drain.js';
import { startOrders } from './listener.js';
import { drainThrough, openListeners } from './listener-app.js';

// What retry topics cost: how late a dead letter comes, and what failing records cost the others.

const TOPIC = 'bench-orders';
const COUNT = 120_000;
const WARM_UP = 60_000;
/** A handler with a millisecond of input and output: most listeners are of that kind. */
const io = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));
const DELAYS = 3;
const DELAY_MS = 100;

let onLetter: () => void = () => undefined;
const drain = new Drain(WARM_UP);

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

/** Fails each hundredth record. */
function fail(order: { id: number }): void {
  if (order.id % 100 === 0) throw new Error('no');
}

@Injectable()
class OneInHundred {
  @RetryableTopic({ attempts: 2, backOff: { delay: '10m' } })
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', workers: 64, order: 'key' })
  async handle(@Payload() order: { id: number }): Promise<void> {
    await io();
    fail(order);
    drain.hit(1);
  }
}

/** Fails as the other one does, and cures that itself: what an error costs in Node is paid on both sides. */
@Injectable()
class Catching {
  @RetryableTopic({ attempts: 2, backOff: { delay: '10m' } })
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', workers: 64, order: 'key' })
  async handle(@Payload() order: { id: number }): Promise<void> {
    await io();
    try {
      fail(order);
    } catch {
      return;
    }
    drain.hit(1);
  }
}

const deadLetter: Row = {
  name: 'retry dead-letter',
  unit: 'ms late',
  better: 'lower',
  peerName: 'the budget',
  goal: 1,
  settings: `one record that fails at once, ${DELAYS} retries after ${DELAY_MS} ms each, median of 10; late beside the sum; ${BROKER_NAME}`,
  async prepare(): Promise<Contest | undefined> {
    const broker = await startBenchBroker(['bench-failing'], 1);
    if (!broker) return undefined;
    const app = await openListeners(broker, [Failing]);
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
  peerName: 'the same errors, caught by the handler',
  goal: 0.97,
  settings: `${COUNT} JSON records behind ${WARM_UP} that warm up, one in a hundred fails and goes to a retry topic, 64 workers in key order, 1 ms each; the peer's handler catches its errors itself; ${BROKER_NAME}`,
  async prepare(): Promise<Contest | undefined> {
    const broker = await startOrders(WARM_UP + COUNT);
    if (!broker) return undefined;
    const wanted = COUNT - (WARM_UP + COUNT) / 100;
    const rate = (listener: Type) => drainThrough(drain, wanted, broker, [listener]);
    return { ours: () => rate(OneInHundred), peer: () => rate(Catching), close: () => broker.stop() };
  },
};

export const retryRows: readonly Row[] = [deadLetter, others];
