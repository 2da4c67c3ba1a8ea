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

interface Gap {
  readonly after: readonly KafkaRecord[];
  readonly from: number;
  readonly to: number;
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
  /** Started after it, before the clock was read again. */
  #alongside: KafkaRecord[] = [];
  /** The longest time without a start since the last look, and what was started before it. */
  #gap: Gap | undefined;

  constructor(options: LoopWatchOptions) {
    this.#options = options;
    this.#limitMs = options.sessionTimeoutMs * HOLD_SHARE;
    this.#periodMs = Math.max(1, this.#limitMs / LOOKS);
  }

  /** A handler is about to be called; `isTimed`: the clock was read for it. */
  starts({ record, startedAt }: Delivery, isTimed: boolean): void {
    if (!isTimed) {
      this.#alongside.push(record);
      return;
    }
    if (startedAt - this.#latestAt >= this.#limitMs) this.#gap = this.#since(startedAt);
    this.#latest = record;
    this.#latestAt = startedAt;
    if (this.#alongside.length > 0) this.#alongside = [];
  }

  #since(to: number): Gap | undefined {
    return this.#latest && { after: [this.#latest, ...this.#alongside], from: this.#latestAt, to };
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
    this.#underWay = firstOf(this.#options.inFlight, NAMED);
  }

  #heldSince(before: number): void {
    for (const call of [this.#gap, this.#since(this.#lookedAt)]) {
      if (!call || call.from < before || call.to - call.from < this.#limitMs) continue;
      // A handler that still waits may have been waiting then, too.
      const waiting = new Set(firstOf(this.#options.inFlight));
      const isWaiting = call.after.some((record) => waiting.has(record));
      this.#tell(isWaiting ? [...this.#underWay, ...call.after] : call.after, call.to - call.from);
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

/** Those that run in this thread. */
function firstOf(inFlight: InFlightTable, most = Number.POSITIVE_INFINITY): KafkaRecord[] {
  const found: KafkaRecord[] = [];
  for (const { record, remote } of inFlight) {
    if (found.length === most) break;
    if (remote === undefined) found.push(record);
  }
  return found;
}
