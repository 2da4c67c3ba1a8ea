import { StorageCounters } from '../../../src/broker/log/directory/storage-counters.js';
import { DevicePace } from '../../../src/broker/log/disk/device-pace.js';
import { FileRemovals } from '../../../src/broker/log/disk/file-removals.js';
import { type FileSystem } from '../../../src/broker/log/disk/file-system.js';
import { OpenFiles } from '../../../src/broker/log/disk/open-files.js';
import { type ConfigEntries, logConfig } from '../../../src/broker/log/log-config.js';
import { type LogContext } from '../../../src/broker/log/log-context.js';
import { type LastStop, loadLog } from '../../../src/broker/log/log-recovery.js';
import { PartitionLog } from '../../../src/broker/log/partition-log.js';
import { type Clock } from '../../../src/common/clock.js';
import { silentLogger } from '../../../src/common/logger.js';
import { seededRandom } from '../../../src/common/random.js';
import { type OutgoingRecord } from '../../../src/common/record.js';
import { type BatchOptions, encodeControlBatch, encodeRecords } from '../../../src/protocol/record-batch.js';
import { baseOffset, batchSize, nextOffset } from '../../../src/protocol/record-batch-header.js';
import { ManualClock } from '../../support/manual-clock.js';

// Batches and logs for the tests of this folder.

export const DIRECTORY = '/data/orders-0';
export const NOW = 1_700_000_000_000;

export interface BatchShape extends BatchOptions {
  readonly count?: number;
  /** Time of the first record; the others follow a millisecond apart. */
  readonly timestamp?: number;
  readonly timestamps?: readonly number[];
  readonly valueBytes?: number;
  readonly key?: Buffer | null;
}

/** A batch as a producer sends it. */
export function batchOf(shape: BatchShape = {}): Buffer {
  const { count = 1, timestamp = NOW, timestamps, valueBytes = 10, key = Buffer.from('k'), ...options } = shape;
  const records: OutgoingRecord[] = [];
  for (let i = 0; i < count; i++) {
    records.push({ key, value: Buffer.alloc(valueBytes, i), timestamp: timestamps?.[i] ?? timestamp + i });
  }
  return encodeRecords(records, { timestamp, ...options });
}

export interface ProducerShape {
  readonly id?: bigint;
  readonly epoch?: number;
  readonly sequence: number;
  readonly count?: number;
  readonly transactional?: boolean;
}

export function producerBatch({
  id = 7n,
  epoch = 0,
  sequence,
  count = 1,
  transactional = false,
}: ProducerShape): Buffer {
  return batchOf({ count, producerId: id, producerEpoch: epoch, baseSequence: sequence, transactional });
}

export function marker(type: 'commit' | 'abort', id = 7n, producerEpoch = 0, coordinatorEpoch = 0): Buffer {
  return encodeControlBatch({ type, producerId: id, producerEpoch, coordinatorEpoch, timestamp: NOW });
}

export function contextOf(fileSystem: FileSystem, clock: Clock = new ManualClock(NOW), maxOpen?: number): LogContext {
  return {
    home: { path: '/data', id: '', failure: undefined, logFailed: () => undefined },
    fileSystem,
    files: new OpenFiles(fileSystem, maxOpen),
    device: new DevicePace(),
    removals: new FileRemovals(fileSystem, silentLogger),
    counters: new StorageCounters(),
    clock,
    random: seededRandom(1),
    logger: silentLogger,
  };
}

export interface LogShape {
  readonly config?: ConfigEntries;
  readonly clock?: Clock;
  readonly lastStop?: LastStop;
  readonly recoveryPoint?: number;
  readonly logStartOffset?: number;
  readonly cleanedTo?: number;
  readonly context?: LogContext;
}

export function openLog(fileSystem: FileSystem, shape: LogShape = {}): PartitionLog {
  const { lastStop = 'clean', recoveryPoint = 0, logStartOffset = 0, cleanedTo = 0, config: entries = {} } = shape;
  const context = shape.context ?? contextOf(fileSystem, shape.clock);
  fileSystem.makeDirectory(DIRECTORY);
  const config = logConfig(entries);
  const { indexIntervalBytes } = config;
  const options = { lastStop, recoveryPoint, logStartOffset, cleanedTo, config, indexIntervalBytes };
  const loaded = loadLog(context, DIRECTORY, options);
  const topicPartition = { topic: 'orders', partition: 0 };
  return new PartitionLog({ context, topicPartition, topicId: undefined, config, loaded });
}

export function appendAll(log: PartitionLog, batches: readonly Buffer[]): void {
  for (const batch of batches) {
    const { errorCode, errorMessage } = log.append(batch, { origin: 'client', now: NOW });
    if (errorCode !== 0) throw new Error(`append refused: ${errorCode} ${errorMessage}`);
  }
}

/** Every batch of the log, read from its start as a consumer would. */
export function readAll(log: PartitionLog, maxBytes = 1_000_000): Buffer[] {
  const batches: Buffer[] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const { records } = log.read(offset, { maxBytes, minOneBatch: true, isolation: 'read_uncommitted' });
    if (records.length === 0) break;
    const split = splitBatches(records);
    batches.push(...split);
    offset = nextOffset(split.at(-1)!);
  }
  return batches;
}

export function splitBatches(records: Buffer): Buffer[] {
  const batches: Buffer[] = [];
  for (let at = 0; at < records.length; at += batchSize(records, at)) {
    batches.push(Buffer.from(records.subarray(at, at + batchSize(records, at))));
  }
  return batches;
}

export const rangeOf = (batch: Buffer): [first: number, next: number] => [baseOffset(batch), nextOffset(batch)];
