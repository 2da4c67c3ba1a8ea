import { TopicPartitionMap } from '../../../common/topic-partition.js';
import { type CommittedOffset, type GroupRecord } from '../offset-records.js';

// The committed offsets of the groups of one shard, as the replayed records say. Offsets of open transactions do not
// belong here: nobody may read them before the marker.

export type OffsetRecord = Extract<GroupRecord, { type: 'offset' }>;

const NONE: TopicPartitionMap<CommittedOffset> = new TopicPartitionMap();

export class CommittedOffsets {
  readonly #groups = new Map<string, TopicPartitionMap<CommittedOffset>>();

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

  replay({ groupId, topic, partition, value }: OffsetRecord): void {
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

  /** The records that take these away: those of a group for which `which` holds. */
  tombstones(
    groupId: string,
    which: (topic: string, committed: CommittedOffset) => boolean = () => true,
  ): OffsetRecord[] {
    const records: OffsetRecord[] = [];
    for (const [{ topic, partition }, committed] of this.of(groupId).entries()) {
      if (which(topic, committed)) records.push({ type: 'offset', groupId, topic, partition, value: null });
    }
    return records;
  }
}
