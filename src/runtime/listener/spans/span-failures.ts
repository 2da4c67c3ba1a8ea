import { type KafkaRecord } from '../../../common/record.js';
import { type TopicPartition } from '../../../common/topic-partition.js';
import { type KeyDispatcher } from '../../dispatch/key-dispatcher.js';
import { type ConsumerContext } from '../consumer-context.js';
import { type Delivery } from '../delivery/delivery.js';
import { type ErrorHandler, type FailureDecision } from '../failures/error-handler.js';
import { type Failure } from '../failures/failure.js';
import { RedoLedger } from '../failures/redo-ledger.js';
import { namesOf, sentenceOf } from '../log-text.js';
import { type PartitionTable } from '../partitions/partition-table.js';
import { type Recovery } from './span-handler.js';

// Failures inside of a transaction (Spring: DefaultAfterRollbackProcessor). One of them rolls the whole span back; what
// the error handler decides about the record is carried out after that, and remembered for the record's next delivery.

/** What follows the rollback for one partition. */
export interface SpanDecision {
  readonly partition: TopicPartition;
  readonly decision: FailureDecision;
  readonly error: unknown;
}

/** Pause before a record is delivered again whose recoverer failed: what was away is given time to come back. */
const AGAIN_MS = 1_000;

export interface SpanFailuresOptions extends ConsumerContext {
  readonly groupId: string;
  readonly errorHandler: ErrorHandler;
  readonly dispatcher: KeyDispatcher<Delivery>;
  readonly partitions: PartitionTable;
  /** Asks the committer to end the span. */
  readonly requestEnd: () => void;
}

export class SpanFailures {
  readonly ledger = new RedoLedger();
  readonly #options: SpanFailuresOptions;
  #decisions: SpanDecision[] = [];
  #mustRunAgain = false;
  #recoveryFailure: unknown;

  constructor(options: SpanFailuresOptions) {
    this.#options = options;
  }

  /** The span has to be rolled back. */
  get hasAny(): boolean {
    return this.#mustRunAgain || this.#decisions.length > 0;
  }

  /** `atHead`: of a batch, only the first record failed. */
  failed(delivery: Delivery, error: unknown, atHead: boolean): void {
    if (error === this.#recoveryFailure && error !== undefined) this.#recoveryFailure = undefined;
    else this.blame(delivery, error, atHead);
    this.#setAside(delivery);
  }

  /** The handler gave the record back: the partition waits, then its span runs again. */
  nacked(delivery: Delivery, delayMs: number): void {
    const { record } = delivery;
    this.ledger.set(record, record.offset, { attempt: delivery.attempt + 1 });
    this.#decisions.push({ partition: record, decision: { action: 'retry', delayMs }, error: undefined });
    this.#setAside(delivery);
  }

  /** Interrupted by a rebalance: not a failure of the record, but its transaction cannot be committed. */
  interrupted(delivery: Delivery): void {
    this.#mustRunAgain = true;
    this.#setAside(delivery);
  }

  /** Counts a failure of the record and asks the error handler what follows. */
  blame(delivery: Delivery, error: unknown, atHead: boolean): void {
    const { counters, events, index } = this.#options;
    const { record, batch } = delivery;
    counters.failed++;
    const one = atHead || batch === undefined;
    const attempt = one ? (this.ledger.get(record, record.offset)?.attempt ?? 1) : delivery.attempt;
    const decision = this.#decide(record, error, attempt);
    this.#remember(one ? [record] : batch, decision, error, attempt);
    this.#log(record, attempt, error, decision);
    events.emit({ type: 'failed', consumer: index, record, error, attempt, decision });
    this.#decisions.push({ partition: record, decision, error });
  }

  recovered({ failure }: Recovery): void {
    const { counters, events, index } = this.#options;
    counters.recovered++;
    const { record, error, attempt } = failure;
    events.emit({ type: 'recovered', consumer: index, record, error, attempt });
  }

  recoveryFailed({ failure: { record }, attemptAfterFailure }: Recovery, error: unknown): void {
    const { counters, events, index, logger, listener } = this.#options;
    counters.recoveryFailures++;
    logger.error(
      `listener '${listener}': ${namesOf([record])} offset ${record.offset} could not be handed over: ` +
        `${sentenceOf(error)} It stays unfinished and is delivered again in ${AGAIN_MS} ms.`,
      error,
    );
    events.emit({ type: 'recovery-failed', consumer: index, record, error });
    this.ledger.set(record, record.offset, { attempt: attemptAfterFailure });
    this.#decisions.push({ partition: record, decision: { action: 'retry', delayMs: AGAIN_MS }, error });
    this.#recoveryFailure = error;
  }

  /** Hands out what follows the rollback that is under way. */
  takeDecisions(): readonly SpanDecision[] {
    const decisions = this.#decisions;
    this.#decisions = [];
    this.#mustRunAgain = false;
    return decisions;
  }

  /** The span is committed: what is finished needs no memory any more, nor what is somebody else's. */
  committed(): void {
    if (this.ledger.isEmpty) return;
    const { partitions } = this.#options;
    this.ledger.retain(({ topic, partition }, offset) => {
      const tracker = partitions.get(topic, partition)?.tracker;
      if (tracker === undefined || offset < tracker.committableOffset) return false;
      return !tracker.finishedRanges().some(({ from, to }) => offset >= from && offset < to);
    });
  }

  #decide(record: KafkaRecord, error: unknown, attempt: number): FailureDecision {
    const { listener, groupId, errorHandler, logger } = this.#options;
    try {
      return errorHandler({ listener, groupId, record, error, attempt });
    } catch (thrown) {
      logger.error(
        `listener '${listener}': the error handler itself threw: ${sentenceOf(thrown)} The partition is paused.`,
        thrown,
      );
      return { action: 'pause-partition' };
    }
  }

