import { type TopicPartition, type TopicPartitionMap } from '../../../common/topic-partition.js';
import { type PartitionLog } from '../partition-log.js';
import { CLEANER_FILE, HIGH_WATERMARK_FILE, LOG_START_FILE, RECOVERY_POINT_FILE } from './checkpoint-file.js';
import { type DataDirectory } from './data-directory.js';

// The checkpoint files of a data directory: what the next start has to know of every log.

export interface LogCheckpointsOptions {
  readonly data: DataDirectory;
  /** The logs that are listed. */
  readonly logs: () => Iterable<PartitionLog>;
  /** How far compaction has come. */
  readonly cleanedTo: () => TopicPartitionMap<number>;
}

export class LogCheckpoints {
  /** The cleaner's file is there: it has to follow when nothing is left to list. */
  #hasCleaned = false;

  constructor(private readonly options: LogCheckpointsOptions) {}

  write(): void {
    this.writeRecoveryPoints();
    this.#write(LOG_START_FILE, (log) => log.logStartOffset);
    this.#write(HIGH_WATERMARK_FILE, (log) => log.highWatermark);
    this.writeCleaned();
  }

  writeRecoveryPoints(): void {
    this.#write(RECOVERY_POINT_FILE, (log) => log.recoveryPoint);
  }

  writeCleaned(): void {
    const cleanedTo = this.options.cleanedTo();
    if (cleanedTo.size > 0 || this.#hasCleaned) this.options.data.writeOffsets(CLEANER_FILE, [...cleanedTo.entries()]);
    this.#hasCleaned ||= cleanedTo.size > 0;
  }

  #write(file: string, offset: (log: PartitionLog) => number): void {
    const offsets = Array.from(this.options.logs(), (log): [TopicPartition, number] => [
      log.topicPartition,
      offset(log),
    ]);
    this.options.data.writeOffsets(file, offsets);
  }
}
