import { type ProducerBatch, type ProducerState } from './producer-batch.js';

// The batches of one partition on their way: which may go next, under which sequence, and what an outcome means for
// those behind. No clock, no requests.
//
//   unsent ──take──▶ unsettled (in flight) ──stored──▶ gone
//     ▲                  │ failed: outcome unknown        │ given up: its sequence leaves a gap
//     │                  ▼                                ▼
//     │              unsettled (waiting) ──take again, byte for byte, before anything else
//     └── not stored: the broker said so; gets a new sequence in a new epoch
//
// After a gap nothing new is sent until every unsettled batch is settled; then a new epoch starts at sequence 0. It
// also fences late copies of the old epoch: the broker refuses them once it has seen the new one.

const NO_STATE: ProducerState = { producerId: -1n, epoch: -1, baseSequence: -1 };
const MAX_EPOCH = 0x7fff;

export interface Identity {
  readonly producerId: bigint;
  readonly epoch: number;
}

export class PartitionQueue {
  /** Without a sequence yet, in order; the last one may be open. */
  readonly unsent: ProducerBatch[] = [];
  /** With a sequence and an outcome that is not known yet, in the order of the sequences. */
  readonly unsettled: ProducerBatch[] = [];
  #inFlight = 0;
  #identity: Identity | undefined;
  #nextSequence = 0;
  /** A batch of this epoch is stored: only then can the broker tell that one behind came too early. */
  #confirmed = false;
  #gap = false;
  #lastOrder = 0;
  /** Sequences given so far, counted in batches. */
  #taken = 0;
  /** Nothing is sent while it waits after a failure. */
  isBackingOff = false;
  /** Failures since the last success. */
  failures = 0;
  /** A record was lost, and nothing may overtake it: what is not stored by itself is rejected. */
  isStopped = false;
  /** The producer id that was dropped last: its successor must be another one. */
  spentProducerId: bigint | undefined;

  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly idempotent: boolean,
    readonly maxUnsettled: number,
  ) {}

  get isIdle(): boolean {
    return this.unsent.length === 0 && this.unsettled.length === 0;
  }

  /** The batch that still takes records. */
  get open(): ProducerBatch | undefined {
    const last = this.unsent[this.unsent.length - 1];
    return last?.closed === false ? last : undefined;
  }

  nextOrder(): number {
    return ++this.#lastOrder;
  }

  /** The batch to send now; undefined when there is none or it must wait. */
  next(isReady: (batch: ProducerBatch) => boolean): ProducerBatch | undefined {
    if (this.isBackingOff) return undefined;
    // Something failed: the oldest goes again, alone, when no other is on its way.
    if (this.unsettled.length > this.#inFlight) return this.#inFlight === 0 ? this.unsettled[0] : undefined;
    if (this.#window() >= this.#room()) return undefined;
    const head = this.unsent[0];
    return head && (this.unsent.length > 1 || isReady(head)) ? head : undefined;
  }

  /**
   * Batches from the oldest unsettled one to the newest, those between that are stored included: the broker can tell
   * a repeated batch only while it is among the last five that it stored.
   */
  #window(): number {
    const oldest = this.unsettled[0];
    return oldest ? this.#taken - oldest.ticket : 0;
  }

  /**
   * How large the window may be. One until the epoch is confirmed: a broker that knows nothing of the producer accepts
   * any sequence, so that a second batch could overtake a first one that failed.
   */
  #room(): number {
    if (!this.idempotent) return this.maxUnsettled;
    if (this.#gap) return this.unsettled.length === 0 ? 1 : 0;
    return this.#confirmed ? this.maxUnsettled : 1;
  }

  /** Whether the batch that is next needs a producer id that the queue does not have. */
  needsIdentity(): boolean {
    if (!this.idempotent || this.unsettled.length > this.#inFlight) return false;
    if (this.#gap && this.#identity && this.#identity.epoch >= MAX_EPOCH) this.dropIdentity();
    return this.#identity === undefined;
  }

  /** The producer id is of no use any more for this partition. */
  dropIdentity(): void {
    this.spentProducerId = this.#identity?.producerId ?? this.spentProducerId;
    this.#identity = undefined;
    this.#gap = true;
  }

  /** Whether new batches go under this producer id and epoch. */
  isUnder({ producerId, epoch }: Identity): boolean {
    return !this.#gap && this.#identity?.producerId === producerId && this.#identity.epoch === epoch;
  }

  /**
   * Starts from sequence 0 under a producer id from the broker. `startsAtZero`: the broker takes nothing else as its
   * first, so a second batch cannot overtake a first one that failed.
   */
  adopt(identity: Identity, startsAtZero = false): void {
    this.#begin(identity);
    this.#confirmed = startsAtZero;
  }

  /** Puts what `next` gave under way; `build` makes its bytes when it needs a sequence. */
  take(batch: ProducerBatch, build: (state: ProducerState) => void): void {
    if (batch !== this.unsettled[0]) {
      build(this.#stateFor());
      this.#nextSequence = (this.#nextSequence + batch.count) & 0x7fff_ffff;
      batch.ticket = this.#taken++;
      this.unsent.shift();
      this.unsettled.push(batch);
    }
    batch.attempts++;
    batch.inFlight = true;
    this.#inFlight++;
  }

  #stateFor(): ProducerState {
    if (!this.idempotent) return NO_STATE;
    if (this.#gap) this.#begin({ producerId: this.#identity!.producerId, epoch: this.#identity!.epoch + 1 });
    return { ...this.#identity!, baseSequence: this.#nextSequence };
  }

  #begin(identity: Identity): void {
    this.#identity = identity;
    this.#nextSequence = 0;
    this.#confirmed = false;
    this.#gap = false;
  }

  isOldest(batch: ProducerBatch): boolean {
    return this.unsettled[0] === batch;
  }

  stored(batch: ProducerBatch): void {
    this.#landed(batch);
    this.#remove(batch);
    this.#confirmed = true;
    this.failures = 0;
  }

  /** It may be stored or not: stays where it is and goes again. */
  failed(batch: ProducerBatch): void {
    this.#landed(batch);
  }

  /** The broker refused its sequence, so it is certainly not stored: it gets a new one, in the same place. */
  notStored(batch: ProducerBatch): void {
    this.#landed(batch);
    this.#remove(batch);
    this.#gap = true;
    this.#putBack(batch);
  }

  /** Its records have been rejected; whether the broker has them does not matter any more, its sequence is lost. */
  giveUp(batch: ProducerBatch): void {
    this.#landed(batch);
    if (this.#remove(batch)) {
      this.#gap = true;
      return;
    }
    const index = this.unsent.indexOf(batch);
    if (index >= 0) this.unsent.splice(index, 1);
  }

  /**
   * It is certainly not stored: takes its sequence back, without a gap. Only while it is the last one that has a
   * sequence; else false, and nothing changes.
   */
  takeBack(batch: ProducerBatch): boolean {
    if (this.unsettled.length !== 1 || this.unsettled[0] !== batch) return false;
    this.#landed(batch);
    this.unsettled.pop();
    this.#nextSequence = (this.#nextSequence - batch.count) & 0x7fff_ffff;
    this.#taken--;
    return true;
  }

  /** It is certainly not stored and goes on in parts, in its place. */
  replace(batch: ProducerBatch, parts: readonly ProducerBatch[]): void {
    if (!this.takeBack(batch)) this.giveUp(batch);
    for (const part of parts) this.#putBack(part);
  }

  #landed(batch: ProducerBatch): void {
    if (!batch.inFlight) return;
    batch.inFlight = false;
    this.#inFlight--;
  }

  #remove(batch: ProducerBatch): boolean {
    const index = this.unsettled.indexOf(batch);
    if (index >= 0) this.unsettled.splice(index, 1);
    return index >= 0;
  }

  #putBack(batch: ProducerBatch): void {
    let index = 0;
    while (index < this.unsent.length && this.unsent[index]!.order <= batch.order) index++;
    this.unsent.splice(index, 0, batch);
  }
}
