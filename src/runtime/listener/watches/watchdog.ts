import { type Clock, type Timer } from '../../../common/clock.js';
import { NestdawError } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { type ContainerEvents } from '../container-events.js';
import { type Delivery } from '../delivery/delivery.js';
import { type InFlightTable } from '../delivery/in-flight-table.js';
import { type SlowRecords } from './slow-records.js';

// Keeps max.poll.interval.ms. Heartbeats never wait for a handler here, so nobody else would notice one that hangs.
// One timer for all handlers: it looks at all of them and sleeps until the first of them can be late.

const WARN_SHARE = 0.8;

/** What happens to a handler that runs longer than max.poll.interval.ms. */
export type SlowHandlerPolicy = 'abort' | 'warn' | 'leave';

const NEXT: Record<SlowHandlerPolicy, string> = {
  abort: 'its signal fires',
  warn: 'this is only said once more',
  leave: 'the consumer leaves its group until the handler has ended',
};

export interface WatchdogOptions {
  readonly listener: string;
  readonly consumer: number;
  readonly maxPollIntervalMs: number;
  readonly slowHandler: SlowHandlerPolicy;
  /** Times that one record may make its member leave before it is dealt with as under `abort`. */
  readonly slowLimit: number;
  readonly slowRecords: SlowRecords;
  /** Leaves the group until handlers have ended; false when that is not possible now. */
  readonly leave: (reason: string) => boolean;
  readonly inFlight: InFlightTable;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: ContainerEvents;
}

export class Watchdog {
  readonly #options: WatchdogOptions;
  #timer: Timer | undefined;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  /** A handler was started and runs on: make sure that somebody looks. */
  watch(): void {
    this.#timer ??= this.#options.clock.schedule(this.#options.maxPollIntervalMs * WARN_SHARE, () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #look(): void {
    const { clock, inFlight, maxPollIntervalMs } = this.#options;
    this.#timer = undefined;
    const now = clock.monotonic();
    let next = Number.POSITIVE_INFINITY;
    for (const delivery of inFlight) {
      const given = now - delivery.startedAt;
      // Elsewhere it may have begun later than it was given away.
      const age = delivery.remote === undefined ? given : (delivery.remote.runningForMs() ?? 0);
      if (age < maxPollIntervalMs * WARN_SHARE) {
        next = Math.min(next, maxPollIntervalMs * WARN_SHARE - age);
        continue;
      }
      if (age >= maxPollIntervalMs) {
        this.#expire(delivery, age);
        // Its worker may go on with another record.
        next = Math.min(next, maxPollIntervalMs * WARN_SHARE);
        continue;
      }
      this.#warn(delivery, age);
      next = Math.min(next, maxPollIntervalMs - age);
    }
    if (next < Number.POSITIVE_INFINITY) this.#timer = clock.schedule(Math.max(1, next), () => this.#look());
  }

  #warn(delivery: Delivery, age: number): void {
    if (delivery.slowness !== 'none') return;
    delivery.slowness = 'warned';
    const { logger, maxPollIntervalMs, slowHandler } = this.#options;
    logger.warn(
      `${this.#name(delivery)} has been running for ${Math.round(age)} ms; at ${maxPollIntervalMs} ms ` +
        `(max.poll.interval.ms) ${NEXT[slowHandler]}. Make the handler faster, or raise max.poll.interval.ms.`,
    );
    this.#emit(delivery, age, false);
  }

  #expire(delivery: Delivery, age: number): void {
    if (delivery.slowness === 'expired') return;
    delivery.slowness = 'expired';
    const { logger, slowHandler, slowRecords, slowLimit, leave, maxPollIntervalMs } = this.#options;
    const message =
      `${this.#name(delivery)} has been running for ${Math.round(age)} ms, longer than max.poll.interval.ms ` +
      `(${maxPollIntervalMs} ms). `;
    if (slowHandler === 'warn') {
      logger.error(`${message}It blocks the records behind it and the commits of its partition until it ends.`);
      this.#emit(delivery, age, false);
      return;
    }
    const times = slowRecords.note(delivery.record);
    const leaves = slowHandler === 'leave' && times < slowLimit && leave(message);
    if (leaves) {
      logger.error(`${message}The consumer leaves its group: others take its partitions until the handler has ended.`);
    } else {
      // The record fails when the handler settles, not now: until then its lane and the committable offset stay, or
      // records behind it would overtake it.
      const again = times > 1 ? ` This is time ${times} for this record.` : '';
      logger.error(`${message}Its signal fires now; it counts as failed as soon as the handler ends.${again}`);
      const reason = `${message}Make the handler faster, or raise it.`;
      delivery.abort('slow', new NestdawError('KAFKA_HANDLER_TIMEOUT', reason));
    }
    this.#emit(delivery, age, true);
  }

  #emit(delivery: Delivery, ms: number, aborted: boolean): void {
    this.#options.events.emit({
      type: 'slow',
      consumer: this.#options.consumer,
      record: delivery.record,
      ms,
      aborted,
    });
  }

  #name({ record: { topic, partition, offset } }: Delivery): string {
    return `listener '${this.#options.listener}': the handler of ${topic}-${partition} offset ${offset}`;
  }
}
