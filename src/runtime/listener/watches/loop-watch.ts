import { type Timer } from '../../../common/clock.js';
import { type KafkaRecord } from '../../../common/record.js';
import { partitionName } from '../../../common/topic-partition.js';
import { type ConsumerContext } from '../consumer-context.js';
import { type Delivery } from '../delivery/delivery.js';
import { type InFlightTable } from '../delivery/in-flight-table.js';

// Finds handlers that hold the event loop: as long as one computes, no heartbeat leaves, and after a session of that
// the group takes every consumer of the process for dead. A timer that comes late tells that something held the loop.
// Who was started last before that, or was under way since the timer came before, is named: nobody else can have done
// it.

/** Of session.timeout.ms: as in Kafka's rule of three heartbeats a session. */
const HOLD_SHARE = 1 / 3;
/** Looks in the time that is too long to hold the loop. */
const LOOKS = 8;
/** Handlers that a warning names. */
const NAMED = 8;

export interface LoopWatchOptions extends ConsumerContext {
  readonly sessionTimeoutMs: number;
  readonly inFlight: InFlightTable;
}

export class LoopWatch {
  readonly #options: LoopWatchOptions;
  readonly #limitMs: number;
  readonly #periodMs: number;
  #timer: Timer | undefined;
  #lookedAt = 0;
  /** What was under way then, oldest first. */
  #underWay: readonly KafkaRecord[] = [];
  #latest: KafkaRecord | undefined;
  #latestAt = Number.NEGATIVE_INFINITY;
  /** The longest time without a start since the last look, and what was started before it. */
  #gap: { readonly after: KafkaRecord; readonly from: number; readonly to: number } | undefined;

  constructor(options: LoopWatchOptions) {
    this.#options = options;
    this.#limitMs = options.sessionTimeoutMs * HOLD_SHARE;
    this.#periodMs = Math.max(1, this.#limitMs / LOOKS);
  }

  /** A handler is about to be called. */
  starts({ record, startedAt }: Delivery): void {
    if (startedAt - this.#latestAt >= this.#limitMs && this.#latest) {
      this.#gap = { after: this.#latest, from: this.#latestAt, to: startedAt };
    }
    this.#latest = record;
    this.#latestAt = startedAt;
  }

  start(): void {
    this.#lookedAt = this.#options.clock.monotonic();
    this.#timer = this.#options.clock.schedule(this.#periodMs, () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #look(): void {
    const before = this.#lookedAt;
    this.start();
    // In its time: nothing that lasts longer than a period has been in the way.
    if (this.#lookedAt - before >= 2 * this.#periodMs) this.#heldSince(before);
    this.#gap = undefined;
    this.#underWay = oldestOf(heldHere(this.#options.inFlight));
  }

  #heldSince(before: number): void {
    const latest = this.#latest && { after: this.#latest, from: this.#latestAt, to: this.#lookedAt };
    for (const call of [this.#gap, latest]) {
      if (!call || call.from < before || call.to - call.from < this.#limitMs) continue;
      // A handler that still waits may have been waiting then, too.
      const isWaiting = heldHere(this.#options.inFlight).some(({ record }) => record === call.after);
      this.#tell(isWaiting ? [...this.#underWay, call.after] : [call.after], call.to - call.from);
      return;
    }
    const heldMs = this.#lookedAt - before - this.#periodMs;
    if (this.#underWay.length > 0 && heldMs >= this.#limitMs) this.#tell(this.#underWay, heldMs);
  }

  #tell(records: readonly KafkaRecord[], ms: number): void {
    const { listener, index, logger, events, sessionTimeoutMs } = this.#options;
    const names = records.map((record) => `${partitionName(record)} offset ${record.offset}`).join(', ');
    logger.warn(
      `listener '${listener}': the event loop was held for ${Math.round(ms)} ms, more than a third of ` +
        `session.timeout.ms=${sessionTimeoutMs}, while ${records.length === 1 ? 'the handler' : 'handlers'} of ${names} ` +
        "ran: no heartbeat left meanwhile. Let it compute in a thread (pool: 'threads' or threads: true), or in smaller pieces",
    );
    events.emit({ type: 'loop-held', consumer: index, records, ms });
  }
}

/** Those that run in this thread; elsewhere they hold another loop. */
function heldHere(inFlight: InFlightTable): Delivery[] {
  return [...inFlight].filter(({ remote }) => remote === undefined);
}

function oldestOf(deliveries: readonly Delivery[]): KafkaRecord[] {
  const oldestFirst = [...deliveries].sort((a, b) => a.startedAt - b.startedAt);
  return oldestFirst.slice(0, NAMED).map(({ record }) => record);
}
