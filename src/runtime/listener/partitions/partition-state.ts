import { type Timer } from '../../../common/clock.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type MemoryShare } from '../../dispatch/memory-budget.js';
import { type OffsetTracker } from '../../dispatch/offset-tracker.js';
import { type PartitionQueue } from '../../dispatch/partition-queue.js';
import { type WorkItem } from '../../dispatch/work-item.js';
import { type ListenerConsumer } from '../listener-consumer.js';

// All that a container keeps for one assigned partition.

/** Why nothing of a partition starts. A set: it flows when none is left. */
export type HoldReason =
  | 'rebalance' // revoked, the new assignment is not known yet
  | 'error' // a record failed and its decision was to pause the partition
  | 'nack' // a record was given back
  | 'seek' // its position is about to move
  | 'rollback' // a record of it failed in a transaction and waits for its next delivery
  | 'commit' // its records are committed before they are handled
  | 'user' // somebody paused it
  | 'predecessor'; // records of an earlier assignment still run here: equal keys must not run twice at once

/** Where acknowledgments go. */
export interface AckDesk {
  /** The first `count` records of the batch (or the one record) are finished; settles as the ack mode says. */
  acknowledge(
    partition: PartitionState,
    first: KafkaRecord,
    batch: readonly KafkaRecord[] | undefined,
    count: number,
  ): Promise<void>;
}

/** The records that a handler was called with: what becomes of them is its own business. */
export interface RecordsInHand {
  readonly partition: PartitionState;
  readonly record: KafkaRecord;
  readonly batch: readonly KafkaRecord[] | undefined;
}

/** What handlers may ask of a consumer and tell it. */
export interface CallableConsumer extends ListenerConsumer {
  /** The same for a handler that was called with these records: its commits may cover them. */
  inCall(hand: RecordsInHand): ListenerConsumer;
}

/** A delivery that is not with the workers: it waits for its retry, or to be run again. */
export interface SetAside extends WorkItem<PartitionQueue> {
  attempt: number;
  /** The records of its poll that have not been handled yet. */
  readonly poll: { remaining: number };
}

/** Records that wait for a batch to become large enough. */
export interface GatheredBatch {
  readonly records: readonly KafkaRecord[];
  /** The poll that brought the last of them. */
  readonly poll: { remaining: number };
  readonly timer: Timer;
}

/** Nothing of a partition is due before its timer ends it. */
export interface QuietTime {
  /** Whose time this was found with: the one that is due first. */
  readonly by: SetAside;
  readonly timer: Timer;
}

export class PartitionState {
  readonly topic: string;
  readonly partition: number;
  readonly queue: PartitionQueue;
  readonly tracker: OffsetTracker;
  /** Undefined when a handler's return finishes the record. */
  readonly ackDesk: AckDesk | undefined;
  readonly consumer: CallableConsumer;
  /** Records fetched under an older epoch are not ours. */
  readonly firstEpoch: number;
  readonly holds = new Set<HoldReason>();
  /** Waiting for a retry, each with its timer. */
  readonly waiting = new Map<SetAside, Timer>();
  /** Records whose lane went on while a recoverer takes them: they are not finished yet. */
  handedOver = 0;
  /** Failed, to be run again when the container is resumed. */
  readonly parked = new Set<SetAside>();
  /** Records handed over by polls. */
  received = 0;
  gathered: GatheredBatch | undefined = undefined;
  /** Where the log ends, as the last fetch told. */
  highWatermark = 0;
  /** Records given back whose time has not come. */
  nacked = 0;
  /** Paused at the consumer because a budget of its own is used up. */
  isBackpressured = false;
  /** Paused at the consumer while nothing of it is due. */
  quiet: QuietTime | undefined = undefined;
  /** Paused at the consumer because the container's partitions hold too much together. */
  isShortOfMemory = false;
  /** Of what the partitions of the container may hold together; absent while it belongs to no table. */
  share: MemoryShare | undefined = undefined;
  /** Somebody waits for room: what ends has to be told. */
  isWatched = false;
  /** Revoked, and its last commit under the old assignment is done: no commit until it is known to be kept. */
  isRevoked = false;
  /** Given up because its position was moved: what is acknowledged of it needs no commit. */
  isSought = false;
  /** Offset and tracker version of the last acknowledged commit; -1 before the first. */
  committedOffset = -1;
  committedVersion = -1;
  /** Somebody committed a lower offset than the one that was due: it stands until the committable one is above this. */
  committedBackAt = -1;

  constructor(options: {
    readonly topic: string;
    readonly partition: number;
    readonly epoch: number;
    readonly queue: PartitionQueue;
    readonly tracker: OffsetTracker;
    readonly ackDesk: AckDesk | undefined;
    readonly consumer: CallableConsumer;
  }) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.firstEpoch = options.epoch;
    this.queue = options.queue;
    this.tracker = options.tracker;
    this.ackDesk = options.ackDesk;
    this.consumer = options.consumer;
  }

  /** Given up: results that still come in are ignored. */
  get isDropped(): boolean {
    return this.queue.dropped;
  }
}
