import { type Clock, every, type Timer } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type BrokerConfig } from '../broker-config.js';
import { type MetadataLog } from './metadata-log.js';

// When the metadata log is cut: after so many bytes, by the operation that passes them, or after so much time when
// anything changed at all.

const CHECK_MS = 30_000;

export class MetadataSnapshots {
  #timer: Timer | undefined;

  constructor(
    private readonly options: {
      readonly log: MetadataLog;
      readonly config: BrokerConfig;
      readonly clock: Clock;
      readonly logger: Logger;
    },
  ) {}

  start(): void {
    this.#timer = every(this.options.clock, CHECK_MS, () => this.takeIfDue());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** A failure is logged and met again at the next look: the log itself has everything. */
  takeIfDue(): void {
    if (!this.#isDue()) return;
    try {
      this.options.log.takeSnapshot();
    } catch (error) {
      this.options.logger.error(`no snapshot of the metadata could be taken: ${messageOf(error)}. It is tried again`);
    }
  }

  #isDue(): boolean {
    const { log, config, clock } = this.options;
    const { bytes, since } = log.loose;
    if (bytes === 0) return false;
    if (bytes >= config.number('metadata.log.max.record.bytes.between.snapshots')) return true;
    const intervalMs = config.number('metadata.log.max.snapshot.interval.ms');
    return intervalMs > 0 && clock.now() - since >= intervalMs;
  }
}
