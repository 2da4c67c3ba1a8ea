import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Injectable, type Type } from '@nestjs/common';
import kafkajs from 'kafkajs';
import { KafkaListener, type KafkaRecord, Record } from 'nestdaw';
import { type BenchBroker, BROKER_NAME, type Servers, startBenchBroker } from '../bench-broker.js';
import { type Contest, type Measured, type Row } from '../row.js';
import { Drain } from './drain.js';
import { drainThrough } from './listener-app.js';

// Raw records: nothing is parsed on either side, the handler returns at once. What a listener costs above its client.

const TOPIC = 'bench-raw';
const PARTITIONS = 4;
const BATCH = 5_000;
const drain = new Drain();

@Injectable()
class RecordListener {
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', ackMode: 'TIME' })
  handle(@Record() _record: KafkaRecord): void {
    drain.hit(1);
  }
}

@Injectable()
class PooledListener {
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', ackMode: 'TIME', order: 'key', workers: 64 })
  handle(@Record() _record: KafkaRecord): void {
    drain.hit(1);
  }
}

@Injectable()
class BatchListener {
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', ackMode: 'TIME', batch: true })
  handle(@Record() records: KafkaRecord[]): void {
    drain.hit(records.length);
  }
}

@Injectable()
class PooledBatchListener {
  @KafkaListener({
    topics: TOPIC,
    groupId: '${bench.group}',
    ackMode: 'TIME',
    batch: true,
    order: 'partition',
    workers: PARTITIONS,
  })
  handle(@Record() records: KafkaRecord[]): void {
    drain.hit(records.length);
  }
}

const FAILING_COUNT = 500_000;
const FAILING_WARM_UP = 100_000;
const failingDrain = new Drain(FAILING_WARM_UP);
/** Places of records that have failed: each hundredth does so once. */
const failed = new Set<number>();

function failOnce({ partition, offset }: KafkaRecord): void {
  if (offset % 100 !== 0) return;
  const place = offset * PARTITIONS + partition;
  if (failed.has(place)) return;
  failed.add(place);
  throw new Error('once');
}

@Injectable()
class FailingListener {
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', ackMode: 'TIME' })
  handle(@Record() record: KafkaRecord): void {
    failOnce(record);
    failingDrain.hit(1);
  }
}

/** Fails as the other one does, and cures that itself: what an error costs in Node is paid on both sides. */
@Injectable()
class CatchingListener {
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', ackMode: 'TIME' })
  handle(@Record() record: KafkaRecord): void {
    try {
      failOnce(record);
    } catch {
      failOnce(record);
    }
    failingDrain.hit(1);
  }
}

/** A broker with the topic in it, filled; undefined, said aloud, where it cannot be had. */
export async function startRaw(
  count: number,
  valueBytes: number,
  partitions = PARTITIONS,
): Promise<BenchBroker | undefined> {
  const broker = await startBenchBroker([TOPIC], partitions);
  if (broker) await fillRaw(broker, count, valueBytes);
  return broker;
}

async function fillRaw(broker: Servers, count: number, valueBytes: number): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [broker.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const value = Buffer.alloc(valueBytes, 'x');
  for (let sent = 0; sent < count; sent += 1_000) {
    const messages = Array.from({ length: 1_000 }, (_, i) => ({ key: `key-${(sent + i) % 9_973}`, value }));
    await producer.send({ topic: TOPIC, messages });
  }
  await producer.disconnect();
}

function runOurs(broker: Servers, listener: Type, count: number, into = drain): Promise<Measured> {
  return drainThrough(into, count, broker, [listener], {
    'kafka.consumer.properties.check.crcs': 'true',
    'kafka.consumer.max-poll-records': String(BATCH),
  });
}

async function runKafkajs(broker: Servers, isBatch: boolean, count: number): Promise<Measured> {
  const kafka = new kafkajs.Kafka({ brokers: [broker.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `bench-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  const done = drain.expect(count);
  const partitionsConsumedConcurrently = PARTITIONS;
  if (isBatch) {
    await consumer.run({
      partitionsConsumedConcurrently,
      eachBatch: ({ batch }) => {
        drain.hit(batch.messages.length);
        return Promise.resolve();
      },
    });
  } else {
    await consumer.run({
      partitionsConsumedConcurrently,
      eachMessage: () => {
        drain.hit(1);
        return Promise.resolve();
      },
    });
  }
  const measured = await done;
  await consumer.disconnect();
  return measured;
}

interface Kind {
  readonly name: string;
  readonly listener: Type;
  readonly isBatch: boolean;
}

const KINDS: readonly Kind[] = [
  { name: 'record', listener: RecordListener, isBatch: false },
  { name: 'record pool', listener: PooledListener, isBatch: false },
  { name: 'batch', listener: BatchListener, isBatch: true },
  { name: 'batch pool', listener: PooledBatchListener, isBatch: true },
];

function rawRow({ name, listener, isBatch }: Kind, valueBytes: number): Row {
  const count = valueBytes > 500 ? 100_000 : 300_000;
  const peerName = isBatch ? 'kafkajs eachBatch' : 'kafkajs eachMessage';
  return {
    name: `listener raw ${name} ${valueBytes} B`,
    unit: 'records/s',
    better: 'higher',
    peerName,
    goal: isBatch ? 2 : 1.5,
    settings: `${count} records of ${valueBytes} B, ${PARTITIONS} partitions, filled before, ${BROKER_NAME}; the handler returns at once; ours checks the CRC of each batch, the peer does not`,
    async prepare(): Promise<Contest | undefined> {
      const broker = await startRaw(count, valueBytes);
      if (!broker) return undefined;
      return {
        ours: () => runOurs(broker, listener, count),
        peer: () => runKafkajs(broker, isBatch, count),
        close: () => broker.stop(),
      };
    },
  };
}

const failingRow: Row = {
  name: 'listener raw failing 1 %',
  unit: 'records/s',
  better: 'higher',
  peerName: 'the same errors, caught by the handler',
  goal: 0.97,
  settings: `${FAILING_COUNT} records of 100 B from a broker behind ${FAILING_WARM_UP} that warm up, ${BROKER_NAME}, a consumer per thread; the handler throws an error once for every hundredth record, and the peer's handler catches it itself`,
  async prepare(): Promise<Contest | undefined> {
    const broker = await startRaw(FAILING_COUNT + FAILING_WARM_UP, 100);
    if (!broker) return undefined;
    const run = (listener: Type): Promise<Measured> => {
      failed.clear();
      return runOurs(broker, listener, FAILING_COUNT, failingDrain);
    };
    return { ours: () => run(FailingListener), peer: () => run(CatchingListener), close: () => broker.stop() };
  },
};

export const listenerRawRows: readonly Row[] = [
  ...[100, 1_000].flatMap((bytes) => KINDS.map((kind) => rawRow(kind, bytes))),
  failingRow,
];
