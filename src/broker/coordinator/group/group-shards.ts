import { type Clock } from '../../../common/clock.js';
import { type Logger } from '../../../common/logger.js';
import { ErrorCode } from '../../../protocol/error-codes.js';
import { type CoordinatorLog } from '../coordinator-log.js';
import { CoordinatorRuntime, coordinatorError, type TransactionProducer } from '../coordinator-runtime.js';
import { type GroupRecord, groupRecordCodec } from '../offset-records.js';
import { type ClassicGroupSettings } from './group-core.js';
import { type JoinAnswer, refusedJoin, refusedSync, type SyncAnswer } from './group-effects.js';
import { GroupShard } from './group-shard.js';
import { ParkedRequests } from './parked-requests.js';

// All shards of the group coordinator, and whether they can be asked: before they are loaded and after the stop
// there is an error code in their place.

export interface GroupShardsOptions {
  readonly log: CoordinatorLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: ClassicGroupSettings;
}

export class GroupShards {
  readonly joins = new ParkedRequests<JoinAnswer>();
  readonly syncs = new ParkedRequests<SyncAnswer>();
  readonly clock: Clock;
  readonly logger: Logger;
  readonly #settings: ClassicGroupSettings;
  readonly #runtime: CoordinatorRuntime<GroupRecord, GroupShard>;
  #isOpen = false;

  constructor({ log, clock, logger, settings }: GroupShardsOptions) {
    this.clock = clock;
    this.logger = logger;
    this.#settings = settings;
    this.#runtime = new CoordinatorRuntime({
      topic: '__consumer_offsets',
      log,
      codec: groupRecordCodec,
      createShard: (partition) => this.#create(partition),
      clock,
      logger,
    });
  }

  #create(partition: number): GroupShard {
    const { clock, joins, syncs } = this;
    const shard: GroupShard = new GroupShard(partition, this.#settings, {
      clock,
      joins,
      syncs,
      store: (groupId, value) => coordinatorError(this.write(shard, [{ type: 'group', groupId, value }])),
      durable: () => this.durable(shard),
    });
    return shard;
  }

  async open(): Promise<void> {
    this.#isOpen = true;
    await this.#runtime.load();
  }

  /** Whoever waits is sent to look for the coordinator again. */
  close(): void {
    this.#isOpen = false;
    for (const shard of this.#runtime.shards()) shard.dispose();
    this.#runtime.unload();
    this.joins.answerAll(refusedJoin(ErrorCode.COORDINATOR_NOT_AVAILABLE, ''));
    this.syncs.answerAll(refusedSync(ErrorCode.COORDINATOR_NOT_AVAILABLE));
  }

  /** The shard of a group, or the error code to answer with. */
  locate(groupId: string): GroupShard | number {
    if (!this.#isOpen) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    return this.#runtime.shardOf(groupId) ?? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
  }

  loaded(): GroupShard[] {
    return this.#runtime.shards();
  }

  /** What keeps an answer about all groups from being complete; 0 when nothing does. */
  get errorCode(): number {
    if (!this.#isOpen) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    return this.#runtime.isLoaded ? ErrorCode.NONE : ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
  }

  write(shard: GroupShard, records: readonly GroupRecord[]): number {
    return this.#runtime.write(shard, records);
  }

  writeInTransaction(shard: GroupShard, records: readonly GroupRecord[], producer: TransactionProducer): number {
    return this.#runtime.writeInTransaction(shard, records, producer);
  }

  /** The shard of a partition of the topic; undefined when it is not loaded. */
  ofPartition(partition: number): GroupShard | undefined {
    return this.#runtime.shard(partition);
  }

  durable(shard: GroupShard): Promise<void> | undefined {
    return this.#runtime.durable(shard);
  }
}
