import { type Backoff } from '../../../common/backoff.js';
import { type Clock } from '../../../common/clock.js';
import { type ResponseOf } from '../../../protocol/api.js';
import { brokerError, needsMetadataRefresh } from '../../../protocol/error-codes.js';
import { type Produce } from '../../../protocol/messages/00-produce.js';
import { expired, recordTooLarge, refused, retriesUsedUp } from './delivery-errors.js';
import { deliveryVerdict } from './delivery-verdict.js';
import { type PartitionQueue } from './partition-queue.js';
import { type ProducerBatch } from './producer-batch.js';
import { type ProducerMetrics } from './producer-metrics.js';
import { type ProducerSettings } from './producer-options.js';
import { type RecordAccumulator } from './record-accumulator.js';
import { type TransactionGate } from './transaction-gate.js';

// What becomes of a batch after an attempt: acknowledged, once more, in two, under a new epoch, or rejected.

export type PartitionAnswer = ResponseOf<typeof Produce>['responses'][number]['partitionResponses'][number];

export interface BatchOutcomesOptions {
  readonly accumulator: RecordAccumulator;
  readonly settings: ProducerSettings;
  readonly clock: Clock;
  readonly backoff: Backoff;
  /** A queue may send again after having had to wait. */
  readonly onReady: () => void;
  readonly onStaleMetadata: () => void;
  /** The transaction that batches belong to: one that is lost is lost to all of it, and starts no epoch of its own. */
  readonly transaction?: TransactionGate | undefined;
  /** Records are lost: their batch failed for good. */
  readonly onLost: (batch: ProducerBatch, error: Error) => void;
  readonly metrics: ProducerMetrics;
}

export class BatchOutcomes {
  readonly #options: BatchOutcomesOptions;
  readonly #accumulator: RecordAccumulator;

  constructor(options: BatchOutcomesOptions) {
    this.#options = options;
    this.#accumulator = options.accumulator;
  }

  settle(batch: ProducerBatch, answer: PartitionAnswer): void {
    const queue = this.#accumulator.queueOf(batch);
    const { errorCode } = answer;
    if (queue.isStopped && deliveryVerdict(errorCode) !== 'stored') {
      this.reject(batch, refused(batch, errorCode, 'a record before it was lost'));
      return;
    }
    switch (deliveryVerdict(errorCode)) {
      case 'stored':
        this.stored(batch, answer.baseOffset, answer.logAppendTimeMs);
        break;
      case 'retry':
        if (needsMetadataRefresh(errorCode)) this.#options.onStaleMetadata();
        this.tryAgain(batch, refusal(batch, errorCode));
        break;
      case 'out-of-order':
        this.#outOfOrder(queue, batch, errorCode);
        break;
      case 'fenced':
        this.#fenced(queue, batch, errorCode);
        break;
      case 'too-large':
        this.#tooLarge(queue, batch, errorCode);
        break;
      case 'refused':
        this.reject(batch, refused(batch, errorCode, detailOf(answer)));
        break;
    }
  }

  stored(batch: ProducerBatch, baseOffset: number, logAppendTimeMs: number): void {
    const queue = this.#accumulator.queueOf(batch);
    queue.stored(batch);
    this.#options.transaction?.stored();
    batch.isAnswered = baseOffset >= 0; // acks=0 has no answers
    batch.succeed(baseOffset, logAppendTimeMs);
    this.#release(queue, batch);
  }

  /** Nobody knows whether the attempt stored it: the same bytes go again. */
  tryAgain(batch: ProducerBatch, error: Error): void {
    batch.lastError = error;
    if (batch.settled) {
      this.reject(batch, error);
    } else if (batch.attempts > this.#options.settings.retries || this.#accumulator.queueOf(batch).isStopped) {
      this.reject(batch, retriesUsedUp(batch, error));
    } else {
      const queue = this.#accumulator.queueOf(batch);
      queue.failed(batch);
      this.backOff(queue);
    }
  }

