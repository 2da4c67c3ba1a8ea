// The coordinates of a record, and a map keyed by them that allocates no string per look-up.

/** One partition of one topic. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** `orders-3`, the name Kafka gives to a partition in logs and directories. */
export function partitionName(tp: TopicPartition): string {
  return `${tp.topic}-${tp.partition}`;
}

export function isSamePartition(a: TopicPartition, b: TopicPartition): boolean {
  return a.partition === b.partition && a.topic === b.topic;
}

/** A map from (topic, partition) to a value: two nested maps instead of a joined key, so look-ups allocate nothing. */
export class TopicPartitionMap<V> {
  readonly #topics = new Map<string, Map<number, V>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(topic: string, partition: number): V | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  has(topic: string, partition: number): boolean {
    return this.#topics.get(topic)?.has(partition) ?? false;
  }

  set(topic: string, partition: number, value: V): this {
    let partitions = this.#topics.get(topic);
    if (!partitions) {
      partitions = new Map();
      this.#topics.set(topic, partitions);
    }
    if (!partitions.has(partition)) this.#size++;
    partitions.set(partition, value);
    return this;
  }

  delete(topic: string, partition: number): boolean {
    const partitions = this.#topics.get(topic);
    if (!partitions?.delete(partition)) return false;
    if (partitions.size === 0) this.#topics.delete(topic);
    this.#size--;
    return true;
  }

  clear(): void {
    this.#topics.clear();
    this.#size = 0;
  }

  /** The values of one topic by partition; undefined when the topic has none. */
  topic(topic: string): ReadonlyMap<number, V> | undefined {
    return this.#topics.get(topic);
  }

  topics(): IterableIterator<string> {
    return this.#topics.keys();
  }

  *values(): IterableIterator<V> {
    for (const partitions of this.#topics.values()) yield* partitions.values();
  }

  *entries(): IterableIterator<[TopicPartition, V]> {
    for (const [topic, partitions] of this.#topics) {
      for (const [partition, value] of partitions) yield [{ topic, partition }, value];
    }
  }

  /** Value of (topic, partition), made by `create` and stored when there is none. */
  getOrCreate(topic: string, partition: number, create: () => V): V {
    const known = this.get(topic, partition);
    if (known !== undefined) return known;
    const made = create();
    this.set(topic, partition, made);
    return made;
  }
}

export function mapOf<V>(entries: Iterable<readonly [TopicPartition, V]>): TopicPartitionMap<V> {
  const map = new TopicPartitionMap<V>();
  for (const [{ topic, partition }, value] of entries) map.set(topic, partition, value);
  return map;
}