  #remember(records: readonly KafkaRecord[], decision: FailureDecision, error: unknown, attempt: number): void {
    const { listener, groupId, counters } = this.#options;
    const [first] = records;
    switch (decision.action) {
      case 'retry':
        if (first) this.ledger.set(first, first.offset, { attempt: attempt + 1 });
        break;
      case 'skip':
        counters.skipped += records.length;
        for (const record of records) this.ledger.set(record, record.offset, { attempt, instead: 'skip' });
        break;
      case 'recover':
        for (const record of records) {
          const failure: Failure = { listener, groupId, record, error, attempt };
          const { recoverer, attemptAfterFailure = 1 } = decision;
          this.ledger.set(record, record.offset, { attempt, instead: { recoverer, failure, attemptAfterFailure } });
        }
        break;
      default:
        if (first) this.ledger.forget(first, first.offset);
    }
  }

  /** It gives its worker back, and is forgotten with its partition's old state. */
  #setAside(delivery: Delivery): void {
    this.#options.dispatcher.suspend(delivery);
    delivery.partition.parked.add(delivery);
    this.#options.requestEnd();
  }

  #log(record: KafkaRecord, attempt: number, error: unknown, decision: FailureDecision): void {
    const { listener, logger } = this.#options;
    const head =
      `listener '${listener}': ${namesOf([record])} offset ${record.offset} failed in a transaction, delivery ` +
      `${attempt}: ${sentenceOf(error)} The transaction is aborted.`;
    switch (decision.action) {
      case 'retry':
        if (attempt === 1) logger.warn(`${head} What it covered runs again in ${decision.delayMs} ms.`, error);
        else logger.debug?.(`${head} What it covered runs again in ${decision.delayMs} ms.`);
        break;
      case 'recover':
        logger.warn(`${head} The record is ${decision.recoverer.description ?? 'handed to the recoverer'}.`, error);
        break;
      case 'skip':
        logger.error(`${head} The record is passed over and committed (${decision.policy}).`, error);
        break;
      case 'pause-partition':
        logger.error(
          `${head} The partition is paused, nothing of it is lost. Cure the handler or the record and resume the ` +
            "container (or restart); to move past such records, give the error handler exhausted: 'skip'.",
          error,
        );
        break;
      case 'stop-container':
        logger.error(`${head} The container stops; the record is not committed.`, error);
        break;
    }
  }
}
