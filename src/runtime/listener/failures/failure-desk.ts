import { type KafkaRecord } from '../../../common/record.js';
import { type KeyDispatcher } from '../../dispatch/key-dispatcher.js';
import { type Progress } from '../commits/progress.js';
import { type ConsumerContext } from '../consumer-context.js';
import { type Delivery } from '../delivery/delivery.js';
import { sentenceOf } from '../log-text.js';
import { type PartitionState } from '../partitions/partition-state.js';
import { coordinates, type PartitionTable } from '../partitions/partition-table.js';
import { type SlowRecords } from '../watches/slow-records.js';
import { type ErrorHandler, type FailureDecision } from './error-handler.js';
import { type Failure } from './failure.js';
import { FailureLog } from './failure-log.js';
import { HandOver } from './hand-over.js';
import { type Recoverer } from './recoverer.js';

// Takes failed deliveries, asks the error handler, and carries its decision out. Also what is given back (nack).

export interface FailureDeskOptions extends ConsumerContext {
  readonly groupId: string;
  readonly errorHandler: ErrorHandler;
  readonly slowRecords: SlowRecords;
  readonly slowLimit: number;
  readonly dispatcher: KeyDispatcher<Delivery>;
  readonly partitions: PartitionTable;
  readonly progress: Progress;
  /** Something may start again. */
  readonly wake: () => void;
  /** Nothing of a delivery is pending any more: whoever drains may look. */
  readonly settled: () => void;
  /** Something in the machinery itself broke. */
  readonly onBroken: (error: unknown) => void;
  /** The decision is to stop the container. */
  readonly stopContainer: (cause: unknown) => void;
}

export class FailureDesk {
  readonly #options: FailureDeskOptions;
  readonly #handOver: HandOver;
  readonly #log: FailureLog;

  constructor(options: FailureDeskOptions) {
    this.#options = options;
    this.#handOver = new HandOver(options);
    this.#log = new FailureLog(options);
  }

  /** `atHead`: of a batch, only the first record failed. */
  failed(delivery: Delivery, error: unknown, atHead: boolean): void {
    const { events, counters, index } = this.#options;
    counters.failed++;
    const decision = this.#decide(delivery, error);
    const { record, attempt } = delivery;
    if (decision.action !== 'retry') this.#options.slowRecords.forget(record);
    this.#log.tell(delivery, error, decision);
    events.emit({ type: 'failed', consumer: index, record, error, attempt, decision });
    switch (decision.action) {
      case 'retry':
        this.#retry(delivery, decision.delayMs);
        break;
      case 'recover':
        this.#handOver.begin(delivery, decision, this.#failuresOf(delivery, error, atHead));
        break;
      case 'skip':
        this.#skip(delivery, atHead);
        break;
      case 'pause-partition':
        this.#park(delivery);
        break;
      case 'stop-container':
        this.#options.dispatcher.suspend(delivery);
        this.#options.stopContainer(error);
        break;
    }
  }

  /** The handler gave the record back: the whole partition waits, then goes on with this record. */
  nacked(delivery: Delivery, delayMs: number): void {
    const { partitions, dispatcher, wake, clock } = this.#options;
    const state = delivery.partition;
    dispatcher.suspend(delivery);
    state.nacked++;
    partitions.hold(state, 'nack');
    const timer = clock.schedule(delayMs, () => {
      state.waiting.delete(delivery);
      if (--state.nacked === 0) partitions.unhold(state, 'nack');
      delivery.attempt++;
      dispatcher.release(delivery);
      wake();
    });
    state.waiting.set(delivery, timer);
  }

  /** Its time has not come: it starts later, and what must not overtake it waits with it. */
  postpone(delivery: Delivery, delayMs: number): void {
    this.#options.dispatcher.suspend(delivery);
    this.#later(delivery, delayMs);
  }

