import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Injectable, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ack, type Acknowledgment, KafkaListener, KafkaModule, type KafkaRecord, Record } from 'nestdaw';
import { type BrokerProcess, startBrokerProcess } from '../broker-process.js';
import { type Contest, type Row } from '../row.js';
import { PARALLEL_CONSUMER } from '../spring.js';
import { SpringPeer } from '../spring-peer.js';
import { Drain } from './drain.js';
import { fillRaw } from './listener-raw.js';

// Listeners beside Java's: spring-kafka's containers, and Confluent's Parallel Consumer, each in a warm JVM.

const TOPIC = 'bench-raw';
const WARM_UP = 2;
const drain = new Drain();

@Injectable()
class RecordListener {
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}' })
  handle(@Record() _record: KafkaRecord): void {
    drain.hit(1);
  }
}

@Injectable()
class BatchListener {
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', batch: true })
  handle(@Record() records: KafkaRecord[]): void {
    drain.hit(records.length);
  }
}

@Injectable()
class ImmediateListener {
  @KafkaListener({
    topics: TOPIC,
    groupId: '${bench.group}',
    ackMode: 'MANUAL_IMMEDIATE',
    order: 'key',
    workers: 256,
  })
  async handle(@Ack() ack: Acknowledgment): Promise<void> {
    await ack.acknowledge();
    drain.hit(1);
  }
}

/** What one run of ours measures, by the unit that the row is in. */
async function runOurs(
  broker: BrokerProcess,
  listener: Type,
  count: number,
  properties: Readonly<{ [key: string]: string }> = {},
): Promise<{ readonly wall: number; readonly cpu: number }> {
  @Module({
    imports: [
      KafkaModule.forRoot({
        properties: {
          'kafka.bootstrap-servers': broker.bootstrapServers,
          'kafka.consumer.auto-offset-reset': 'earliest',
          'bench.group': `bench-${randomUUID()}`,
          ...properties,
        },
      }),
    ],
    providers: [listener],
  })
  class JavaContestModule {}
  const done = drain.expect(count);
  const app = await NestFactory.createApplicationContext(JavaContestModule, { logger: false });
  const { value, beside } = await done;
  await app.close();
  return { wall: value, cpu: 1_000_000 / beside['CPU µs/record']! };
}

interface SpringRow {
  readonly kind: 'record' | 'batch' | 'immediate';
  readonly by: 'cpu' | 'wall';
  readonly listener: Type;
  readonly count: number;
  readonly goal: number;
  readonly settings: string;
  readonly properties?: Readonly<{ [key: string]: string }>;
}

function springRow({ kind, by, listener, count, goal, settings, properties }: SpringRow): Row {
  return {
    name: `listener spring ${kind}`,
    unit: by === 'cpu' ? 'records/CPU s' : 'records/s',
    better: 'higher',
    peerName: 'spring-kafka, warm JVM',
    goal,
    settings: `${count} records of 100 B, filled before; ${settings}`,
    async prepare(): Promise<Contest | undefined> {
      const broker = await startBrokerProcess({ 'group.initial.rebalance.delay.ms': '0' });
      await fillRaw(broker, count, 100);
      const spring = await SpringPeer.start('ListenerDrain', [broker.bootstrapServers, TOPIC]);
      if (!spring) {
        await broker.stop();
        return undefined;
      }
      const ours = async () => (await runOurs(broker, listener, count, properties))[by];
      const peer = () => spring.ask(`spring-${randomUUID()} ${kind} ${count} ${by}`);
      for (let round = 0; round < WARM_UP; round++) {
        await ours();
        await peer();
      }
      return {
        ours,
        peer,
        async close() {
          await spring.stop();
          await broker.stop();
        },
      };
    },
  };
}

function parallelRow(ms: number, workers: number, count: number): Row {
  return {
    name: `listener parallel ${ms} ms ${workers}`,
    unit: 'records/s',
    better: 'higher',
    peerName: 'Parallel Consumer, warm JVM',
    goal: 1,
    settings: `${count} records of 100 B with 9,973 keys, filled before; key order, handlers that wait ${ms} ms, ${workers} at once`,
    async prepare(): Promise<Contest | undefined> {
      @Injectable()
      class WaitingListener {
        @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', order: 'key', workers, ackMode: 'TIME' })
        handle(@Record() _record: KafkaRecord): Promise<void> {
          return new Promise((resolve) => {
            setTimeout(() => {
              drain.hit(1);
              resolve();
            }, ms);
          });
        }
      }
      const broker = await startBrokerProcess({ 'group.initial.rebalance.delay.ms': '0' });
      await fillRaw(broker, count, 100);
      const java = await SpringPeer.start('ParallelDrain', [broker.bootstrapServers, TOPIC], PARALLEL_CONSUMER);
      if (!java) {
        await broker.stop();
        return undefined;
      }
      return {
        ours: async () => (await runOurs(broker, WaitingListener, count)).wall,
        peer: () => java.ask(`parallel-${randomUUID()} ${count} ${workers} ${ms}`),
        async close() {
          await java.stop();
          await broker.stop();
        },
      };
    },
  };
}

export const listenerJavaRows: readonly Row[] = [
  springRow({
    kind: 'record',
    by: 'cpu',
    listener: RecordListener,
    count: 300_000,
    goal: 1,
    settings: 'one consumer, ackMode BATCH, the handler returns at once',
  }),
  springRow({
    kind: 'batch',
    by: 'cpu',
    listener: BatchListener,
    count: 300_000,
    goal: 1,
    settings: 'one consumer, ackMode BATCH, max.poll.records 5000, the handler returns at once',
    properties: { 'kafka.consumer.max-poll-records': '5000' },
  }),
  springRow({
    kind: 'immediate',
    by: 'wall',
    listener: ImmediateListener,
    count: 20_000,
    goal: 10,
    settings: 'MANUAL_IMMEDIATE, each record acknowledged and its commit awaited; ours with 256 workers in key order',
  }),
  parallelRow(1, 256, 20_000),
  parallelRow(10, 256, 20_000),
  parallelRow(10, 1_000, 20_000),
];
