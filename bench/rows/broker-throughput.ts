import { tmpdir } from 'node:os';
import { Metadata, OffsetCommit } from '../../src/protocol/messages/index.js';
import { type Arena, type Side, theArena, withCpu, withTopic } from '../broker/arena.js';
import {
  type BatchShape,
  batchOf,
  checkProduced,
  fetchFrame,
  frameOf,
  produceFrame,
  untilProduced,
} from '../broker/frames.js';
import { deviceFlushes } from '../broker/process-usage.js';
import { pump, RawConnection } from '../broker/raw-connection.js';
import { type Contest, type Measured, type Row } from '../row.js';

// Rates of the broker beside Apache Kafka's: the same ready-made frames from the same client.

const PARTITIONS = 12;
const OUTSTANDING = 5;
const MEGABYTE = 1e6;
/** Of connections whose answers are small. */
const SMALL_BUFFER_BYTES = 4096;
const all = Array.from({ length: PARTITIONS }, (_, i) => i);

interface RowShape {
  readonly name: string;
  readonly unit: string;
  readonly settings: string;
  readonly goal?: number;
  readonly better?: 'higher' | 'lower';
  readonly measure: (side: Side) => Promise<number | Measured>;
}

/** A row whose measurement can be made on one side alone, as a profile wants it. */
export interface DuelRow extends Row {
  measureOn(side: Side): Promise<number | Measured>;
}

export function duel(shape: RowShape): DuelRow {
  const { name, unit, settings, goal = 1, better = 'higher', measure } = shape;
  const contest = ({ ours, peer }: Arena): Contest => ({
    ours: () => measure(ours),
    peer: () => measure(peer),
    close: () => Promise.resolve(),
  });
  return {
    name,
    unit,
    better,
    peerName: 'Apache Kafka 4.3.1',
    goal,
    settings,
    measureOn: (side) => measure(side),
    prepare: async () => {
      const arena = await theArena();
      return arena && contest(arena);
    },
  };
}

/** Produces about `bytes` of record values; MB/s, with CPU seconds per GB. */
function produce(name: string, shape: BatchShape, partitions: number, bytes: number, settings: string): DuelRow {
  return duel({
    name: `broker produce ${name}`,
    unit: 'MB/s',
    settings: `${settings}, acks=all, ${OUTSTANDING} requests in flight, one connection`,
    measure: (side) =>
      withTopic(side, partitions, {}, async (topic, connection) => {
        const targets = all.slice(0, partitions);
        const batch = batchOf(shape);
        const frame = produceFrame(topic, targets, batch);
        const payload = shape.records * shape.valueBytes * partitions;
        const count = Math.ceil(bytes / payload);
        await untilProduced(connection, frame);
        let answers = 0;
        const onAnswer = (answer: Buffer | undefined): void => {
          if (answers++ % 50 === 0) checkProduced(answer);
        };
        const { result: ms, cpu } = await withCpu(side, () =>
          pump(connection, { count, outstanding: OUTSTANDING, frame: () => frame, onAnswer }),
        );
        const megabytes = (count * payload) / MEGABYTE;
        return { value: (megabytes / ms) * 1000, beside: { 'CPU s/GB': cpu / (megabytes / 1000) } };
      }),
  });
}

const single = duel({
  name: 'broker produce single',
  unit: 'records/s',
  settings: `single-record batches of 100 B, one for each of ${PARTITIONS} partitions in a request, ${OUTSTANDING} requests in flight`,
  measure: (side) =>
    withTopic(side, PARTITIONS, {}, async (topic, connection) => {
      const frame = produceFrame(topic, all, batchOf({ records: 1, valueBytes: 100 }));
      const count = 8000;
      await untilProduced(connection, frame);
      await pump(connection, { count: 200, outstanding: OUTSTANDING, frame: () => frame, onAnswer: checkProduced });
      const { result: ms, cpu } = await withCpu(side, () =>
        pump(connection, { count, outstanding: OUTSTANDING, frame: () => frame }),
      );
      const records = count * PARTITIONS;
      return { value: (records / ms) * 1000, beside: { 'CPU µs/record': (cpu / records) * 1e6 } };
    }),
});