  /** Goes on to somebody else instead of being handled. */
  handOver(delivery: Delivery, recoverer: Recoverer, isOrdered: boolean): void {
    const failure = this.#failureOf(delivery.record, delivery, undefined);
    const decision = { action: 'recover', recoverer, isOrdered, attemptAfterFailure: delivery.attempt } as const;
    this.#handOver.begin(delivery, decision, [failure]);
  }

  /** Interrupted by a rebalance: not a failure of the record. It runs again if the partition stays. */
  interrupted(delivery: Delivery): void {
    this.#options.dispatcher.suspend(delivery);
    this.#options.dispatcher.release(delivery);
  }

  /** Runs parked records again, as if for the first time. */
  unpark(state: PartitionState): void {
    if (!state.holds.has('error')) return;
    for (const delivery of state.parked) {
      delivery.attempt = 1;
      this.#options.dispatcher.release(delivery);
    }
    state.parked.clear();
    this.#options.partitions.unhold(state, 'error');
    this.#options.consumer.resume([state], 'error');
  }

  /** The container has stopped. */
  close(): void {
    this.#log.close();
  }

  #decide(delivery: Delivery, error: unknown): FailureDecision {
    const { listener, errorHandler, logger } = this.#options;
    try {
      return errorHandler(this.#failureOf(delivery.record, delivery, error));
    } catch (thrown) {
      logger.error(
        `listener '${listener}': the error handler itself threw: ${sentenceOf(thrown)} The partition is paused.`,
        thrown,
      );
      return { action: 'pause-partition' };
    }
  }

  #failureOf(record: KafkaRecord, { attempt }: Delivery, error: unknown): Failure {
    const { listener, groupId, slowRecords, slowLimit } = this.#options;
    const timeouts = slowRecords.of(record);
    if (timeouts === 0) return { listener, groupId, record, error, attempt };
    return { listener, groupId, record, error, attempt, timeouts, isTooSlow: timeouts >= slowLimit };
  }

  #failuresOf(delivery: Delivery, error: unknown, atHead: boolean): Failure[] {
    const records = atHead || delivery.batch === undefined ? [delivery.record] : delivery.batch;
    return records.map((record) => this.#failureOf(record, delivery, error));
  }

  #retry(delivery: Delivery, delayMs: number): void {
    const { dispatcher } = this.#options;
    delivery.attempt++;
    dispatcher.suspend(delivery);
    // Once at once: most failures end with that, and the commits behind them are held up no longer than necessary. One
    // that goes on failing waits for its turn, or others would never have theirs.
    if (delayMs <= 0) dispatcher.release(delivery, delivery.attempt === 2);
    else this.#later(delivery, delayMs);
  }

  #later(delivery: Delivery, delayMs: number): void {
    const { dispatcher, clock, wake } = this.#options;
    const { waiting } = delivery.partition;
    const timer = clock.schedule(delayMs, () => {
      waiting.delete(delivery);
      dispatcher.release(delivery);
      wake();
    });
    waiting.set(delivery, timer);
  }

  #skip(delivery: Delivery, atHead: boolean): void {
    const { counters, progress, dispatcher } = this.#options;
    if (atHead && delivery.batch !== undefined && delivery.batch.length > 1) {
      counters.skipped++;
      progress.finishedFirst(delivery, 1);
      delivery.trim(1);
      dispatcher.suspend(delivery);
      dispatcher.release(delivery);
      return;
    }
    counters.skipped += delivery.batch?.length ?? 1;
    progress.skipped(delivery);
  }

  #park(delivery: Delivery): void {
    const { dispatcher, partitions, consumer, events } = this.#options;
    const state = delivery.partition;
    dispatcher.suspend(delivery);
    state.parked.add(delivery);
    if (state.holds.has('error')) return;
    partitions.hold(state, 'error');
    consumer.pause([state], 'error');
    events.emit({ type: 'paused', by: 'error', partitions: coordinates([state]) });
  }
}
