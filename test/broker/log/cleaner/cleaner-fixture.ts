import { type FileSystem } from '../../../../src/broker/log/disk/file-system.js';
import { MemoryFileSystem } from '../../../../src/broker/log/disk/memory-file-system.js';
import { LogManager, type LogManagerOptions } from '../../../../src/broker/log/log-manager.js';
import { type PartitionLog } from '../../../../src/broker/log/partition-log.js';
import { seededRandom } from '../../../../src/common/random.js';
import { type BatchOptions, encodeRecords, recordsOf } from '../../../../src/protocol/record-batch.js';
import { baseOffset, isControl } from '../../../../src/protocol/record-batch-header.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { NOW, readAll } from '../log-fixture.js';

// Compacted logs under a log manager whose time stands still, and what is left in them.

export const BACKOFF_MS = 15_000;

/** Small segments, cleaned as soon as there is anything to clean. */
export const COMPACT = {
  'cleanup.policy': 'compact',
  'segment.bytes': '1000',
  'min.cleanable.dirty.ratio': '0',
  'index.interval.bytes': '200',
  'delete.retention.ms': '60000',
  'file.delete.delay.ms': '1000',
};

export type Entry = readonly [key: string | null, value: string | null];

export function keyed(entries: readonly Entry[], options: BatchOptions & { timestamp?: number } = {}): Buffer {
  const records = entries.map(([key, value]) => ({
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
  }));
  return encodeRecords(records, { timestamp: NOW, ...options });
}

export interface Left {
  readonly offset: number;
  readonly key: string | undefined;
  readonly value: string | undefined;
  readonly timestamp: number;
}

/** Every record that a consumer gets, data only. */
export function left(log: PartitionLog): Left[] {
  const all: Left[] = [];
  for (const batch of readAll(log)) {
    if (isControl(batch)) continue;
    for (const { offsetDelta, key, value, timestamp } of recordsOf(batch)) {
      all.push({ offset: baseOffset(batch) + offsetDelta, key: key?.toString(), value: value?.toString(), timestamp });
    }
  }
  return all;
}

export class CleanerMachine {
  clock = new ManualClock(NOW);
  readonly messages: string[] = [];
  readonly fs: MemoryFileSystem;
  /** Those started last. */
  logs: LogManager | undefined;

  constructor(options: { readonly capacity?: number } = {}) {
    this.fs = new MemoryFileSystem({ clock: this.clock, trackDurability: true, ...options });
  }

  async start(options: Partial<LogManagerOptions> = {}): Promise<LogManager> {
    const note = (message: string) => void this.messages.push(message);
    this.logs = await LogManager.open({
      fileSystem: this.fs,
      directory: '/data',
      clock: this.clock,
      random: seededRandom(7),
      nodeId: 1,
      bootId: 'boot',
      logger: { log: note, warn: note, error: note },
      ...options,
    });
    return this.logs;
  }

  /** Lets the cleaner look for work once, and finish it. */
  async clean(): Promise<void> {
    await this.clock.advance(BACKOFF_MS + 100);
  }
}

export function append(log: PartitionLog, batch: Buffer, now = NOW): number {
  const origin = isControl(batch) ? 'coordinator' : 'client';
  const { errorCode, errorMessage, baseOffset: offset } = log.append(batch, { origin, now });
  if (errorCode !== 0) throw new Error(`append refused: ${errorCode} ${errorMessage}`);
  return offset;
}

export const filesOf = (fs: FileSystem, directory: string): string[] => fs.list(directory).sort();