/** Reads what was just written, in answers of about a megabyte. */
const fetch = duel({
  name: 'broker fetch',
  unit: 'MB/s',
  goal: 0.6,
  settings: `from the page cache, answers of 1 MB from 4 partitions, 3 requests in flight, one connection, bytes only counted`,
  measure: (side) =>
    withTopic(side, 4, {}, async (topic, connection) => {
      const batch = batchOf({ records: 64, valueBytes: 1000 });
      const perFetch = 4;
      const batches = 1200;
      const targets = all.slice(0, 4);
      const frame = produceFrame(topic, targets, batch);
      await untilProduced(connection, frame);
      await pump(connection, { count: batches, outstanding: 5, frame: () => frame, onAnswer: checkProduced });
      const frames = Array.from({ length: batches / perFetch }, (_, i) =>
        fetchFrame(topic, targets, i * perFetch * 64, perFetch * batch.length),
      );
      let bytes = 0;
      const count = frames.length * 4;
      const onAnswer = (_answer: Buffer | undefined, size: number): void => {
        bytes += size;
      };
      const { result: ms, cpu } = await withCpu(side, () =>
        pump(connection, { count, outstanding: 3, frame: (i) => frames[i % frames.length]!, onAnswer }),
      );
      const expected = count * 4 * perFetch * batch.length;
      if (bytes < expected) throw new Error(`${bytes} bytes came where ${expected} were stored`);
      return { value: bytes / MEGABYTE / (ms / 1000), beside: { 'CPU s/GB': cpu / (bytes / 1e9) } };
    }),
});

const metadata = duel({
  name: 'broker requests metadata',
  unit: 'requests/s',
  settings: `Metadata of one topic with ${PARTITIONS} partitions, ${OUTSTANDING} requests in flight`,
  measure: (side) =>
    withTopic(side, PARTITIONS, {}, async (topic, connection) => {
      const frame = frameOf(Metadata, 12, { topics: [{ name: topic }], allowAutoTopicCreation: false });
      await pump(connection, { count: 1000, outstanding: OUTSTANDING, frame: () => frame });
      const count = 20_000;
      return (count / (await pump(connection, { count, outstanding: OUTSTANDING, frame: () => frame }))) * 1000;
    }),
});

const commits = duel({
  name: 'broker requests commit',
  unit: 'requests/s',
  settings: `OffsetCommit of one partition, ${OUTSTANDING} requests in flight`,
  measure: (side) =>
    withTopic(side, 1, {}, async (topic, connection) => {
      const partitions = [{ partitionIndex: 0, committedOffset: 7, committedMetadata: '' }];
      const request = { groupId: 'bench-group', memberId: '', topics: [{ name: topic, partitions }] };
      const frame = frameOf(OffsetCommit, 8, request);
      await pump(connection, { count: 1000, outstanding: OUTSTANDING, frame: () => frame });
      const count = 20_000;
      return (count / (await pump(connection, { count, outstanding: OUTSTANDING, frame: () => frame }))) * 1000;
    }),
});

