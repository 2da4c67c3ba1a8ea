import { type Order, PartitionQueue, type QueueBudget } from './partition-queue.js';
import { type WorkItem, type WorkSource } from './work-item.js';

// Which record runs next. Events in (submitted, finished, suspended, held …), decisions out (`next`): no clock, no
// promise, no I/O. Every call is O(1) at any number of keys and partitions, but `drop`.
//
//   ring of partitions ─► ready lanes of each ─► head of the lane
//                     └─► free records of each (no key, or order `none`)
//
// A partition goes to the end of the ring each time it starts something, a lane to the end of its partition's ready
// lanes each time its head changes: nobody starves. A lane exists only while it has records.

export type { Order } from './partition-queue.js';

export interface DispatcherOptions {
  readonly order: Order;
  /** Units that run at once, at least 1. */
  readonly workers: number;
  /** Of each partition. */
  readonly budget: QueueBudget;
}

export class KeyDispatcher<T extends WorkItem<PartitionQueue>> {
  readonly #order: Order;
  readonly #budget: QueueBudget;
  #workers: number;
  #extra = 0;
  /** Units that may run: those of the workers, and extra ones. */
  #limit: number;
  #running = 0;
  #paused = false;
  #ringHead: PartitionQueue | null = null;
  #ringTail: PartitionQueue | null = null;

  constructor({ order, workers, budget }: DispatcherOptions) {
    this.#order = order;
    this.#workers = workers;
    this.#limit = workers;
    this.#budget = budget;
  }

  /** May change while records run: fewer workers take effect as running ones finish. */
  get workers(): number {
    return this.#workers;
  }

  set workers(count: number) {
    this.#workers = count;
    this.#limit = count + this.#extra;
  }

  /** Units that run beside those of the workers; 0 but for a while. */
  set extra(count: number) {
    this.#extra = count;
    this.#limit = this.#workers + count;
  }

  get running(): number {
    return this.#running;
  }

  /** While set, nothing starts anywhere. */
  get paused(): boolean {
    return this.#paused;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
  }

  /** Nothing runs and nothing may start; retries and held partitions may wait. */
  get isIdle(): boolean {
    return this.#running === 0 && (this.#paused || this.#firstInRing() === null);
  }

  /** `next` would give something. */
  get canStart(): boolean {
    return this.canStartBeside(0);
  }

  /** The same for `next(beside)`. */
  canStartBeside(beside: number): boolean {
    return !this.#paused && this.#running < this.#limit + beside && this.#firstInRing() !== null;
  }

  /** All workers are at work, and more waits. */
  get isSaturated(): boolean {
    return !this.#paused && this.#running >= this.#limit && this.#firstInRing() !== null;
  }

  /** A queue for a partition that was assigned. */
  open(): PartitionQueue {
    return new PartitionQueue(this.#budget, this.#order);
  }

  /** A record was received. Records of a dropped partition are refused: false. */
  submit(item: T): boolean {
    const queue = item.queue;
    if (queue.dropped) return false;
    queue.append(item);
    this.#offer(queue);
    return true;
  }

  /** Records of one partition were received: they are made into work when workers may take them. */
  offer(queue: PartitionQueue, source: WorkSource<T>): void {
    if (queue.dropped) return;
    queue.appendSource(source);
    this.#offer(queue);
  }

  /** Makes work of what the workers will ask for next, so that they find it made: at most one for each of them. */
  prepare(): void {
    let left = this.#workers;
    for (let queue = this.#ringHead; queue !== null && left > 0; queue = queue.nextInRing) {
      if (!queue.held && !queue.dropped) left -= queue.prepare(left);
    }
  }

  /**
   * The record to start now, which counts as running from here on; undefined when none may start. `beside`: as many
   * more than there are workers.
   */
  next(beside = 0): T | undefined {
    if (this.#paused || this.#running >= this.#limit + beside) return undefined;
    const queue = this.#firstInRing();
    if (queue === null) return undefined;
    const item = queue.take();
    item.state = 'running';
    this.#running++;
    // The only one of the ring stays where it is.
    if (queue.nextInRing === null && queue.mayHaveReady) return item as T;
    this.#leaveRing(queue);
    this.#offer(queue);
    return item as T;
  }

  /** A running record needs no further work. */
  finish(item: T): void {
    if (item.state !== 'running') return;
    item.state = 'finished';
    this.#running--;
    const queue = item.queue;
    if (queue.dropped) {
      queue.finishDropped();
      return;
    }
    queue.finish(item);
    this.#offer(queue);
  }

  /** A running record will run again later: its worker is free, its lane stays blocked. */
  suspend(item: T): void {
    if (item.state !== 'running') return;
    item.state = 'suspended';
    this.#running--;
    item.queue.suspend();
  }

  /** A suspended record may run again; `first`: as the next one of its partition. */
  release(item: WorkItem<PartitionQueue>, first = false): void {
    if (item.state !== 'suspended' || item.queue.dropped) return;
    item.state = 'queued';
    item.queue.release(item, first);
    this.#offer(item.queue);
  }

  /** The partition starts nothing until `unhold`. */
  hold(queue: PartitionQueue): void {
    queue.held = true;
  }

  unhold(queue: PartitionQueue): void {
    queue.held = false;
    this.#offer(queue);
  }

  /** The partition is given up: returns what had not started. What runs may still call `finish`, to free its worker. */
  drop(queue: PartitionQueue): T[] {
    return queue.drop() as T[];
  }

  #offer(queue: PartitionQueue): void {
    if (queue.inRing || queue.held || !queue.mayHaveReady) return;
    queue.inRing = true;
    if (this.#ringTail === null) this.#ringHead = queue;
    else this.#ringTail.nextInRing = queue;
    this.#ringTail = queue;
  }

  /** Queues that were held, dropped or emptied since they were offered leave here, each at most once per offer. */
  #firstInRing(): PartitionQueue | null {
    let queue = this.#ringHead;
    while (queue !== null && (queue.held || queue.dropped || !queue.findReady())) {
      this.#leaveRing(queue);
      queue = this.#ringHead;
    }
    return queue;
  }

  #leaveRing(queue: PartitionQueue): void {
    this.#ringHead = queue.nextInRing;
    if (this.#ringHead === null) this.#ringTail = null;
    queue.nextInRing = null;
    queue.inRing = false;
  }
}