  /**
   * A batch behind a failed one is refused until that one is stored: it just waits for its turn. The oldest one is
   * refused when a batch before it was given up, or when the broker lost what it knew: it starts a new epoch.
   */
  #outOfOrder(queue: PartitionQueue, batch: ProducerBatch, errorCode: number): void {
    batch.lastError = refusal(batch, errorCode);
    if (batch.settled) {
      this.reject(batch, batch.lastError);
    } else if (queue.isOldest(batch)) {
      if (this.#options.transaction) {
        this.reject(batch, refused(batch, errorCode, 'the transaction has to be aborted'));
        return;
      }
      queue.notStored(batch);
      this.backOff(queue);
    } else {
      queue.failed(batch);
      this.#accumulator.ready.add(queue);
    }
  }

  #fenced(queue: PartitionQueue, batch: ProducerBatch, errorCode: number): void {
    if (this.#options.transaction) {
      this.reject(batch, refused(batch, errorCode, 'the transaction has to be aborted'));
      return;
    }
    if (batch.settled || batch.attempts > 1) {
      // The attempt before may have stored it, and under another id the broker could not tell.
      this.reject(batch, refused(batch, errorCode, 'an earlier attempt may have stored it'));
      queue.dropIdentity();
      return;
    }
    batch.lastError = refusal(batch, errorCode);
    queue.notStored(batch);
    queue.dropIdentity();
    this.backOff(queue);
  }

  #tooLarge(queue: PartitionQueue, batch: ProducerBatch, errorCode: number): void {
    if (batch.settled || batch.count === 1) {
      this.reject(batch, recordTooLarge(batch, errorCode));
      return;
    }
    // What is behind it in the same transaction has its sequence already, so there is no room for parts.
    if (this.#options.transaction && queue.unsettled.length > 1) {
      this.reject(batch, refused(batch, errorCode, 'lower batch.size below max.message.bytes of the topic'));
      return;
    }
    this.#options.metrics.split();
    const parts = batch.split();
    queue.replace(batch, parts);
    this.#accumulator.replaced(batch, parts);
    this.#accumulator.ready.add(queue);
  }

  /** Rejects its records, if they are not settled yet; it must be in no request any more. */
  reject(batch: ProducerBatch, error: Error): void {
    const queue = this.#accumulator.queueOf(batch);
    const isLost = this.#fail(batch, error);
    queue.giveUp(batch);
    this.#release(queue, batch);
    this.#options.transaction?.failed(error, batch.attempts > 0);
    if (isLost) this.#options.onLost(batch, error);
  }

  /** Rejects what waits behind a lost record; what is in a request waits for its end. */
  stop(queue: PartitionQueue, reason: Error): void {
    queue.isStopped = true;
    for (const batch of [...queue.unsettled, ...queue.unsent]) if (!batch.inFlight) this.reject(batch, reason);
  }

  #fail(batch: ProducerBatch, error: Error): boolean {
    if (batch.settled) return false;
    this.#options.metrics.failed(batch.count);
    batch.fail(error);
    return true;
  }

  /** Rejects what has waited for too long; `problem` explains those that were never sent. */
  expire(problem: Error | undefined): void {
    const { deliveryTimeoutMs } = this.#options.settings;
    const now = this.#options.clock.monotonic();
    for (const batch of this.#accumulator.incomplete) {
      if (batch.createdAt + deliveryTimeoutMs <= now) this.#end(batch, expired(batch, deliveryTimeoutMs, problem));
    }
  }

  rejectAll(reason: Error): void {
    for (const batch of this.#accumulator.incomplete) this.#end(batch, reason);
  }

  #end(batch: ProducerBatch, error: Error): void {
    if (!batch.inFlight) {
      this.reject(batch, error);
      return;
    }
    // In a request: it keeps its place until that is settled, for only then may its partition go on.
    const isLost = this.#fail(batch, error);
    this.#accumulator.incomplete.delete(batch);
    this.#options.transaction?.failed(error, false);
    if (isLost) this.#options.onLost(batch, error);
  }

  backOff(queue: PartitionQueue): void {
    const { clock, backoff, onReady } = this.#options;
    this.#accumulator.ready.delete(queue);
    if (queue.isBackingOff) return; // another batch of the same failure came first
    queue.isBackingOff = true;
    clock.schedule(backoff(++queue.failures), () => {
      queue.isBackingOff = false;
      this.#accumulator.ready.add(queue);
      onReady();
    });
  }

  #release(queue: PartitionQueue, batch: ProducerBatch): void {
    this.#accumulator.release(batch);
    if (!queue.isIdle) this.#accumulator.ready.add(queue);
  }
}

function refusal(batch: ProducerBatch, errorCode: number): Error {
  return brokerError(errorCode, `${batch.topic}-${batch.partition}`);
}

function detailOf({ errorMessage, recordErrors }: PartitionAnswer): string | null {
  const [first] = recordErrors;
  return first
    ? `record ${first.batchIndex} of the batch: ${first.batchIndexErrorMessage ?? errorMessage}`
    : errorMessage;
}
