import { type Clock } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { partitionName } from '../../../common/topic-partition.js';
import { ErrorCode, errorName } from '../../../protocol/error-codes.js';
import { KeyedTimers } from '../keyed-timers.js';
import { completed } from './end-rules.js';
import { type MarkerLog } from './marker-log.js';
import { type TransactionMetadata } from './transaction-metadata.js';
import { type TransactionShard } from './transaction-shard.js';
import { isPrepared } from './transaction-state.js';

// Carries out what is decided: a prepared transaction gets its marker in every partition, then it is complete. Where
// the flush policy lets appends be acknowledged at once, all of it happens in one turn. Nothing decided is ever left
// undone: what cannot be written now is tried again, and after a restart the log says what is prepared.

export interface CompletionLog {
  /** Appends and replays the state; an error code when it could not. */
  write(shard: TransactionShard, transactionalId: string, value: TransactionMetadata): number;
  durable(shard: TransactionShard): Promise<void> | undefined;
  leaderEpoch(shard: TransactionShard): number;
}

export interface CompletionOptions {
  readonly log: CompletionLog;
  readonly markers: MarkerLog;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Time between two tries to write a marker that the disk refused. */
const RETRY_MS = 1_000;

export class TransactionCompletion {
  readonly #options: CompletionOptions;
  readonly #retries: KeyedTimers;
  #isOpen = true;

  constructor(options: CompletionOptions) {
    this.#options = options;
    this.#retries = new KeyedTimers(options.clock);
  }

  /**
   * Ends the prepared transaction on its partitions. Returns when it is complete, or will be: what is decided does not
   * change any more. Rejects when the decision itself is not durable.
   */
  finish(shard: TransactionShard, transactionalId: string): void | Promise<void> {
    // A marker that outlives its decision would make half a transaction.
    const decided = this.#options.log.durable(shard);
    if (!decided) return this.#writeMarkers(shard, transactionalId);
    return decided.then(
      () => this.#writeMarkers(shard, transactionalId),
      (error: unknown) => {
        this.#retryLater(shard, transactionalId, `its end is not durable: ${messageOf(error)}`);
        throw error;
      },
    );
  }

  #writeMarkers(shard: TransactionShard, transactionalId: string): void | Promise<void> {
    const { log, markers } = this.#options;
    const prepared = shard.get(transactionalId);
    if (!this.#isOpen || !prepared || !isPrepared(prepared.state)) return;
    const { producerId, producerEpoch, state } = prepared;
    const coordinatorEpoch = log.leaderEpoch(shard);
    const marker = { producerId, producerEpoch, coordinatorEpoch, committed: state === 'PrepareCommit' };
    for (const partition of prepared.partitions) {
      const errorCode = markers.append(partition, marker);
      if (this.#isEnded(errorCode)) continue;
      const what = `${partitionName(partition)} refused its marker (${errorName(errorCode)})`;
      this.#retryLater(shard, transactionalId, what);
      return;
    }
    const syncs = [...prepared.partitions].flatMap((partition) => markers.durable(partition) ?? []);
    if (syncs.length === 0) return this.#complete(shard, transactionalId, prepared);
    return Promise.all(syncs).then(
      () => this.#complete(shard, transactionalId, prepared),
      (error: unknown) => this.#retryLater(shard, transactionalId, `a marker is not durable: ${messageOf(error)}`),
    );
  }

  /** A newer epoch in the partition has ended the transaction there already; a partition that is gone needs no end. */
  #isEnded(errorCode: number): boolean {
    return (
      errorCode === ErrorCode.NONE ||
      errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION ||
      errorCode === ErrorCode.INVALID_PRODUCER_EPOCH
    );
  }

  #complete(shard: TransactionShard, transactionalId: string, prepared: TransactionMetadata): void | Promise<void> {
    // Meanwhile somebody else may have finished it, and a next transaction may have begun.
    if (!this.#isOpen || shard.get(transactionalId) !== prepared) return;
    const { log, clock } = this.#options;
    const errorCode = log.write(shard, transactionalId, completed(prepared, clock.now()));
    if (errorCode !== ErrorCode.NONE) {
      this.#retryLater(shard, transactionalId, `its state could not be written (${errorName(errorCode)})`);
      return;
    }
    this.#retries.cancel(transactionalId);
    // Were it lost, the next start would find the transaction prepared and write the same markers again.
    return log.durable(shard)?.catch((error: unknown) => {
      this.#options.logger.warn(`transactional id ${transactionalId}: not yet durable: ${messageOf(error)}`);
    });
  }

  #retryLater(shard: TransactionShard, transactionalId: string, why: string): void {
    if (!this.#isOpen) return;
    const { logger } = this.#options;
    logger.error(`transactional id ${transactionalId}: ${why}; tried again in ${RETRY_MS} ms; check the disk`);
    this.#retries.schedule(transactionalId, RETRY_MS, () => {
      void Promise.resolve(this.finish(shard, transactionalId)).catch(() => undefined); // told above
    });
  }

  close(): void {
    this.#isOpen = false;
    this.#retries.cancelAll();
  }
}
