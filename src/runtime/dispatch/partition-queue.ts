import { KeyTable } from './key-table.js';
import { Lane, type WorkItem } from './work-item.js';

// What waits and runs of one partition: its lanes, which of them may start, and its share of the budget. Driven by
// the dispatcher only; others read the counts.

export interface QueueBudget {
  /** Records, waiting and running, at which `isFull` turns on; it turns off at half of it. */
  readonly records: number;
  /** The same in bytes. */
  readonly bytes: number;
}

export class PartitionQueue {
  #records = 0;
  #bytes = 0;
  #running = 0;
  #full = false;
  readonly #budget: QueueBudget;
  /** @internal Made at the first need: partitions without keyed work have no table. */
  #table: KeyTable | undefined = undefined;
  #single: Lane | undefined = undefined;
  #freeHead: WorkItem | null = null;
  #freeTail: WorkItem | null = null;
  #readyHead: Lane | null = null;
  #readyTail: Lane | null = null;
  #freeTurn = false;

  /** @internal Next in the dispatcher's ring of partitions that may start something. */
  nextInRing: PartitionQueue | null = null;
  /** @internal */
  inRing = false;
  /** @internal Starts nothing. */
  held = false;
  /** @internal Given up: what still runs is nobody's business any more. */
  dropped = false;

  constructor(budget: QueueBudget) {
    this.#budget = budget;
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

  /** Keys with records that wait or run. */
  get lanes(): number {
    return (this.#table?.size ?? 0) + (this.#single?.head ? 1 : 0);
  }

  /** The budget is used up: stop feeding the partition until this turns off again. */
  get isFull(): boolean {
    return this.#full;
  }

  get isHeld(): boolean {
    return this.held;
  }

  /** @internal */
  get hasReady(): boolean {
    return this.#readyHead !== null || this.#freeHead !== null;
  }

  /** @internal Queues at the end of its lane. `keyed`: lanes by key; else one lane for all. */
  appendOrdered(item: WorkItem, keyed: boolean): void {
    this.#count(item);
    let lane: Lane;
    if (keyed) {
      this.#table ??= new KeyTable();
      lane = this.#table.laneOf(item.key!);
    } else {
      this.#single ??= new Lane();
      lane = this.#single;
    }
    const idle = lane.head === null;
    lane.append(item);
    if (idle) this.#pushReady(lane);
  }

  /** @internal Queues without any order. */
  appendFree(item: WorkItem): void {
    this.#count(item);
    if (this.#freeTail === null) this.#freeHead = item;
    else this.#freeTail.next = item;
    this.#freeTail = item;
  }

  /** @internal Takes the next unit that may start; lanes and free records take turns. */
  take(): WorkItem {
    this.#running++;
    const lane = this.#readyHead;
    if (lane !== null && (this.#freeHead === null || !this.#freeTurn)) {
      this.#freeTurn = true;
      this.#readyHead = lane.nextReady;
      if (this.#readyHead === null) this.#readyTail = null;
      lane.nextReady = null;
      return lane.head!;
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
    const lane = item.lane;
    if (lane === undefined) return;
    if (lane.shift()) this.#pushReady(lane);
    else if (lane !== this.#single) this.#table!.remove(lane);
  }

  /** @internal A running unit gives its worker back and keeps its lane. */
  suspend(): void {
    this.#running--;
  }

  /** @internal A suspended unit may start again, `first`: before all other lanes. */
  release(item: WorkItem, first: boolean): void {
    const { lane } = item;
    if (lane !== undefined) {
      if (first) this.#pushReadyFirst(lane);
      else this.#pushReady(lane);
      return;
    }
    item.next = this.#freeHead;
    this.#freeHead = item;
    this.#freeTail ??= item;
  }

  /** @internal Empties the queue; the units that had not started, lane by lane. */
  drop(): WorkItem[] {
    this.dropped = true;
    const waiting: WorkItem[] = [];
    const collect = (first: WorkItem | null) => {
      for (let item = first; item !== null; item = item.next) if (item.state !== 'running') waiting.push(item);
    };
    collect(this.#freeHead);
    if (this.#single) collect(this.#single.head);
    if (this.#table) for (const lane of this.#table.lanes()) collect(lane.head);
    this.#freeHead = this.#freeTail = this.#readyHead = this.#readyTail = null;
    this.#table = this.#single = undefined;
    this.#records = this.#bytes = 0;
    this.#full = false;
    return waiting;
  }

  /** @internal A unit of a dropped queue ended. */
  finishDropped(): void {
    this.#running--;
  }

  #count(item: WorkItem): void {
    this.#records += item.records;
    this.#bytes += item.bytes;
    if (this.#records >= this.#budget.records || this.#bytes >= this.#budget.bytes) this.#full = true;
  }

  #pushReadyFirst(lane: Lane): void {
    lane.nextReady = this.#readyHead;
    this.#readyHead = lane;
    this.#readyTail ??= lane;
  }

  #pushReady(lane: Lane): void {
    if (this.#readyTail === null) this.#readyHead = lane;
    else this.#readyTail.nextReady = lane;
    this.#readyTail = lane;
  }
}
