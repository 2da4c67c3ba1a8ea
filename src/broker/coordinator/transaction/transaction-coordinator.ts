import { type Clock, every, type Timer } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import { type Startable } from '../../../common/lifecycle.js';
import { type Logger } from '../../../common/logger.js';
import { type TopicPartition } from '../../../common/topic-partition.js';
import { ErrorCode, errorName } from '../../../protocol/error-codes.js';
import { type CoordinatorLog } from '../coordinator-log.js';
import { CoordinatorRuntime, coordinatorError } from '../coordinator-runtime.js';
import { type TransactionRecord, transactionRecordCodec } from '../transaction-records.js';
import { decideEnd, type EndRequest, fencedByAbort } from './end-rules.js';
import { decideInit, type InitRequest } from './init-rules.js';
import { type MarkerLog } from './marker-log.js';
import { decideAdd, verify } from './partition-rules.js';
import { TransactionCompletion } from './transaction-completion.js';
import { type TransactionConfig } from './transaction-config.js';
import {
  ClientVersion,
  NO_EPOCH,
  NO_PRODUCER_ID,
  type ProducerIdentity,
  type TransactionMetadata,
} from './transaction-metadata.js';
import { TransactionShard } from './transaction-shard.js';
import { isIdle, isPrepared } from './transaction-state.js';

// The transaction coordinator: takes each request to its transactional id, writes down what the rules decide, and has
// it carried out. It also ends transactions whose producers fell silent, and forgets ids that nobody uses.

export interface TransactionCoordinatorOptions {
  /** Partitions of `__transaction_state`. */
  readonly log: CoordinatorLog;
  /** The partitions that take part in transactions. */
  readonly markers: MarkerLog;
  readonly producerIds: { next(): Promise<bigint> };
  readonly config: TransactionConfig;
  /** Level of the feature transaction.version. */
  readonly version: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A producer as it names itself in its requests. */
export interface TransactionalProducer extends ProducerIdentity {
  readonly transactionalId: string;
}

export interface IdentityAnswer extends ProducerIdentity {
  readonly errorCode: number;
}

const refused = (errorCode: number): IdentityAnswer => ({
  errorCode,
  producerId: NO_PRODUCER_ID,
  producerEpoch: NO_EPOCH,
});

export class TransactionCoordinator implements Startable {
  readonly #options: TransactionCoordinatorOptions;
  readonly #runtime: CoordinatorRuntime<TransactionRecord, TransactionShard>;
  readonly #completion: TransactionCompletion;
  #isOpen = false;
  #timers: Timer[] = [];

