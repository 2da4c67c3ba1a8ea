import 'reflect-metadata';
import { Socket } from 'node:net';
import { Injectable, Scope, type Type } from '@nestjs/common';
import { KafkaListener, type KafkaRecord, Payload, Record } from 'nestdaw';
import { BROKER_NAME, type Servers } from '../bench-broker.js';
import { type Contest, type Measured, type Row } from '../row.js';
import { Drain } from './drain.js';
import { startOrders } from './listener.js';
import { drainThrough } from './listener-app.js';
import { startRaw } from './listener-raw.js';

// What a choice costs beside the other one: a provider of its own for each record, a consumer for each record at once.

const drain = new Drain();
const ORDERS = { topics: 'bench-orders', groupId: '${bench.group}', ackMode: 'TIME' } as const;

@Injectable()
class OneForAll {
  @KafkaListener(ORDERS)
  handle(@Payload() _order: unknown): void {
    drain.hit(1);
  }
}

@Injectable({ scope: Scope.REQUEST })
class OneForEach {
  @KafkaListener(ORDERS)
  handle(@Payload() _order: unknown): void {
    drain.hit(1);
  }
}

const SCOPED = 50_000;

const scopeRow: Row = {
  name: 'listener request scope',
  unit: 'records/s',
  better: 'higher',
  peerName: 'the same, one instance for all',
  goal: 0.05,
  settings: `${SCOPED} JSON records of about 100 B, 4 partitions, ${BROKER_NAME}; ours is request-scoped (an instance for each record), the handler returns at once`,
  async prepare(): Promise<Contest | undefined> {
    const broker = await startOrders(SCOPED);
    if (!broker) return undefined;
    const run = (listener: Type): Promise<Measured> => drainThrough(drain, SCOPED, broker, [listener]);
    return { ours: () => run(OneForEach), peer: () => run(OneForAll), close: () => broker.stop() };
  },
};

const AT_ONCE = 64;
const WAITED = 20_000;
const HANDLER_MS = 10;
const RAW = { topics: 'bench-raw', groupId: '${bench.group}', ackMode: 'TIME' } as const;

const waited = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(() => {
      drain.hit(1);
      resolve();
    }, HANDLER_MS);
  });

@Injectable()
class OneConsumer {
  @KafkaListener({ ...RAW, order: 'key', workers: AT_ONCE })
  handle(@Record() _record: KafkaRecord): Promise<void> {
    return waited();
  }
}

@Injectable()
class ManyConsumers {
  @KafkaListener({ ...RAW, concurrency: AT_ONCE })
  handle(@Record() _record: KafkaRecord): Promise<void> {
    return waited();
  }
}

/** Sockets that this process writes to meanwhile, and writes a second: a request is one write. */
async function traffic(broker: Servers, listener: Type): Promise<Measured> {
  const sockets = new Set<Socket>();
  let requests = 0;
  // Requests are written through this method of each socket.
  const write = Reflect.get(Socket.prototype, 'write') as (...args: unknown[]) => boolean;
  const counted = function (this: Socket, ...args: unknown[]): boolean {
    // What is printed goes through sockets as well, where it goes into a pipe.
    if (this.remotePort !== undefined) {
      sockets.add(this);
      requests++;
    }
    return Reflect.apply(write, this, args);
  };
  Reflect.set(Socket.prototype, 'write', counted);
  const started = performance.now();
  try {
    const { value, beside } = await drainThrough(drain, WAITED, broker, [listener]);
    const seconds = (performance.now() - started) / 1_000;
    return { value: sockets.size, beside: { 'requests/s': requests / seconds, 'records/s': value, ...beside } };
  } finally {
    Reflect.set(Socket.prototype, 'write', write);
  }
}

const socketsRow: Row = {
  name: 'listener sockets',
  unit: 'sockets',
  better: 'lower',
  peerName: `${AT_ONCE} consumers`,
  goal: 16,
  settings: `${WAITED} records of 100 B in ${AT_ONCE} partitions, ${BROKER_NAME}; ${AT_ONCE} at once, handlers of ${HANDLER_MS} ms: ours by one consumer and ${AT_ONCE} workers in key order`,
  async prepare(): Promise<Contest | undefined> {
    const broker = await startRaw(WAITED, 100, AT_ONCE);
    if (!broker) return undefined;
    return {
      ours: () => traffic(broker, OneConsumer),
      peer: () => traffic(broker, ManyConsumers),
      close: () => broker.stop(),
    };
  },
};

export const listenerCostRows: readonly Row[] = [scopeRow, socketsRow];
