import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Injectable, type Type } from '@nestjs/common';
import { Ack, type Acknowledgment, KafkaListener, type KafkaRecord, Record } from 'nestdaw';
import { BROKER_NAME } from '../bench-broker.js';
import { type Contest, type Row } from '../row.js';
import { PARALLEL_CONSUMER } from '../spring.js';
import { springContest } from '../spring-contest.js';
import { Drain } from './drain.js';
import { drainThrough } from './listener-app.js';
import { startRaw } from './listener-raw.js';

// Listeners beside Java's: spring-kafka's containers, and Confluent's Parallel Consumer, each in a warm JVM.

const TOPIC = 'bench-raw';
const PARTITIONS = 4;
const drain = new Drain();
/** The peer's compilers have seen its containers in the rounds before; each of ours is a new application. */
const WARM_UP = 300_000;
const warmDrain = new Drain(WARM_UP);

@Injectable()
class RecordListener {
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}' })
  handle(@Record() _record: KafkaRecord): void {
    warmDrain.hit(1);
  }
}

@Injectable()
class BatchListener {
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', batch: true })
  handle(@Record() records: KafkaRecord[]): void {
    warmDrain.hit(records.length);
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

interface SpringRow {
  readonly kind: 'record' | 'batch' | 'immediate';
  readonly by: 'cpu' | 'wall';
  readonly listener: Type;
  readonly into: Drain;
  readonly count: number;
  readonly goal: number;
  readonly settings: string;
  readonly properties?: Readonly<{ [key: string]: string }>;
}

function springRow({ kind, by, listener, into, count, goal, settings, properties }: SpringRow): Row {
  return {
    name: `listener spring ${kind}`,
    unit: by === 'cpu' ? 'records/CPU s' : 'records/s',
    better: 'higher',
    peerName: 'spring-kafka, warm JVM',
    goal,
    settings: `${count} records of 100 B behind ${into.warmUp} that warm up, ${PARTITIONS} partitions, filled before, ${BROKER_NAME}; ${settings}`,
    async prepare(): Promise<Contest | undefined> {
      const broker = await startRaw(into.warmUp + count, 100);
      if (!broker) return undefined;
      return springContest({
        broker,
        program: ['ListenerDrain', [broker.bootstrapServers, TOPIC]],
        question: () => `spring-${randomUUID()} ${kind} ${count} ${by} ${into.warmUp}`,
        async ours() {
          const { value, beside } = await drainThrough(into, count, broker, [listener], properties);
          return by === 'wall' ? value : 1_000_000 / beside['CPU µs/record']!;
        },
      });
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
    settings: `${count} records of 100 B with 9,973 keys, filled before; key order, handlers that wait ${ms} ms, ${workers} at once, ${BROKER_NAME}`,
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
      const broker = await startRaw(count, 100);
      if (!broker) return undefined;
      return springContest({
        broker,
        program: ['ParallelDrain', [broker.bootstrapServers, TOPIC], PARALLEL_CONSUMER],
        question: () => `parallel-${randomUUID()} ${count} ${workers} ${ms}`,
        ours: async () => (await drainThrough(drain, count, broker, [WaitingListener])).value,
        warmUp: 0,
      });
    },
  };
}

export const listenerJavaRows: readonly Row[] = [
  springRow({
    kind: 'record',
    by: 'cpu',
    listener: RecordListener,
    into: warmDrain,
    count: 700_000,
    goal: 1,
    settings: 'one consumer, ackMode BATCH, the handler returns at once',
  }),
  springRow({
    kind: 'batch',
    by: 'cpu',
    listener: BatchListener,
    into: warmDrain,
    count: 700_000,
    goal: 1,
    settings: 'one consumer, ackMode BATCH, max.poll.records 5000, the handler returns at once',
    properties: { 'kafka.consumer.max-poll-records': '5000' },
  }),
  springRow({
    kind: 'immediate',
    by: 'wall',
    listener: ImmediateListener,
    into: drain,
    count: 20_000,
    goal: 10,
    settings: 'MANUAL_IMMEDIATE, each record acknowledged and its commit awaited; ours with 256 workers in key order',
  }),
  parallelRow(1, 256, 20_000),
  parallelRow(10, 256, 20_000),
  parallelRow(10, 1_000, 20_000),
];
