import { type Random, systemRandom } from '../../../common/random.js';
import { partitionForKey } from '../../../protocol/murmur2.js';

// Which partition a record without an explicit one goes to. No metadata and no clock: the count comes in.

export interface PartitionerOptions {
  /** Bytes after which records without a key move on to the next partition. */
  readonly batchSize: number;
  readonly ignoreKeys?: boolean;
  readonly nullKeys?: 'sticky' | 'round-robin';
  readonly random?: Random;
}

interface Turn {
  partition: number;
  /** Bytes given to the partition in this turn. */
  bytes: number;
}

export class Partitioner {
  readonly #turns = new Map<string, Turn>();
  readonly #bytesPerTurn: number;
  readonly #ignoreKeys: boolean;
  readonly #random: Random;

  constructor({ batchSize, ignoreKeys = false, nullKeys = 'sticky', random = systemRandom }: PartitionerOptions) {
    // Sticky as in the Java client (KIP-794): a batch's worth of bytes to one partition, then the next. Partitions
    // take turns instead of being drawn, so that even a short run is spread evenly.
    this.#bytesPerTurn = nullKeys === 'sticky' ? Math.max(1, batchSize) : 1;
    this.#ignoreKeys = ignoreKeys;
    this.#random = random;
  }

  /** `size` is what the record adds to its batch. */
  choose(topic: string, key: Buffer | null, size: number, count: number): number {
    if (key !== null && !this.#ignoreKeys) return partitionForKey(key, count);
    let turn = this.#turns.get(topic);
    if (turn === undefined) {
      turn = { partition: Math.floor(this.#random.next() * count), bytes: 0 };
      this.#turns.set(topic, turn);
    } else if (turn.bytes >= this.#bytesPerTurn) {
      turn.partition++;
      turn.bytes = 0;
    }
    if (turn.partition >= count) turn.partition = 0;
    turn.bytes += size;
    return turn.partition;
  }
}
