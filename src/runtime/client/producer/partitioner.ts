import { NestdawError } from '../../../common/errors.js';
import { type Random, systemRandom } from '../../../common/random.js';
import { bytesOfData, type OutgoingRecord } from '../../../common/record.js';
import { partitionForKey } from '../../../protocol/murmur2.js';
import { type NodeInfo, type PartitionInfo } from '../cluster/cluster.js';

// Which partition a record without an explicit one goes to. No requests and no clock: counts and loads come in.

/** What a partitioner may know of the cluster; answers from what was last heard. */
export interface PartitionerCluster {
  /** Partitions of a topic with their leaders (-1: none at the moment). */
  partitionsFor(topic: string): readonly PartitionInfo[];
  /** The node that leads a partition, with its host and rack; undefined when there is none. */
  leaderFor(topic: string, partition: number): NodeInfo | undefined;
  nodes(): readonly NodeInfo[];
}

/**
 * Chooses partitions (Kafka: `Partitioner`). Named by `partitioner.class` (a provider's class name) or given to
 * `KafkaModule.forRoot({ partitioner })` as class, object or function. Asked for records without a partition of their
 * own; a result that is no partition of the topic rejects the send.
 */
export interface KafkaPartitioner {
  /** `key` and `value` as they were sent, and their bytes; null where there are none. */
  partition(
    topic: string,
    key: unknown,
    keyBytes: Buffer | null,
    value: unknown,
    valueBytes: Buffer | null,
    cluster: PartitionerCluster,
  ): number;
  /** Called once, with the properties of the (first) producer that uses it, by Kafka's names. */
  configure?(configs: Readonly<Record<string, unknown>>): void;
  /** Called once, when all producers of the connection have ended. */
  close?(): void;
}

/** Who gets records without a key: a batch's worth to one partition and then the next, one each, or by chance. */
export type KeylessPartitioning = 'sticky' | 'round-robin' | 'random';

export interface PartitionerOptions {
  /** Bytes after which records without a key move on to the next partition. */
  readonly batchSize: number;
  readonly ignoreKeys?: boolean;
  readonly nullKeys?: KeylessPartitioning;
  /**
   * What waits for a partition, in batches; undefined when nobody takes it: left out. Without it partitions share
   * evenly.
   */
  readonly loadOf?: (topic: string, partition: number) => number | undefined;
  readonly random?: Random;
}

interface Turn {
  partition: number;
  /** Bytes given to the partition in this turn. */
  bytes: number;
  /** What each partition is owed, for turns by load. */
  readonly credits: number[];
}

export class Partitioner {
  readonly #turns = new Map<string, Turn>();
  readonly #bytesPerTurn: number;
  readonly #ignoreKeys: boolean;
  readonly #isRandom: boolean;
  readonly #loadOf: PartitionerOptions['loadOf'];
  readonly #random: Random;

  constructor(options: PartitionerOptions) {
    const { batchSize, ignoreKeys = false, nullKeys = 'sticky', random = systemRandom, loadOf } = options;
    // Sticky as in the Java client (KIP-794): a batch's worth of bytes to one partition, then the next. Partitions
    // take turns instead of being drawn, so that even a short run is spread evenly.
    this.#bytesPerTurn = nullKeys === 'sticky' ? Math.max(1, batchSize) : 1;
    this.#ignoreKeys = ignoreKeys;
    this.#isRandom = nullKeys === 'random';
    this.#loadOf = nullKeys === 'sticky' ? loadOf : undefined;
    this.#random = random;
  }

  /** `size` is what the record adds to its batch. */
  choose(topic: string, key: Buffer | string | null, size: number, count: number): number {
    if (key !== null && !this.#ignoreKeys) return partitionForKey(key, count);
    if (this.#isRandom) return Math.floor(this.#random.next() * count);
    let turn = this.#turns.get(topic);
    if (turn === undefined) {
      turn = { partition: Math.floor(this.#random.next() * count), bytes: 0, credits: [] };
      this.#turns.set(topic, turn);
    } else if (turn.bytes >= this.#bytesPerTurn) {
      turn.partition = this.#loadOf ? this.#nextByLoad(topic, turn, count, this.#loadOf) : turn.partition + 1;
      turn.bytes = 0;
    }
    if (turn.partition >= count) turn.partition = 0;
    turn.bytes += size;
    return turn.partition;
  }

  /**
   * Smooth weighted turns: the weight of a partition is what the most loaded one has more than it, plus one. Equal
   * loads give plain turns; a partition whose broker is slow gets fewer, one that nobody takes none while there are
   * others.
   */
  #nextByLoad(topic: string, turn: Turn, count: number, loadOf: NonNullable<PartitionerOptions['loadOf']>): number {
    const loads = Array.from({ length: count }, (_, partition) => loadOf(topic, partition));
    let heaviest = 0;
    for (const load of loads) if (load !== undefined && load > heaviest) heaviest = load;
    const { credits } = turn;
    let best = -1;
    let total = 0;
    // Begins behind the last one, so that ties go round.
    for (let step = 1; step <= count; step++) {
      const partition = (turn.partition + step) % count;
      const load = loads[partition];
      if (load === undefined) continue;
      const weight = heaviest + 1 - load;
      credits[partition] = (credits[partition] ?? 0) + weight;
      total += weight;
      if (best < 0 || credits[partition] > credits[best]!) best = partition;
    }
    if (best < 0) return (turn.partition + 1) % count;
    credits[best]! -= total;
    return best;
  }
}

/** The answer of somebody's own partitioner, checked. */
export function askPartitioner(
  partitioner: KafkaPartitioner,
  topic: string,
  record: OutgoingRecord,
  count: number,
  cluster: PartitionerCluster,
): number {
  const { key, value } = record.given ?? record;
  const [keyBytes, valueBytes] = [bytesOfData(record.key), bytesOfData(record.value)];
  const partition = partitioner.partition(topic, key, keyBytes, value, valueBytes, cluster);
  if (Number.isInteger(partition) && partition >= 0 && partition < count) return partition;
  throw new NestdawError(
    'KAFKA_DELIVERY_FAILED',
    `partitioner ${partitioner.constructor.name} chose ${String(partition)} for a record of topic ${topic}, which has partitions 0 to ${count - 1}`,
  );
}
