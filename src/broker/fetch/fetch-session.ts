import { type FetchRequest } from '../../protocol/messages/01-fetch.js';
import { type FetchAnswer, type FetchItem, itemKey } from './fetch-item.js';

// What one client fetches again and again (KIP-227): it names only what changes, and is answered only what is new.

/** A partition of the session, with what its reader was told last. */
interface SessionItem extends FetchItem {
  readonly key: string;
  highWatermark: number;
  logStartOffset: number;
}

/** Not told yet, or told an error: whatever comes next is news. */
const UNTOLD = -1;
const MAX_EPOCH = 0x7fff_ffff;

export class FetchSession {
  /** Epoch that the next request of the session must carry. */
  #epoch = 1;
  /** In the order in which they are served: who got data goes to the end. */
  readonly #items = new Map<string, SessionItem>();
  lastUsedAt: number;

  constructor(
    readonly id: number,
    readonly usesTopicIds: boolean,
    readonly createdAt: number,
  ) {
    this.lastUsedAt = createdAt;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get size(): number {
    return this.#items.size;
  }

  nextEpoch(): void {
    this.#epoch = this.#epoch === MAX_EPOCH ? 1 : this.#epoch + 1;
  }

  items(): readonly FetchItem[] {
    return [...this.#items.values()];
  }

  /** The partitions of a full fetch, with the answers that its reader gets. */
  begin(items: ReadonlyMap<string, FetchItem>, answers: readonly FetchAnswer[]): void {
    let i = 0;
    for (const [key, item] of items) {
      const { highWatermark, logStartOffset = UNTOLD } = answers[i++]!;
      this.#items.set(key, { ...item, key, highWatermark, logStartOffset });
    }
  }

  /** Takes over what an incremental fetch changes. */
  update(items: ReadonlyMap<string, FetchItem>, forgotten: FetchRequest['forgottenTopicsData']): void {
    for (const [key, item] of items) {
      const known = this.#items.get(key);
      if (known) known.input = item.input;
      else this.#items.set(key, { ...item, key, highWatermark: UNTOLD, logStartOffset: UNTOLD });
    }
    for (const { topic, topicId, partitions } of forgotten) {
      for (const partition of partitions) this.#items.delete(itemKey(topic, topicId, partition));
    }
  }

  /** Whether the reader must be told; notes what it is told then. `item` is one of `items()`. */
  tell(item: FetchItem, answer: FetchAnswer): boolean {
    const own = item as SessionItem;
    const { errorCode, highWatermark, logStartOffset = UNTOLD, records, divergingEpoch } = answer;
    const hasRecords = records ? records.length > 0 : false;
    const isNews = own.highWatermark !== highWatermark || own.logStartOffset !== logStartOffset;
    own.highWatermark = errorCode === 0 ? highWatermark : UNTOLD;
    own.logStartOffset = logStartOffset;
    // Next time the others come first: a busy partition must not take the whole answer every time.
    if (hasRecords && this.#items.delete(own.key)) this.#items.set(own.key, own);
    return hasRecords || isNews || errorCode !== 0 || divergingEpoch !== undefined;
  }
}
