import { type TopicPartition, type TopicPartitionMap } from '../../../common/topic-partition.js';
import { type PartitionLog } from '../partition-log.js';
import {
  CLEANER_FILE,
  HIGH_WATERMARK_FILE,
  LOG_START_FILE,
  type OffsetCheckpoint,
  RECOVERY_POINT_FILE,
} from './checkpoint-file.js';
import { type LogDirectory } from './log-directory.js';
import { type LogHome } from './log-home.js';

// The checkpoint files of the data directories: what the next start has to know of every log that lies in each.

export interface LogCheckpointsOptions {
  /** Those that are in service. */
  readonly directories: () => Iterable<LogDirectory>;
  /** The logs that are listed. */
  readonly logs: () => Iterable<PartitionLog>;
  /** How far compaction has come. */
  readonly cleanedTo: () => TopicPartitionMap<number>;
  readonly homeOf: (partition: TopicPartition) => LogHome | undefined;
}

export class LogCheckpoints {
  /** Those with a cleaner's file: it has to follow when nothing is left to list. */
  readonly #cleaned = new Set<LogDirectory>();

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
    const cleanedTo = [...this.options.cleanedTo().entries()];
    this.#each(CLEANER_FILE, (directory) => {
      const own = cleanedTo.filter(([partition]) => this.options.homeOf(partition) === directory);
      if (own.length > 0) this.#cleaned.add(directory);
      return this.#cleaned.has(directory) ? own : undefined;
    });
  }

  #write(file: string, offset: (log: PartitionLog) => number): void {
    this.#each(file, (directory) => {
      const offsets: Array<[TopicPartition, number]> = [];
      for (const log of this.options.logs()) {
        if (log.home === directory) offsets.push([log.topicPartition, offset(log)]);
      }
      return offsets;
    });
  }

  #each(file: string, offsetsIn: (directory: LogDirectory) => OffsetCheckpoint | undefined): void {
    for (const directory of this.options.directories()) {
      const offsets = offsetsIn(directory);
      if (!offsets) continue;
      directory.attempt(`${file} in ${directory.path} could not be written`, () =>
        directory.data.writeOffsets(file, offsets),
      );
    }
  }
}
