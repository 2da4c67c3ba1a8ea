import { TopicPartitionMap } from '../../../common/topic-partition.js';
import { type CommittedOffset, type OffsetRecord } from '../offset-records.js';

// Offsets that producers have committed in transactions which are still open. Which of two commits of one partition
// counts is decided by their places in the log, not by the order in which their transactions end.

/** By producer, in the order of the log; null: a later commit has taken its place, the transaction is open still. */
type Waiting = Map<bigint, CommittedOffset | null>;

interface Place {
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
}

export class PendingOffsets {
  readonly #groups = new Map<string, TopicPartitionMap<Waiting>>();
  /** Where a producer has offsets waiting. A place may be in twice. */
  readonly #places = new Map<bigint, Place[]>();

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  has(groupId: string, topic: string, partition: number): boolean {
    return this.#groups.get(groupId)?.has(topic, partition) ?? false;
  }

  /** Whether a transaction that has offsets of this group is open. */
  hasAny(groupId: string): boolean {
    return this.#groups.has(groupId);
  }

  groupIds(): IterableIterator<string> {
    return this.#groups.keys();
  }

  *partitionsOf(groupId: string): IterableIterator<Place> {
    for (const [{ topic, partition }] of this.#groups.get(groupId)?.entries() ?? []) {
      yield { groupId, topic, partition };
    }
  }

  add({ groupId, topic, partition, value }: OffsetRecord, producerId: bigint): void {
    if (value === null) return;
    let partitions = this.#groups.get(groupId);
    if (!partitions) {
      partitions = new TopicPartitionMap();
      this.#groups.set(groupId, partitions);
    }
    const waiting = partitions.getOrCreate(topic, partition, () => new Map());
    if (!waiting.delete(producerId)) this.#notePlace(producerId, { groupId, topic, partition });
    waiting.set(producerId, value); // last, as in the log
  }

  #notePlace(producerId: bigint, place: Place): void {
    const places = this.#places.get(producerId);
    if (places) places.push(place);
    else this.#places.set(producerId, [place]);
  }

  /** The transaction is over: the offsets that count now, none when it was aborted. */
  end(producerId: bigint, committed: boolean): OffsetRecord[] {
    const records: OffsetRecord[] = [];
    const places = this.#places.get(producerId) ?? [];
    this.#places.delete(producerId);
    for (const place of places) {
      const waiting = this.#groups.get(place.groupId)?.get(place.topic, place.partition);
      const value = waiting?.get(producerId);
      if (!waiting || value === undefined) continue;
      if (committed && value !== null) {
        supersedeBefore(waiting, producerId);
        records.push({ type: 'offset', ...place, value });
      }
      waiting.delete(producerId);
      if (waiting.size === 0) this.#forget(place);
    }
    return records;
  }

  /** A commit outside of transactions, or a deletion, comes after all that wait for the same partition. */
  overtakenBy({ groupId, topic, partition, value }: OffsetRecord): void {
    const waiting = this.#groups.get(groupId)?.get(topic, partition);
    if (!waiting) return;
    if (value === null) this.#forget({ groupId, topic, partition });
    else for (const producerId of waiting.keys()) waiting.set(producerId, null);
  }

  #forget({ groupId, topic, partition }: Place): void {
    const partitions = this.#groups.get(groupId);
    partitions?.delete(topic, partition);
    if (partitions?.size === 0) this.#groups.delete(groupId);
  }
}

function supersedeBefore(waiting: Waiting, last: bigint): void {
  for (const producerId of waiting.keys()) {
    if (producerId === last) return;
    waiting.set(producerId, null);
  }
}
