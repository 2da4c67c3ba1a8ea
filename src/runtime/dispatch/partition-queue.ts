import { KeyTable } from './key-table.js';
import { appendToLane, shiftLane, type WorkItem, type WorkSource } from './work-item.js';

// What waits and runs of one partition: its lanes, which of them may start, and its share of the budget. Driven by
// the dispatcher only; others read the counts.
//
//   sources (received) ─► units, made when a worker may take them ─► lanes and free units
//
// What waits in a source costs nothing but its count, so that lanes exist for what is in work and for what waits behind
// it, however much is at hand.

/** Which records must not overtake each other when a pool of workers runs them. */
export type Order = 'partition' | 'key' | 'none';

export interface QueueBudget {
  /** Records, waiting and running, at which `isFull` turns on; it turns off at half of it. */
  readonly records: number;
  /** The same in bytes. */
  readonly bytes: number;
}

/** Units, at least and where there are so many, that go before one that is run again. */
const TURN = 64;

export class PartitionQueue {
  #records = 0;
  #bytes = 0;
  #running = 0;
  #full = false;
  readonly #budget: QueueBudget;
  readonly #order: Order;
  /** None of them is spent. */
  #oldestSource: WorkSource | null = null;
  #newestSource: WorkSource | null = null;
  /** Units that `take` could give. */
  #ready = 0;
  /** @internal Made at the first need: partitions without keyed work have no table. */
  #table: KeyTable | undefined = undefined;
  /** Head of the one lane, in order of the partition. */
  #single: WorkItem | null = null;
  #freeHead: WorkItem | null = null;
  #freeTail: WorkItem | null = null;
  #readyHead: WorkItem | null = null;
  #readyTail: WorkItem | null = null;
  #freeTurn = false;

  /** @internal Next in the dispatcher's ring of partitions that may start something. */
  nextInRing: PartitionQueue | null = null;
  /** @internal */
  inRing = false;
  /** @internal Starts nothing. */
  held = false;
  /** @internal Given up: what still runs is nobody's business any more. */
  dropped = false;

  constructor(budget: QueueBudget, order: Order) {
    this.#budget = budget;
    this.#order = order;
  }