  constructor(options: TransactionCoordinatorOptions) {
    const { log, markers, version, clock, logger } = options;
    this.#options = options;
    this.#runtime = new CoordinatorRuntime({
      topic: '__transaction_state',
      log,
      codec: transactionRecordCodec(() => (version() >= 1 ? 1 : 0)),
      createShard: (partition) => new TransactionShard(partition),
      clock,
      logger,
    });
    this.#completion = new TransactionCompletion({
      log: {
        write: (shard, transactionalId, value) => this.#write(shard, transactionalId, value),
        durable: (shard) => this.#runtime.durable(shard),
        leaderEpoch: ({ partition }) => log.leaderEpoch(partition),
      },
      markers,
      clock,
      logger,
    });
  }

  /**
   * Loads what was stored, and carries out what was decided and not finished. The committed offsets must be loaded
   * before.
   */
  async start(): Promise<void> {
    const { clock, config } = this.#options;
    this.#isOpen = true;
    await this.#runtime.load();
    if (!this.#isOpen) return; // stopped meanwhile
    await this.#finishPrepared();
    this.#timers = [
      every(clock, config.abortTimedOutIntervalMs, () => this.abortTimedOut()),
      every(clock, config.removeExpiredIntervalMs, () => this.removeExpired()),
    ];
  }

  async #finishPrepared(): Promise<void> {
    const { logger } = this.#options;
    for (const shard of this.#runtime.shards()) {
      for (const [transactionalId, { state }] of shard.entries()) {
        if (!isPrepared(state)) continue;
        logger.log(`transactional id ${transactionalId}: finishing ${state}`);
        await this.#finish(shard, transactionalId);
      }
    }
  }

  async stop(): Promise<void> {
    this.#isOpen = false;
    for (const timer of this.#timers) timer.cancel();
    this.#completion.close();
    this.#runtime.unload();
  }

  /** In whose way transactions end that the broker itself ends. */
  get #brokerVersion(): ClientVersion {
    return this.#options.version() >= ClientVersion.V2 ? ClientVersion.V2 : ClientVersion.V0;
  }

  /** The shard of a transactional id, or the error code to answer with. */
  #locate(transactionalId: string): TransactionShard | number {
    if (!this.#isOpen) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    return this.#runtime.shardOf(transactionalId) ?? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
  }

  #write(shard: TransactionShard, transactionalId: string, value: TransactionMetadata | null): number {
    return coordinatorError(this.#runtime.write(shard, [{ transactionalId, value }]));
  }

  /** Like `finish` of the completion, where nobody waits for the answer. */
  async #finish(shard: TransactionShard, transactionalId: string): Promise<void> {
    try {
      await this.#completion.finish(shard, transactionalId);
    } catch (error) {
      const { logger } = this.#options;
      logger.error(`transactional id ${transactionalId} could not be finished yet: ${messageOf(error)}`, error);
    }
  }

  /** Who the producer is from now on. An id that is null is nobody's: see `producerIds`. */
  async initialize(transactionalId: string, request: InitRequest): Promise<IdentityAnswer> {
    if (transactionalId === '') return refused(ErrorCode.INVALID_REQUEST);
    const { timeoutMs } = request;
    const { clock, config, producerIds } = this.#options;
    if (timeoutMs <= 0 || timeoutMs > config.maxTimeoutMs) return refused(ErrorCode.INVALID_TRANSACTION_TIMEOUT);
    for (let freshId: bigint | undefined; ; ) {
      const shard = this.#locate(transactionalId);
      if (typeof shard === 'number') return refused(shard);
      const decision = decideInit(shard.get(transactionalId), request, clock.now(), {
        freshId,
        brokerVersion: this.#brokerVersion,
      });
      if (decision.kind === 'needs-id') {
        // Everything may have changed while the id was fetched: the decision is taken again.
        freshId = await producerIds.next();
        continue;
      }
      if (decision.kind === 'refused') return refused(decision.errorCode);
      const { value } = decision;
      const errorCode = this.#write(shard, transactionalId, value);
      if (errorCode !== ErrorCode.NONE) return refused(errorCode);
      if (decision.kind === 'fence') {
        await this.#completion.finish(shard, transactionalId);
        return refused(ErrorCode.CONCURRENT_TRANSACTIONS);
      }
      await this.#runtime.durable(shard);
      return { errorCode, producerId: value.producerId, producerEpoch: value.producerEpoch };
    }
  }

  /** The error code; 0 once all partitions are, durably, part of the producer's transaction. */
  addPartitions(
    producer: TransactionalProducer,
    partitions: readonly TopicPartition[],
    clientVersion: ClientVersion,
  ): number | Promise<number> {
    const { transactionalId } = producer;
    if (transactionalId === '') return ErrorCode.INVALID_REQUEST;
    const shard = this.#locate(transactionalId);
    if (typeof shard === 'number') return shard;
    const now = this.#options.clock.now();
    const decision = decideAdd(shard.get(transactionalId), producer, partitions, now, clientVersion);
    if (decision.kind === 'refused') return decision.errorCode;
    if (decision.kind === 'added') {
      const errorCode = this.#write(shard, transactionalId, decision.value);
      if (errorCode !== ErrorCode.NONE) return errorCode;
    }
    return this.#runtime.durable(shard)?.then(() => ErrorCode.NONE) ?? ErrorCode.NONE;
  }

  /** Whether the partition is in the producer's open transaction; the error code when it is not. */
  verify(producer: TransactionalProducer, partition: TopicPartition): number {
    const { transactionalId } = producer;
    if (transactionalId === '') return ErrorCode.INVALID_REQUEST;
    const shard = this.#locate(transactionalId);
    return typeof shard === 'number' ? shard : verify(shard.get(transactionalId), producer, partition);
  }

  /** Commits or aborts; answered once readers see it. The identity is the one that the producer goes on with. */
  async end(transactionalId: string, request: EndRequest): Promise<IdentityAnswer> {
    if (transactionalId === '') return refused(ErrorCode.INVALID_REQUEST);
    const { clock, producerIds } = this.#options;
    for (let freshId: bigint | undefined; ; ) {
      const shard = this.#locate(transactionalId);
      if (typeof shard === 'number') return refused(shard);
      const decision = decideEnd(shard.get(transactionalId), request, clock.now(), freshId);
      if (decision.kind === 'needs-id') {
        freshId = await producerIds.next();
        continue;
      }
      if (decision.kind === 'refused') return refused(decision.errorCode);
      if (decision.kind === 'done') return { ...identityOf(decision.identity), errorCode: ErrorCode.NONE };
      const { value } = decision;
      const errorCode = this.#write(shard, transactionalId, value);
      if (errorCode !== ErrorCode.NONE) return refused(errorCode);
      await this.#completion.finish(shard, transactionalId);
      return { ...successorOf(value), errorCode };
    }
  }

  /** Undefined when there is no such id; a number when it cannot be told now. */
  describe(transactionalId: string): TransactionMetadata | number | undefined {
    const shard = this.#locate(transactionalId);
    return typeof shard === 'number' ? shard : shard.get(transactionalId);
  }

  list(): { readonly errorCode: number; readonly transactions: ReadonlyArray<[string, TransactionMetadata]> } {
    const isComplete = this.#isOpen && this.#runtime.isLoaded;
    return {
      errorCode: isComplete ? ErrorCode.NONE : ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
      transactions: this.#runtime.shards().flatMap((shard) => [...shard.entries()]),
    };
  }

  /** Aborts what is open for longer than its producer asked for. Runs by itself, at intervals. */
  async abortTimedOut(): Promise<void> {
    const { clock, logger } = this.#options;
    const now = clock.now();
    for (const shard of this.#runtime.shards()) {
      for (const [transactionalId, current] of shard.entries()) {
        if (current.state !== 'Ongoing') continue;
        if (current.startTimestamp + current.timeoutMs >= now) continue;
        logger.warn(
          `transactional id ${transactionalId}: open for ${now - current.startTimestamp} ms, longer than its ` +
            `${current.timeoutMs} ms (transaction.timeout.ms of the producer): aborted`,
        );
        const errorCode = this.#write(shard, transactionalId, fencedByAbort(current, now, this.#brokerVersion));
        if (errorCode === ErrorCode.NONE) await this.#finish(shard, transactionalId);
        else logger.error(`transactional id ${transactionalId} could not be aborted (${errorName(errorCode)})`);
      }
    }
  }

  /** Forgets ids that were idle for `transactional.id.expiration.ms`. Runs by itself, at intervals. */
  removeExpired(): void {
    const { clock, config, logger } = this.#options;
    const oldest = clock.now() - config.idExpirationMs;
    for (const shard of this.#runtime.shards()) {
      const records: TransactionRecord[] = [];
      for (const [transactionalId, { state, lastUpdateTimestamp }] of shard.entries()) {
        if (isIdle(state) && lastUpdateTimestamp <= oldest) records.push({ transactionalId, value: null });
      }
      if (records.length === 0) continue;
      const errorCode = this.#runtime.write(shard, records);
      if (errorCode === ErrorCode.NONE) logger.log(`forgot ${records.length} transactional ids that expired`);
      else logger.error(`expired transactional ids could not be removed (${errorName(errorCode)}); tried again later`);
    }
  }
}

function identityOf({ producerId, producerEpoch }: ProducerIdentity): ProducerIdentity {
  return { producerId, producerEpoch };
}

/** Who the producer is once the end is complete. */
function successorOf({ producerId, producerEpoch, nextProducerId }: TransactionMetadata): ProducerIdentity {
  return nextProducerId === NO_PRODUCER_ID
    ? { producerId, producerEpoch }
    : { producerId: nextProducerId, producerEpoch: 0 };
}