function flushed(outstanding: number, count: number): DuelRow {
  return duel({
    name: `broker flush ${outstanding}`,
    unit: 'records/s',
    goal: 10,
    settings: `flush.messages=1, single records of 100 B, ${outstanding} connections with one outstanding each, over ${PARTITIONS} partitions`,
    measure: (side) =>
      withTopic(side, PARTITIONS, { 'flush.messages': '1' }, async (topic) => {
        const batch = batchOf({ records: 1, valueBytes: 100 });
        const connections: RawConnection[] = [];
        // One after another, each answered once: a full queue of connections would be measured, not the flushing.
        for (let i = 0; i < outstanding; i++) {
          const connection = await RawConnection.connect(side.port, SMALL_BUFFER_BYTES);
          await untilProduced(connection, produceFrame(topic, [i % PARTITIONS], batch));
          connections.push(connection);
        }
        const latencies: number[] = [];
        const flushesBefore = deviceFlushes(tmpdir());
        const started = performance.now();
        await Promise.all(
          connections.map(async (connection, i) => {
            const frame = produceFrame(topic, [i % PARTITIONS], batch);
            for (let n = 0; n < count / outstanding; n++) {
              const sent = performance.now();
              checkProduced(await connection.send(frame));
              latencies.push(performance.now() - sent);
            }
          }),
        );
        const ms = performance.now() - started;
        for (const connection of connections) connection.close();
        const flushes = (deviceFlushes(tmpdir()) ?? Number.NaN) - (flushesBefore ?? Number.NaN);
        const beside = { 'p99 ms': quantile(latencies, 0.99), 'device flushes/s': (flushes / ms) * 1000 };
        return { value: (latencies.length / ms) * 1000, beside };
      }),
  });
}

/** Records at a fixed pace, whatever the answers take. */
function latency(perSecond: number, seconds: number): DuelRow {
  return duel({
    name: `broker latency ${perSecond}`,
    unit: 'ms p99',
    better: 'lower',
    settings: `${perSecond} single records of 100 B a second, acks=all, ${PARTITIONS} partitions, ${seconds} s`,
    measure: (side) =>
      withTopic(side, PARTITIONS, {}, async (topic, connection) => {
        const batch = batchOf({ records: 1, valueBytes: 100 });
        const frames = all.map((partition) => produceFrame(topic, [partition], batch));
        for (const frame of frames) await untilProduced(connection, frame);
        await pump(connection, { count: 2000, outstanding: 1, frame: (i) => frames[i % PARTITIONS]! });
        const latencies = await pace(connection, frames, perSecond, perSecond * seconds);
        return { value: quantile(latencies, 0.99), beside: { 'p50 ms': quantile(latencies, 0.5) } };
      }),
  });
}

function pace(connection: RawConnection, frames: readonly Buffer[], perSecond: number, count: number) {
  return new Promise<number[]>((resolve) => {
    const latencies: number[] = [];
    const started = performance.now();
    let sent = 0;
    const tick = (): void => {
      const due = Math.min(count, Math.floor(((performance.now() - started) / 1000) * perSecond));
      for (; sent < due; sent++) {
        const at = performance.now();
        connection.post(frames[sent % frames.length]!, () => {
          latencies.push(performance.now() - at);
          if (latencies.length === count) resolve(latencies);
        });
      }
      if (sent < count) setTimeout(tick, 1);
    };
    tick();
  });
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)]!;
}

const KB_BATCH = { records: 64, valueBytes: 1000 };

export const throughputRows: readonly DuelRow[] = [
  produce('1kb', KB_BATCH, PARTITIONS, 800e6, '64 KB batches of 1 KB records for 12 partitions'),
  produce('1kb lz4', { ...KB_BATCH, compression: 'lz4' }, PARTITIONS, 800e6, 'the same with lz4, sizes unpacked'),
  produce(
    '100b',
    { records: 560, valueBytes: 100 },
    PARTITIONS,
    400e6,
    '64 KB batches of 100 B records for 12 partitions',
  ),
  produce(
    '100b zstd',
    { records: 560, valueBytes: 100, compression: 'zstd' },
    1,
    200e6,
    'zstd, 1 partition, sizes unpacked',
  ),
  produce(
    '100kb',
    { records: 1, valueBytes: 100_000 },
    PARTITIONS,
    800e6,
    'one record of 100 KB in a batch, 12 partitions',
  ),
  single,
  fetch,
  metadata,
  commits,
  latency(1000, 3),
  latency(10_000, 2),
  flushed(64, 20_000),
  flushed(512, 20_000),
];
