import { ErrorCode, errorName } from '../../../protocol/error-codes.js';
import { coordinatorError, type TransactionProducer } from '../coordinator-runtime.js';
import { type GroupRecord, type OffsetRecord } from '../offset-records.js';
import { type Committer } from './classic-group.js';
import { type GroupHost } from './group-host.js';
import { type GroupShard } from './group-shard.js';
import { type GroupShards } from './group-shards.js';
import {
  allRefused,
  type CommitRules,
  type CommitTopic,
  decideCommit,
  hasPartition,
  type TopicResult,
  withAppendError,
} from './offset-commit.js';
import { expiredRecords } from './offset-expiry.js';

// What groups have read: committed, fetched, deleted, expired.

export interface CommitRequest extends Committer {
  readonly groupId: string;
  /** How long to keep these offsets; negative: as long as the broker's configuration says. */
  readonly retentionTimeMs: number;
  /** Answer to a member's commit when there is no such group: OffsetCommit changed it in v9. */
  readonly unknownGroupCode: number;
  readonly topics: readonly CommitTopic[];
}

/** A commit that counts once the producer's transaction does. */
export interface TransactionalCommitRequest extends Committer {
  readonly groupId: string;
  readonly producer: TransactionProducer;
  readonly topics: readonly CommitTopic[];
}

export interface FetchedTopic {
  readonly name: string;
  readonly partitions: ReadonlyArray<{
    readonly partitionIndex: number;
    readonly committedOffset: number;
    readonly committedLeaderEpoch: number;
    readonly metadata: string;
    readonly errorCode: number;
  }>;
}

export interface FetchedOffsets {
  readonly errorCode: number;
  readonly topics: readonly FetchedTopic[];
}

export interface OffsetDeletion {
  readonly errorCode: number;
  readonly topics: readonly TopicResult[];
}

type PartitionsOf = ReadonlyArray<{
  readonly name: string;
  readonly partitions: ReadonlyArray<{ readonly partitionIndex: number }>;
}>;

export class GroupOffsets {
  constructor(
    private readonly shards: GroupShards,
    private readonly rules: CommitRules,
  ) {}

  /** Answers once the offsets are in the log, and as durable as it promises. */
  commit(request: CommitRequest): readonly TopicResult[] | Promise<readonly TopicResult[]> {
    const { groupId, topics } = request;
    const shard = this.shards.locate(groupId);
    if (typeof shard === 'number') return allRefused(topics, shard);
    const refusal = this.#refusalOf(shard.get(groupId), request);
    if (refusal !== ErrorCode.NONE) return allRefused(topics, refusal);
    const now = this.shards.clock.now();
    const expireTimestamp = request.retentionTimeMs < 0 ? -1 : now + request.retentionTimeMs;
    const times = { commitTimestamp: now, expireTimestamp: Math.min(expireTimestamp, Number.MAX_SAFE_INTEGER) };
    const { records, results } = decideCommit(groupId, topics, times, this.rules);
    if (records.length === 0) return results;
    const errorCode = this.shards.write(shard, records);
    if (errorCode !== ErrorCode.NONE) return withAppendError(results, commitError(errorCode));
    const durable = this.shards.durable(shard);
    return durable ? durable.then(() => results) : results;
  }

  /** The same in a transaction, whose partition of the internal topic must be known to hold it. */
  commitInTransaction(request: TransactionalCommitRequest): readonly TopicResult[] | Promise<readonly TopicResult[]> {
    const { groupId, topics, producer, ...member } = request;
    if (groupId === '') return allRefused(topics, ErrorCode.INVALID_GROUP_ID);
    const shard = this.shards.locate(groupId);
    if (typeof shard === 'number') return allRefused(topics, shard);
    const host = shard.get(groupId);
    const noGroup = member.generationId < 0 ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
    const refusal = host ? host.handle((group) => group.commitInTransaction(member)) : noGroup;
    if (refusal !== ErrorCode.NONE) return allRefused(topics, refusal);
    const times = { commitTimestamp: this.shards.clock.now(), expireTimestamp: -1 };
    const { records, results } = decideCommit(groupId, topics, times, this.rules);
    if (records.length === 0) return results;
    const errorCode = this.shards.writeInTransaction(shard, records, producer);
    if (errorCode !== ErrorCode.NONE) return withAppendError(results, commitError(errorCode));
    const durable = this.shards.durable(shard);
    return durable ? durable.then(() => results) : results;
  }

  /**
   * What a producer committed in this partition of the internal topic counts from now on, or is dropped. Call it in
   * the turn in which the marker is appended.
   */
  endTransaction(partition: number, producerId: bigint, committed: boolean): void {
    this.shards.ofPartition(partition)?.endTransaction(producerId, committed);
  }

