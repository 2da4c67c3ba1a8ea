import { setTimeout as delay } from 'node:timers/promises';
import { Broker } from '../../src/broker/broker.js';
import { type Clock, systemClock } from '../../src/common/clock.js';
import { Fetch, Produce } from '../../src/protocol/messages/index.js';
import { ask, batchOf, createTopics, frameOf, quantile, refuseErrors } from './requests.js';

// Fetches that wait for data by the thousand: they cost nothing while they wait, and the right ones wake.

const PARTITIONS = 100;
const ROUNDS = 200;

export interface ParkedFetches {
  readonly broker: Broker;
  /** Fetches that were answered, by partition. */
  readonly answered: number[];
  /** Resolves when every fetch is answered. */
  readonly all: Promise<unknown>;
}

/** A broker on whose partitions so many fetches wait, the same number on each of them. */
export async function parkFetches(count: number, maxWaitMs: number, clock: Clock): Promise<ParkedFetches> {
  const broker = await Broker.start({ port: 0, clock });
  await createTopics(broker, ['t'], PARTITIONS);
  const answered = Array.from({ length: PARTITIONS }, () => 0);
  const waits = Array.from({ length: count }, async (_, i) => {
    await broker.exchangeFrame(fetchFrame(i % PARTITIONS, maxWaitMs));
    answered[i % PARTITIONS]!++;
  });
  while (broker.metrics().parkedFetches < count) await new Promise(setImmediate);
  return { broker, answered, all: Promise.all(waits) };
}

function fetchFrame(partition: number, maxWaitMs: number): Buffer {
  const partitions = [{ partition, fetchOffset: 0, partitionMaxBytes: 1000 }];
  return frameOf(Fetch, 11, { maxWaitMs, minBytes: 1, isolationLevel: 0, topics: [{ topic: 't', partitions }] });
}

/** Throws when the record is not taken. */
export async function produceTo(broker: Broker, partition: number, clock: Clock): Promise<void> {
  const partitionData = [{ index: partition, records: batchOf(1, 10, clock.now()) }];
  const topicData = [{ name: 't', partitionData }];
  const { responses } = await ask(broker, Produce, 9, { acks: -1, timeoutMs: 1000, topicData });
  refuseErrors('Produce', responses[0]!.partitionResponses);
}

export interface ParkedResult {
  /** CPU seconds per second while all of them wait. */
  readonly idleCpu: number;
  /** Ms from a produce request to the answer of a fetch that waited for it. */
  readonly wakeP50: number;
  readonly wakeP99: number;
}

export async function measureParked(count: number): Promise<ParkedResult> {
  const { broker, all } = await parkFetches(count, 600_000, systemClock);
  try {
    const idleCpu = await cpuWhile(() => delay(2000));
    const latencies: number[] = [];
    await createTopics(broker, ['woken'], 1);
    for (let i = 0; i < ROUNDS; i++) latencies.push(await wakeOne(broker, i));
    return { idleCpu, wakeP50: quantile(latencies, 0.5), wakeP99: quantile(latencies, 0.99) };
  } finally {
    await broker.stop();
    await all;
  }
}

async function cpuWhile(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e3 / (performance.now() - started);
}

/** One more fetch waits at the end of another topic, and is woken by a record there. */
async function wakeOne(broker: Broker, offset: number): Promise<number> {
  const partitions = [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1000 }];
  const topics = [{ topic: 'woken', partitions }];
  const parkedBefore = broker.metrics().parkedFetches;
  const woken = broker.exchangeFrame(frameOf(Fetch, 11, { maxWaitMs: 60_000, minBytes: 1, isolationLevel: 0, topics }));
  while (broker.metrics().parkedFetches === parkedBefore) await new Promise(setImmediate);
  const partitionData = [{ index: 0, records: batchOf(1, 10) }];
  const frame = frameOf(Produce, 9, { acks: -1, timeoutMs: 1000, topicData: [{ name: 'woken', partitionData }] });
  const started = performance.now();
  void broker.exchangeFrame(frame);
  await woken;
  return performance.now() - started;
}
