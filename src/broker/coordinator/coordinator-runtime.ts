import { type Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import { coordinatorPartition } from '../../protocol/java-hash.js';
import { encodeRecords } from '../../protocol/record-batch.js';
import { type BatchOptions } from '../../protocol/record-batch-builder.js';
import { RecordLoader } from './coordinator-load.js';
import { type CoordinatorLog } from './coordinator-log.js';

// Decide, append, replay. A coordinator decides from a shard's state which records a request leads to; the runtime
// appends them and replays them into that state, all in one turn, so that no other request sees a half. Loading is
// the same replay over the whole partition.

export interface RecordBytes {
  readonly key: Buffer;
  readonly value: Buffer | null;
}

export interface RecordCodec<R> {
  encode(record: R): RecordBytes;
  /** Undefined for a record that this coordinator has nothing to do with. */
  decode(key: Buffer, value: Buffer | null): R | undefined;
}

/** The state that lives in one partition of the internal topic. */
export interface CoordinatorShard<R> {
  readonly partition: number;
  /** Applies one record that is in the log: the only way the shard's lasting state changes. */
  replay(record: R): void;
  /** Takes in a record of an open transaction of this producer. Left out where records are never in one. */
  replayInTransaction?(record: R, producerId: bigint): void;
  /** The producer's transaction is over: what it brought in counts now, or never will. */
  endTransaction?(producerId: bigint, committed: boolean): void;
  /** The whole partition was replayed; requests come from now on. */
  loaded(): void;
}

/** Whose transaction it is. */
export interface TransactionProducer {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

export interface CoordinatorRuntimeOptions<R, S> {
  /** Name of the internal topic, for messages. */
  readonly topic: string;
  readonly log: CoordinatorLog;
  readonly codec: RecordCodec<R>;
  readonly createShard: (partition: number) => S;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Records in one batch at most; longer lists (expiry, deletion) are appended as several. */
const MAX_BATCH_RECORDS = 1_000;

export class CoordinatorRuntime<R, S extends CoordinatorShard<R>> {
  readonly #options: CoordinatorRuntimeOptions<R, S>;
  #shards: Array<S | undefined> = [];

  constructor(options: CoordinatorRuntimeOptions<R, S>) {
    this.#options = options;
  }

  /** Replays every partition. A shard answers as soon as its own is done; one whose disk is gone never does. */
  async load(): Promise<void> {
    const { log, codec, createShard } = this.#options;
    const shards: Array<S | undefined> = [];
    this.#shards = shards;
    for (let partition = 0; partition < log.partitions; partition++) {
      if (log.isUnserved?.(partition)) {
        shards.length = partition + 1;
        continue;
      }
      const shard = createShard(partition);
      const loader = new RecordLoader({
        replay({ key, value }) {
          const record = key && codec.decode(key, value);
          if (record) shard.replay(record);
        },
        replayInTransaction({ key, value }, producerId) {
          const record = key && codec.decode(key, value);
          if (record) shard.replayInTransaction?.(record, producerId);
        },
        endTransaction: (producerId, committed) => shard.endTransaction?.(producerId, committed),
      });
      await log.readAll(partition, (batches) => loader.read(batches));
      if (this.#shards !== shards) return; // unloaded meanwhile
      shard.loaded();
      shards[partition] = shard;
    }
  }

  /** Forgets all state; every id is then answered as if its shard were loading. */
  unload(): void {
    this.#shards = [];
  }

  /** The shard that holds this id; undefined while it is being loaded. */
  shardOf(id: string): S | undefined {
    return this.#shards[coordinatorPartition(id, this.#options.log.partitions)];
  }

  get isLoaded(): boolean {
    return this.#shards.length === this.#options.log.partitions;
  }

  /** The shard of a partition; undefined while it is being loaded. */
  shard(partition: number): S | undefined {
    return this.#shards[partition];
  }

  /** The shards loaded so far. */
  shards(): S[] {
    return this.#shards.filter((shard) => shard !== undefined);
  }

  /** Appends and replays; nothing of a batch is replayed when the answer is an error code. */
  write(shard: S, records: readonly R[]): number {
    for (let from = 0; from < records.length; from += MAX_BATCH_RECORDS) {
      const batch = records.slice(from, from + MAX_BATCH_RECORDS);
      const errorCode = this.#append(shard.partition, batch);
      if (errorCode !== ErrorCode.NONE) return errorCode;
      for (const record of batch) shard.replay(record);
    }
    return ErrorCode.NONE;
  }

  /** The same for records of a transaction: they are in the log, and count once its producer commits. */
  writeInTransaction(shard: S, records: readonly R[], producer: TransactionProducer): number {
    const errorCode = this.#append(shard.partition, records, { ...producer, transactional: true });
    if (errorCode !== ErrorCode.NONE) return errorCode;
    for (const record of records) shard.replayInTransaction?.(record, producer.producerId);
    return ErrorCode.NONE;
  }

  #append(partition: number, records: readonly R[], batchOptions: BatchOptions = {}): number {
    const { log, codec, clock, logger, topic } = this.#options;
    try {
      const batch = encodeRecords(
        records.map((record) => codec.encode(record)),
        { ...batchOptions, timestamp: clock.now() },
      );
      return log.append(partition, batch).errorCode;
    } catch (error) {
      // A name too long for its field, or a log that broke: the request fails, the coordinator goes on.
      logger.error(`could not write ${records.length} records to ${topic}-${partition}: ${messageOf(error)}`, error);
      return ErrorCode.UNKNOWN_SERVER_ERROR;
    }
  }

  /** See `CoordinatorLog.durable`. */
  durable(shard: S): Promise<void> | undefined {
    return this.#options.log.durable?.(shard.partition);
  }
}

/** What a client is told when its coordinator could not write: codes it knows how to answer to. */
export function coordinatorError(errorCode: number): number {
  switch (errorCode) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR;
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.INVALID_FETCH_SIZE:
      return ErrorCode.UNKNOWN_SERVER_ERROR;
    default:
      return errorCode;
  }
}