  #refusalOf(host: GroupHost | undefined, { generationId, unknownGroupCode, ...member }: CommitRequest): number {
    if (host) return host.handle((group) => group.commit({ generationId, ...member }));
    // Without a group only those may commit that are nobody's member; the commit itself then makes the group.
    return generationId < 0 ? ErrorCode.NONE : unknownGroupCode;
  }

  /**
   * `topics` null asks for all that is committed. What is not committed is no error, an unknown group neither. With
   * `requireStable` a partition whose offset an open transaction may change has none yet.
   */
  fetch(
    groupId: string,
    topics: ReadonlyArray<{ readonly name: string; readonly partitionIndexes: readonly number[] }> | null,
    requireStable = false,
  ): FetchedOffsets {
    const shard = this.shards.locate(groupId);
    if (typeof shard === 'number') return { errorCode: shard, topics: [] };
    const { offsets } = shard;
    const asked = topics ?? [...offsets.of(groupId).topics()].map((name) => ({ name, partitionIndexes: undefined }));
    return {
      errorCode: ErrorCode.NONE,
      topics: asked.map(({ name, partitionIndexes }) => ({
        name,
        partitions: [...(partitionIndexes ?? offsets.of(groupId).topic(name)?.keys() ?? [])].map((partitionIndex) => {
          if (requireStable && offsets.pending.has(groupId, name, partitionIndex)) return unstable(partitionIndex);
          const committed = offsets.get(groupId, name, partitionIndex);
          return {
            partitionIndex,
            committedOffset: committed?.offset ?? -1,
            committedLeaderEpoch: committed?.leaderEpoch ?? -1,
            metadata: committed?.metadata ?? '',
            errorCode: ErrorCode.NONE,
          };
        }),
      })),
    };
  }

  delete(groupId: string, topics: PartitionsOf): OffsetDeletion | Promise<OffsetDeletion> {
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID, topics: [] };
    const shard = this.shards.locate(groupId);
    if (typeof shard === 'number') return { errorCode: shard, topics: [] };
    const host = shard.get(groupId);
    if (!host) return { errorCode: ErrorCode.GROUP_ID_NOT_FOUND, topics: [] };
    // What other protocols read cannot be told from their members' metadata.
    if (host.group.state !== 'Empty' && !host.group.isConsumerGroup) {
      return { errorCode: ErrorCode.NON_EMPTY_GROUP, topics: [] };
    }
    const { records, results } = this.#decideDeletion(shard, host, topics);
    const errorCode = records.length === 0 ? ErrorCode.NONE : coordinatorError(this.shards.write(shard, records));
    if (errorCode !== ErrorCode.NONE) return { errorCode, topics: [] };
    const answer = { errorCode, topics: results };
    const durable = records.length === 0 ? undefined : this.shards.durable(shard);
    return durable ? durable.then(() => answer) : answer;
  }

  #decideDeletion({ offsets }: GroupShard, { group }: GroupHost, topics: PartitionsOf) {
    const { groupId } = group;
    const records: OffsetRecord[] = [];
    const results = topics.map(({ name, partitions }) => {
      const isRead = group.isSubscribedTo(name);
      const codes = partitions.map(({ partitionIndex }) => {
        if (!hasPartition(this.rules.topics, name, partitionIndex)) {
          return { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
        }
        if (isRead) return { partitionIndex, errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC };
        if (offsets.get(groupId, name, partitionIndex)) {
          records.push({ type: 'offset', groupId, topic: name, partition: partitionIndex, value: null });
        }
        return { partitionIndex, errorCode: ErrorCode.NONE };
      });
      return { name, partitions: codes };
    });
    return { records, results };
  }

  /**
   * Takes away what groups committed for a topic that is deleted. Call it in the turn in which the topic goes: a new
   * topic of that name must not begin at old offsets.
   */
  onTopicDeleted(topic: string): void {
    for (const shard of this.shards.loaded()) {
      const ids = new Set([...shard.offsets.groupIds(), ...shard.offsets.pending.groupIds()]);
      this.#writeOff(
        shard,
        [...ids].flatMap((groupId) => shard.offsets.removals(groupId, (name) => name === topic)),
        `the committed offsets of the deleted topic ${topic}`,
      );
    }
  }

  /** Offsets of topics that were deleted while nobody could write it down: the process died in between. */
  dropOrphans(): void {
    const topics = new Set<string>();
    for (const { offsets } of this.shards.loaded()) {
      for (const groupId of offsets.groupIds()) for (const topic of offsets.of(groupId).topics()) topics.add(topic);
      for (const groupId of offsets.pending.groupIds()) {
        for (const { topic } of offsets.pending.partitionsOf(groupId)) topics.add(topic);
      }
    }
    for (const topic of topics) if (this.rules.topics.partitionCount(topic) === undefined) this.onTopicDeleted(topic);
  }

  expire(retentionMs: number): void {
    const now = this.shards.clock.now();
    for (const shard of this.shards.loaded()) {
      this.#writeOff(shard, expiredRecords(shard, retentionMs, now), 'expired offsets');
    }
  }

  #writeOff(shard: GroupShard, records: readonly GroupRecord[], what: string): void {
    if (records.length === 0) return;
    const errorCode = this.shards.write(shard, records);
    const { logger } = this.shards;
    if (errorCode === ErrorCode.NONE) logger.log(`removed ${records.length} records: ${what}`);
    else
      logger.error(`could not remove ${what} (${errorName(errorCode)}): they stay until the next try; check the disk`);
  }
}

function unstable(partitionIndex: number): FetchedTopic['partitions'][number] {
  const errorCode = ErrorCode.UNSTABLE_OFFSET_COMMIT;
  return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode };
}

/** A commit that is too large has a code of its own. */
function commitError(errorCode: number): number {
  const mapped = coordinatorError(errorCode);
  const isTooLarge = mapped === ErrorCode.UNKNOWN_SERVER_ERROR && errorCode !== mapped;
  return isTooLarge ? ErrorCode.INVALID_COMMIT_OFFSET_SIZE : mapped;
}
