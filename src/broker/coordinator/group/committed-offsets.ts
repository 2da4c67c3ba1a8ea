import { TopicPartitionMap } from '../../../common/topic-partition.js';
import { type CommittedOffset, type OffsetRecord } from '../offset-records.js';
import { PendingOffsets } from './pending-offsets.js';

// The committed offsets of the groups of one shard, as the replayed records say. Offsets of open transactions wait
// aside: nobody may read them before the marker.

const NONE: TopicPartitionMap<CommittedOffset> = new TopicPartitionMap();

export class CommittedOffsets {
  readonly #groups = new Map<string, TopicPartitionMap<CommittedOffset>>();
  readonly pending = new PendingOffsets();

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.get(groupId)?.get(topic, partition);
  }

  /** Everything one group has committed; empty when that is nothing. Not to be changed. */
  of(groupId: string): TopicPartitionMap<CommittedOffset> {
    return this.#groups.get(groupId) ?? NONE;
  }

  groupIds(): IterableIterator<string> {
    return this.#groups.keys();
  }

  replay(record: OffsetRecord): void {
    if (!this.pending.isEmpty) this.pending.overtakenBy(record);
    this.#apply(record);
  }

  /** The producer's transaction is over: what it committed counts now, or is dropped. */
  endTransaction(producerId: bigint, committed: boolean): void {
    for (const record of this.pending.end(producerId, committed)) this.#apply(record);
  }

  #apply({ groupId, topic, partition, value }: OffsetRecord): void {
    let offsets = this.#groups.get(groupId);
    if (value === null) {
      offsets?.delete(topic, partition);
      if (offsets?.size === 0) this.#groups.delete(groupId);
      return;
    }
    if (!offsets) {
      offsets = new TopicPartitionMap();
      this.#groups.set(groupId, offsets);
    }
    offsets.set(topic, partition, value);
  }

  /** Whether anything of the group is committed, or may be by an open transaction. */
  hasAny(groupId: string): boolean {
    return this.#groups.has(groupId) || this.pending.hasAny(groupId);
  }

  /** The records that take away what the group has of these topics, what waits for a marker too. */
  removals(groupId: string, which: (topic: string) => boolean = () => true): OffsetRecord[] {
    const records = this.tombstones(groupId, which);
    for (const { topic, partition } of this.pending.partitionsOf(groupId)) {
      if (!which(topic) || this.get(groupId, topic, partition)) continue;
      records.push({ type: 'offset', groupId, topic, partition, value: null });
    }
    return records;
  }

  /** The records that take these away: those of a group for which `which` holds. */
  tombstones(
    groupId: string,
    which: (topic: string, committed: CommittedOffset, partition: number) => boolean,
  ): OffsetRecord[] {
    const records: OffsetRecord[] = [];
    for (const [{ topic, partition }, committed] of this.of(groupId).entries()) {
      if (which(topic, committed, partition)) records.push({ type: 'offset', groupId, topic, partition, value: null });
    }
    return records;
  }
}
