import { classNameOf } from '../../common/class-name.js';
import { type Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type RecordMetadata } from '../client/producer-client.js';
import { type ProducerRecord } from './producer-record.js';

// Interceptors by Kafka's rules: each gets what the one before it made; one that throws is logged and left out for that
// record, which goes on as the last good one left it.

/**
 * Sees every record that a template sends (Kafka: `ProducerInterceptor`). Runs in the caller's turn, so keep it light:
 * a mean above 1 ms is logged. Under `producer.per-thread=false` what worker threads send is shown to the interceptors
 * of the application, in its event loop: values then are what structured cloning makes of them.
 */
export interface ProducerInterceptor<T = any> {
  /**
   * Before serialization. Returns the record to send, the same or another. Should not change topic or partition, which
   * is warned about once.
   */
  onSend?(record: ProducerRecord<T>): ProducerRecord<T>;
  /**
   * The record was stored, or `error` says why not; called before the promise of `send` settles. For a failed record
   * the offset is -1, and so is the partition unless the record named one.
   */
  onAcknowledgement?(metadata: RecordMetadata, error: Error | undefined): void;
  /** Called once, with the properties that the producer was configured with, by Kafka's names. */
  configure?(configs: Readonly<Record<string, unknown>>): void;
  /** Called when the template's producer ends. */
  close?(): void;
}

type Phase = 'onSend' | 'onAcknowledgement' | 'close';

interface Entry {
  readonly interceptor: ProducerInterceptor;
  readonly name: string;
  errors: number;
  hasChangedPlace: boolean;
}

/** Calls after which a mean says something. */
const MEAN_FROM = 1_000;
const SLOW_MS = 1;

export class InterceptorChain {
  readonly #entries: Entry[] = [];
  readonly #clock: Clock;
  readonly #logger: Logger;
  #calls = 0;
  #ms = 0;
  #hasWarnedOfTime = false;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  add(interceptor: ProducerInterceptor): void {
    this.#entries.push({ interceptor, name: classNameOf(interceptor), errors: 0, hasChangedPlace: false });
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Times an interceptor threw since the start. */
  get errors(): number {
    return this.#entries.reduce((sum, { errors }) => sum + errors, 0);
  }

  /** Under the names of the template's metrics; nothing without interceptors. */
  metrics(): Readonly<Record<string, number>> {
    if (this.isEmpty) return {};
    return { 'interceptor-time-avg': this.meanMs, 'interceptor-errors-total': this.errors };
  }

  /** Mean ms that all interceptors together take for a record. */
  get meanMs(): number {
    return this.#calls === 0 ? 0 : this.#ms / this.#calls;
  }

  onSend(given: ProducerRecord): ProducerRecord {
    const started = this.#clock.monotonic();
    let record = given;
    for (const entry of this.#entries) {
      if (!entry.interceptor.onSend) continue;
      try {
        const next = entry.interceptor.onSend(record);
        if (next === undefined || next === null) throw new Error('it returned no record');
        this.#watchPlace(entry, record, next);
        record = next;
      } catch (error) {
        this.#failed(entry, 'onSend', error);
      }
    }
    this.#calls++;
    this.#took(started);
    return record;
  }

  onAcknowledgement(metadata: RecordMetadata, failure: Error | undefined): void {
    const started = this.#clock.monotonic();
    for (const entry of this.#entries) {
      try {
        entry.interceptor.onAcknowledgement?.(metadata, failure);
      } catch (error) {
        this.#failed(entry, 'onAcknowledgement', error);
      }
    }
    this.#took(started);
  }

  /** Ends each one that is not among the `closed` yet: templates share interceptors. */
  close(closed = new Set<object>()): void {
    for (const entry of this.#entries) {
      if (closed.has(entry.interceptor)) continue;
      closed.add(entry.interceptor);
      try {
        entry.interceptor.close?.();
      } catch (error) {
        this.#failed(entry, 'close', error);
      }
    }
  }

  #watchPlace(entry: Entry, before: ProducerRecord, after: ProducerRecord): void {
    if (entry.hasChangedPlace || (before.topic === after.topic && before.partition === after.partition)) return;
    entry.hasChangedPlace = true;
    this.#logger.warn(
      `interceptor ${entry.name} changes the topic or partition of records (${placeOf(before)} to ${placeOf(after)}); ` +
        'others of the chain may count on the one that was asked for',
    );
  }

  /** The first is logged, then each that makes the count ten times as large. */
  #failed(entry: Entry, phase: Phase, error: unknown): void {
    entry.errors++;
    if (!Number.isInteger(Math.log10(entry.errors))) return;
    const count = entry.errors === 1 ? '' : ` (${entry.errors} times by now)`;
    this.#logger.error(`interceptor ${entry.name} failed in ${phase}${count}, and is passed over: ${messageOf(error)}`);
  }

  #took(started: number): void {
    this.#ms += this.#clock.monotonic() - started;
    if (this.#hasWarnedOfTime || this.#calls < MEAN_FROM || this.meanMs <= SLOW_MS) return;
    this.#hasWarnedOfTime = true;
    const names = this.#entries.map(({ name }) => name).join(', ');
    this.#logger.warn(`the interceptors (${names}) take ${this.meanMs.toFixed(1)} ms a record, in the caller's turn`);
  }
}

function placeOf({ topic, partition }: ProducerRecord): string {
  return partition === undefined ? topic : `${topic}-${partition}`;
}
