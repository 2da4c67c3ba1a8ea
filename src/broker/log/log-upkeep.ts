import { type Clock, every, type Timer } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { partitionName } from '../../common/topic-partition.js';
import { type LogCheckpoints } from './directory/log-checkpoints.js';
import { type PartitionLog } from './partition-log.js';

// The work on all logs that comes round again: retention, checkpoints, producers that fell silent.

export interface UpkeepIntervals {
  /** log.retention.check.interval.ms */
  readonly retentionCheckIntervalMs?: number | undefined;
  /** log.flush.offset.checkpoint.interval.ms */
  readonly checkpointIntervalMs?: number | undefined;
  /** producer.id.expiration.ms, asked for at each look. */
  readonly producerIdExpirationMs?: (() => number) | undefined;
  /** producer.id.expiration.check.interval.ms */
  readonly producerIdExpirationCheckIntervalMs?: number | undefined;
}

export interface LogUpkeepOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly intervals: UpkeepIntervals;
  readonly logs: () => Iterable<PartitionLog>;
  readonly checkpoints: LogCheckpoints;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export class LogUpkeep {
  readonly #ticks: Timer[] = [];
  #checkpointSoon: Timer | undefined;

  constructor(private readonly options: LogUpkeepOptions) {}

  start(): void {
    const { clock, checkpoints, intervals } = this.options;
    const {
      retentionCheckIntervalMs = 5 * MINUTE_MS,
      checkpointIntervalMs = MINUTE_MS,
      producerIdExpirationMs = () => DAY_MS,
      producerIdExpirationCheckIntervalMs = 10 * MINUTE_MS,
    } = intervals;
    this.#ticks.push(
      every(clock, retentionCheckIntervalMs, () => this.#eachLog('retention', (log) => log.retain(clock.now()))),
      every(clock, checkpointIntervalMs, () => this.guard('checkpoint', () => checkpoints.write())),
      every(clock, producerIdExpirationCheckIntervalMs, () =>
        this.#eachLog('producer expiry', (log) => log.expireProducers(clock.now(), producerIdExpirationMs())),
      ),
    );
  }

  stop(): void {
    for (const tick of this.#ticks) tick.cancel();
    this.#checkpointSoon?.cancel();
  }

  /** A log start that rose by DeleteRecords must not fall back after a crash: all changes of a turn in one write. */
  checkpointSoon(): void {
    this.#checkpointSoon ??= this.options.clock.schedule(0, () => {
      this.#checkpointSoon = undefined;
      this.guard('checkpoint', () => this.options.checkpoints.write());
    });
  }

  /** For work that comes round again: a failure is logged, not thrown. */
  guard(what: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.options.logger.error(`${what} failed: ${messageOf(error)}. It is tried again`);
    }
  }

  #eachLog(what: string, action: (log: PartitionLog) => void): void {
    for (const log of this.options.logs()) {
      this.guard(`${what} of ${partitionName(log.topicPartition)}`, () => action(log));
    }
  }
}
