import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Injectable, type Type } from '@nestjs/common';
import kafkajs from 'kafkajs';
import { KafkaListener, type KafkaRecord, Record } from 'nestdaw';
import { type BrokerProcess, startBrokerProcess } from '../broker-process.js';
import { type Contest, type Measured, type Row } from '../row.js';
import { Drain } from './drain.js';
import { drainThrough } from './listener-app.js';

// Raw records: nothing is parsed on either side, the handler returns at once. What a listener costs above its client.

const TOPIC = 'bench-raw';
const PARTITIONS = 4;
const BATCH = 5_000;
const drain = new Drain();

/** Fails at the first delivery of each hundredth record, where asked to. */
const failing = { isOn: false };

@Injectable()
class RecordListener {
  @KafkaListener({ topics: TOPIC, groupId: '${bench.group}', ackMode: 'TIME' })
  handle(@Record() record: KafkaRecord): void {
    if (failing.isOn && record.offset % 100 === 0 && failed.add(record)) throw FAILURE;
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

const FAILURE = new Error('once');

/** Places of records that have failed. */
const failed = {
  places: new Set<number>(),
  add({ partition, offset }: KafkaRecord): boolean {
    const place = offset * PARTITIONS + partition;
    const isNew = !failed.places.has(place);
    failed.places.add(place);
    return isNew;
  },
};

export async function fillRaw(
  broker: BrokerProcess,
  count: number,
  valueBytes: number,
  partitions = PARTITIONS,
): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [broker.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: partitions }] });
  await admin.disconnect();
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const value = Buffer.alloc(valueBytes, 'x');
  for (let sent = 0; sent < count; sent += 1_000) {
    const messages = Array.from({ length: 1_000 }, (_, i) => ({ key: `key-${(sent + i) % 9_973}`, value }));
    await producer.send({ topic: TOPIC, messages });
  }
  await producer.disconnect();
}

function runOurs(broker: BrokerProcess, listener: Type, count: number): Promise<Measured> {
  failed.places.clear();
  return drainThrough(drain, count, broker, [listener], {
    'kafka.consumer.properties.check.crcs': 'true',
    'kafka.consumer.max-poll-records': String(BATCH),
  });
}

async function runKafkajs(broker: BrokerProcess, isBatch: boolean, count: number): Promise<Measured> {
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
    settings: `${count} records of ${valueBytes} B, ${PARTITIONS} partitions, filled before; the handler returns at once; ours checks the CRC of each batch, the peer does not`,
    async prepare(): Promise<Contest> {
      const broker = await startBrokerProcess();
      await fillRaw(broker, count, valueBytes);
      return {
        ours: () => runOurs(broker, listener, count),
        peer: () => runKafkajs(broker, isBatch, count),
        close: () => broker.stop(),
      };
    },
  };
}

const FAILING_COUNT = 300_000;

const failingRow: Row = {
  name: 'listener raw failing 1 %',
  unit: 'records/s',
  better: 'higher',
  peerName: 'the same without failures',
  goal: 0.97,
  settings: `${FAILING_COUNT} records of 100 B from a broker, a consumer per thread; the handler throws once for every hundredth record`,
  async prepare(): Promise<Contest> {
    const broker = await startBrokerProcess();
    await fillRaw(broker, FAILING_COUNT, 100);
    const run = async (isOn: boolean): Promise<Measured> => {
      failing.isOn = isOn;
      const measured = await runOurs(broker, RecordListener, FAILING_COUNT);
      failing.isOn = false;
      return measured;
    };
    return { ours: () => run(true), peer: () => run(false), close: () => broker.stop() };
  },
};

export const listenerRawRows: readonly Row[] = [
  ...[100, 1_000].flatMap((bytes) => KINDS.map((kind) => rawRow(kind, bytes))),
  failingRow,
];
