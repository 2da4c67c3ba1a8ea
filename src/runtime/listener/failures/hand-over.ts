import { type KeyDispatcher } from '../../dispatch/key-dispatcher.js';
import { type Progress } from '../commits/progress.js';
import { type ConsumerContext } from '../consumer-context.js';
import { Delivery } from '../delivery/delivery.js';
import { namesOf, sentenceOf } from '../log-text.js';
import { type PartitionTable } from '../partitions/partition-table.js';
import { type FailureDecision } from './error-handler.js';
import { type Failure } from './failure.js';

// Carries out `recover`. A record counts as finished when its recoverer has taken it, never before. In order, its
// lane waits as if the handler still ran; out of order, the lane goes on, and only the commit waits.

/** Pause before a record is delivered again whose recoverer failed: what was away is given time to come back. */
const AGAIN_MS = 1_000;

type Recovery = Extract<FailureDecision, { readonly action: 'recover' }>;

export interface HandOverOptions extends ConsumerContext {
  readonly dispatcher: KeyDispatcher<Delivery>;
  readonly partitions: PartitionTable;
  readonly progress: Progress;
  readonly wake: () => void;
  readonly settled: () => void;
  readonly onBroken: (error: unknown) => void;
}

export class HandOver {
  readonly #options: HandOverOptions;

  constructor(options: HandOverOptions) {
    this.#options = options;
  }

  /** `failures` are those of the delivery's records, from the first on; in a batch perhaps of the first one only. */
  begin(delivery: Delivery, decision: Recovery, failures: readonly Failure[]): void {
    const { dispatcher, onBroken } = this.#options;
    const isOrdered = decision.isOrdered !== false || delivery.batch !== undefined;
    if (!isOrdered) {
      dispatcher.finish(delivery);
      delivery.partition.handedOver++;
    }
    this.#recover(decision, failures)
      .then(
        () => this.#taken(delivery, failures),
        (error: unknown) => this.#refused(delivery, decision, failures[0]!, error, isOrdered),
      )
      .finally(() => {
        if (!isOrdered) delivery.partition.handedOver--;
        this.#options.settled();
      })
      .catch(onBroken);
  }

  /** One after another: their order is kept, and what is taken twice after a failure is no more than it has to be. */
  async #recover({ recoverer }: Recovery, failures: readonly Failure[]): Promise<void> {
    for (const failure of failures) await recoverer.recover(failure, this.#options);
  }

  #taken(delivery: Delivery, failures: readonly Failure[]): void {
    const { counters, events, index, progress, dispatcher } = this.#options;
    counters.recovered += failures.length;
    for (const { record, error, attempt } of failures) {
      events.emit({ type: 'recovered', consumer: index, record, error, attempt });
    }
    if (delivery.partition.isDropped) this.#abandon(delivery);
    else if (delivery.batch !== undefined && failures.length < delivery.batch.length) {
      progress.finishedFirst(delivery, failures.length);
      delivery.trim(failures.length);
      dispatcher.suspend(delivery);
      dispatcher.release(delivery);
    } else progress.skipped(delivery);
    this.#options.wake();
  }

  #refused(delivery: Delivery, decision: Recovery, failure: Failure, error: unknown, isOrdered: boolean): void {
    const { listener, logger, events, index, counters } = this.#options;
    const { record } = failure;
    counters.recoveryFailures++;
    logger.error(
      `listener '${listener}': ${namesOf([record])} offset ${record.offset} could not be handed over: ` +
        `${sentenceOf(error)} It stays unfinished and is delivered again in ${AGAIN_MS} ms.`,
      error,
    );
    events.emit({ type: 'recovery-failed', consumer: index, record, error });
    if (delivery.partition.isDropped) this.#abandon(delivery);
    else this.#again(isOrdered ? delivery : this.#copyOf(delivery), decision.attemptAfterFailure ?? 1);
  }

  #again(delivery: Delivery, attempt: number): void {
    const { dispatcher, clock, wake } = this.#options;
    const { waiting } = delivery.partition;
    dispatcher.suspend(delivery);
    const timer = clock.schedule(AGAIN_MS, () => {
      waiting.delete(delivery);
      delivery.attempt = attempt;
      if (delivery.state === 'new') dispatcher.submit(delivery);
      else dispatcher.release(delivery);
      wake();
    });
    waiting.set(delivery, timer);
  }

  /** The place in its lane is given up: the record comes back as a new one. */
  #copyOf({ partition, poll, record, batch, bytes }: Delivery): Delivery {
    return new Delivery(partition, poll, record, batch, bytes);
  }

  /** The partition was given up meanwhile: its next owner has the record again. */
  #abandon(delivery: Delivery): void {
    const { counters, progress, partitions } = this.#options;
    const wasRunning = delivery.isRunning;
    counters.stale++;
    progress.abandoned(delivery);
    if (wasRunning) partitions.leftoverEnded(delivery.record.topic, delivery.record.partition);
  }
}
