import { type Clock } from '../../common/clock.js';
import { type KafkaRecord, type OutgoingRecord } from '../../common/record.js';
import { type TopicPartition } from '../../common/topic-partition.js';
import { type ClaimAnswer, type Claimant, type DedupStore, type DedupWindow, type IdGroup } from './dedup-store.js';
import { MemoryDedupStore } from './memory-dedup-store.js';

// Ids in a compacted topic: no server beside Kafka. The owner of a partition knows its ids in memory; finished ones are
// also written to a journal, which the next owner reads through before it begins.
//
//   key    scope, id        value    topic and partition of the record; null once the window has forgotten the id

/** The journal of each partition, as the store sees it. */
export interface IdJournal {
  /** Resolves when the record is stored for good. */
  append(of: TopicPartition, record: OutgoingRecord): Promise<unknown>;
  /** Calls `visit` for everything that stands in these partitions now, in order. */
  read(of: readonly TopicPartition[], visit: (record: KafkaRecord) => void): Promise<void>;
}

/** Between the parts of a key; no scope holds it. */
const BETWEEN = '\0';

/**
 * A `DedupStore` in a compacted topic. Ids are known to the owner of the partition that they came in: one that comes in
 * another partition, read by another process, is not found.
 */
export class TopicDedupStore implements DedupStore {
  readonly isLocal = true;
  readonly #journal: IdJournal;
  readonly #memory: MemoryDedupStore;
  readonly #window: DedupWindow;
  /** Where ids beyond the window came in that the journal does not know to be forgotten, by their keys. */
  #forgotten = new Map<string, TopicPartition>();
  /** Those that the journal is being told. */
  readonly #telling = new Set<Map<string, TopicPartition>>();

  constructor(journal: IdJournal, window: DedupWindow, clock: Clock) {
    this.#journal = journal;
    this.#window = window;
    this.#memory = new MemoryDedupStore(clock);
  }

  claim(groups: readonly IdGroup[], claimant: Claimant): ClaimAnswer[] {
    return this.#memory.claim(groups, claimant);
  }

  async finish(groups: readonly IdGroup[], claimant: Claimant, window: DedupWindow): Promise<void> {
    const written: Array<Promise<unknown>> = [];
    for (const group of groups) {
      const { scope, topic, partition, ids } = group;
      const value = Buffer.from(`${topic}${BETWEEN}${partition}`);
      for (const id of ids) {
        const key = keyOf(scope, id);
        // Known once more: what was to be forgotten of it must not come behind.
        this.#forgotten.delete(key);
        for (const told of this.#telling) told.delete(key);
        written.push(this.#journal.append({ topic, partition }, { key: Buffer.from(key), value }));
      }
    }
    await Promise.all(written);
    this.#finishInMemory(groups, claimant, window);
    const forgotten = this.#forgotten;
    this.#forgotten = new Map();
    this.#telling.add(forgotten);
    try {
      const marks = [...forgotten].map(([key, of]) => this.#journal.append(of, { key: Buffer.from(key), value: null }));
      await Promise.all(marks);
    } catch (error) {
      // Again with the next ones, or the topic would keep them for ever.
      this.#forgotten = new Map([...forgotten, ...this.#forgotten]);
      throw error;
    } finally {
      this.#telling.delete(forgotten);
    }
  }

  #finishInMemory(groups: readonly IdGroup[], claimant: Claimant, window: DedupWindow): void {
    this.#memory.finish(groups, claimant, window, ({ scope, topic, partition }, id) => {
      this.#forgotten.set(keyOf(scope, id), { topic, partition });
    });
  }

  release(groups: readonly IdGroup[], claimant: Claimant): void {
    this.#memory.release(groups, claimant);
  }

  renew(): void {
    // A claim lives as long as this process, and so does who has it.
  }

  /** These partitions are read here from now on: their ids are read from the journal. */
  async restore(partitions: readonly TopicPartition[]): Promise<void> {
    const found = new Map<string, IdGroup>();
    await this.#journal.read(partitions, ({ key, value, topic: log, partition }) => {
      if (key === null) return;
      // What comes later counts: a mark of forgetting, or the id once more, and then as a younger one.
      const text = key.toString();
      const entry = [log, partition, text].join(BETWEEN);
      found.delete(entry);
      if (value === null) return;
      const [scope, id] = text.split(BETWEEN) as [string, string];
      const [topic, number] = value.toString().split(BETWEEN) as [string, string];
      found.set(entry, { scope, topic, partition: Number(number), ids: [id] });
    });
    this.#finishInMemory([...found.values()], { owner: '', leaseMs: 0 }, this.#window);
  }
}

function keyOf(scope: string, id: string): string {
  return `${scope}${BETWEEN}${id}`;
}
