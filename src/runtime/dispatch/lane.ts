import { type WorkItem } from './work-item.js';

// An ordered queue of records that must not overtake each other. Only the head may run; while it runs (or waits for
// its retry) it stays the head, which is what blocks the others.

export class Lane {
  head: WorkItem | null = null;
  tail: WorkItem | null = null;
  /** Key of the records, null for the lane of a whole partition. A slice of the head's own batch. */
  key: Buffer | null = null;
  hash = 0;
  /** Next lane in the same bucket of the key table, or in the list of spare lanes. */
  chained: Lane | null = null;
  /** Next lane whose head may start. */
  nextReady: Lane | null = null;

  append(item: WorkItem): void {
    item.lane = this;
    if (this.tail === null) this.head = item;
    else this.tail.next = item;
    this.tail = item;
  }

  /** The head is finished. True when records are left. */
  shift(): boolean {
    const done = this.head!;
    this.head = done.next;
    done.next = null;
    done.lane = undefined;
    if (this.head === null) {
      this.tail = null;
      return false;
    }
    // Follow the head, or one long-lived lane would keep the batch of its first record in memory.
    this.key = this.head.key;
    return true;
  }
}