  /** Records that wait, run or wait for their retry. */
  get records(): number {
    return this.#records;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Units that run now. */
  get running(): number {
    return this.#running;
  }

  /** Keys with records that run, are next to run, or wait behind one of those. */
  get lanes(): number {
    return (this.#table?.size ?? 0) + (this.#single === null ? 0 : 1);
  }

  /** The budget is used up: stop feeding the partition until this turns off again. */
  get isFull(): boolean {
    return this.#full;
  }

  get isHeld(): boolean {
    return this.held;
  }

  /** @internal Something waits; whether it may start is seen by `findReady`. */
  get mayHaveReady(): boolean {
    return this.#ready > 0 || this.#oldestSource !== null;
  }

  /** @internal Whether something may start. */
  findReady(): boolean {
    return this.#ready > 0 || this.prepare(1) > 0;
  }

  /** @internal Makes units until `count` may start, or none is left to make; how many may start. */
  prepare(count: number): number {
    while (this.#ready < count && this.#oldestSource !== null) {
      const source = this.#oldestSource;
      this.#place(source.make());
      if (source.remaining > 0) continue;
      this.#oldestSource = source.next;
      if (this.#oldestSource === null) this.#newestSource = null;
    }
    return this.#ready;
  }

  /** @internal Queues what a source will make. */
  appendSource(source: WorkSource): void {
    if (source.remaining === 0) return;
    this.#count(source.remaining, source.bytes);
    if (this.#newestSource === null) this.#oldestSource = source;
    else this.#newestSource.next = source;
    this.#newestSource = source;
  }

  /** @internal Queues one unit. */
  append(item: WorkItem): void {
    // It must not overtake what came before it.
    this.prepare(Number.POSITIVE_INFINITY);
    this.#count(item.records, item.bytes);
    this.#place(item);
  }

  #place(item: WorkItem): void {
    item.state = 'queued';
    if (this.#isFree(item)) this.#appendFree(item);
    else if (this.#order === 'key') this.#appendByKey(item);
    else this.#appendInOrder(item);
  }

  /** Nothing must wait for it, and it for nothing. */
  #isFree(item: WorkItem): boolean {
    return this.#order === 'none' || (this.#order === 'key' && item.key === null);
  }

  #appendByKey(item: WorkItem): void {
    this.#table ??= new KeyTable();
    if (this.#table.append(item)) this.#pushReady(item);
  }

  #appendInOrder(item: WorkItem): void {
    if (this.#single !== null) {
      appendToLane(this.#single, item);
      return;
    }
    this.#single = item;
    this.#pushReady(item);
  }

  #appendFree(item: WorkItem): void {
    this.#ready++;
    if (this.#freeTail === null) this.#freeHead = item;
    else this.#freeTail.next = item;
    this.#freeTail = item;
  }

  /** @internal Takes the next unit that may start; lanes and free records take turns. */
  take(): WorkItem {
    this.#running++;
    this.#ready--;
    const head = this.#readyHead;
    if (head !== null && (this.#freeHead === null || !this.#freeTurn)) {
      this.#freeTurn = true;
      this.#readyHead = head.nextReady;
      if (this.#readyHead === null) this.#readyTail = null;
      head.nextReady = null;
      return head;
    }
    this.#freeTurn = false;
    const item = this.#freeHead!;
    this.#freeHead = item.next;
    if (this.#freeHead === null) this.#freeTail = null;
    item.next = null;
    return item;
  }

  /** @internal A running unit is done with: its lane's next one may start. */
  finish(item: WorkItem): void {
    this.#running--;
    this.#records -= item.records;
    this.#bytes -= item.bytes;
    if (this.#full && this.#records <= this.#budget.records / 2 && this.#bytes <= this.#budget.bytes / 2) {
      this.#full = false;
    }
    if (this.#isFree(item)) return;
    const next = this.#order === 'key' ? this.#table!.shift(item) : shiftLane(item);
    if (this.#order === 'partition') this.#single = next;
    if (next !== null) this.#pushReady(next);
  }

  /** @internal A running unit gives its worker back and keeps its lane. */
  suspend(): void {
    this.#running--;
  }

  /** @internal A suspended unit may start again, `first`: before all other lanes. */
  release(item: WorkItem, first: boolean): void {
    // Behind others: one that is released again and again must not keep them waiting.
    if (!first) this.prepare(this.#ready + TURN);
    if (!this.#isFree(item)) {
      if (first) this.#pushReadyFirst(item);
      else this.#pushReady(item);
      return;
    }
    this.#ready++;
    item.next = this.#freeHead;
    this.#freeHead = item;
    this.#freeTail ??= item;
  }

  /** @internal Empties the queue; the units that had not started, lane by lane. */
  drop(): WorkItem[] {
    this.dropped = true;
    this.prepare(Number.POSITIVE_INFINITY);
    const waiting: WorkItem[] = [];
    const collect = (first: WorkItem | null) => {
      for (let item = first; item !== null; item = item.next) if (item.state !== 'running') waiting.push(item);
    };
    collect(this.#freeHead);
    collect(this.#single);
    if (this.#table) for (const head of this.#table.heads()) collect(head);
    this.#freeHead = this.#freeTail = this.#readyHead = this.#readyTail = null;
    this.#table = undefined;
    this.#single = null;
    this.#records = this.#bytes = this.#ready = 0;
    this.#full = false;
    return waiting;
  }

  /** @internal A unit of a dropped queue ended. */
  finishDropped(): void {
    this.#running--;
  }

  #count(records: number, bytes: number): void {
    this.#records += records;
    this.#bytes += bytes;
    if (this.#records >= this.#budget.records || this.#bytes >= this.#budget.bytes) this.#full = true;
  }

  #pushReadyFirst(head: WorkItem): void {
    this.#ready++;
    head.nextReady = this.#readyHead;
    this.#readyHead = head;
    this.#readyTail ??= head;
  }

  #pushReady(head: WorkItem): void {
    this.#ready++;
    if (this.#readyTail === null) this.#readyHead = head;
    else this.#readyTail.nextReady = head;
    this.#readyTail = head;
  }
}
