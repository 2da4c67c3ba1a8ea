// How much all partitions of a container may hold in memory together, above what each may hold by itself.
//
//   below half of the budget    nobody waits
//   from half of it on          a partition waits while it holds its guaranteed share: the other half, divided by all
//   all of it                   everybody waits
//
// So partitions whose handlers hang use up the first half and their own shares, never those of the others, and the
// total exceeds the budget by what one poll brought at most. Pure: told what partitions hold, it says who waits.

/** What holds records: the queue of a partition. */
export interface Holder {
  readonly bytes: number;
}

/** What is left for all: `plenty`, enough for those that hold little, nothing. */
type Room = 'plenty' | 'scarce' | 'none';

/** Tells those whose share has changed. */
type Changed<S> = (subjects: readonly S[]) => void;

export class MemoryBudget {
  /** What partitions hold; what has left since they were looked at is still in it while there is plenty. */
  #total = 0;
  #room: Room = 'plenty';
  readonly #shares = new Set<MemoryShare>();

  /** @param bytes Infinity: no bound */
  constructor(readonly bytes: number) {}

  /** @internal */
  get room(): Room {
    return this.#room;
  }

  /** @internal What each may hold whatever the others do. */
  get guaranteed(): number {
    return this.bytes / 2 / Math.max(1, this.#shares.size);
  }

  /** The share of one more partition. `changed` is called once for all of its subjects that a later change concerns. */
  open<S>(holder: Holder, subject: S, changed: Changed<S>): MemoryShare {
    const share = new MemoryShare(this, holder, subject, changed as Changed<unknown>);
    this.#shares.add(share);
    this.#divideAnew();
    share.look();
    share.isNew = false;
    return share;
  }

  /** @internal */
  close(share: MemoryShare, counted: number): void {
    this.#shares.delete(share);
    this.#total -= counted;
    this.#divideAnew();
  }

  /** @internal A share holds so much more, or less. */
  count(change: number, share?: MemoryShare): void {
    this.#total += change;
    if (!this.#hasChanged() && share !== undefined && this.#room !== 'plenty') this.#tell([share]);
  }

  /** Tells everybody when the room has become another one. */
  #hasChanged(): boolean {
    if (this.#next() === this.#room) return false;
    // Nobody has told what left while there was plenty.
    if (this.#room === 'plenty') this.#recount();
    const room = this.#next();
    if (room === this.#room) return false;
    this.#room = room;
    this.#tell(this.#shares);
    return true;
  }

  /** A wait ends a little below where it began, or each record would end one and begin the next. */
  #next(): Room {
    const { bytes, guaranteed } = this;
    if (this.#total >= bytes) return 'none';
    if (this.#room === 'none' && this.#total > bytes - guaranteed) return 'none';
    if (this.#total >= bytes / 2) return 'scarce';
    return this.#room !== 'plenty' && this.#total > bytes / 4 ? 'scarce' : 'plenty';
  }

  /** Each may hold less now, or more. */
  #divideAnew(): void {
    if (!this.#hasChanged() && this.#room !== 'plenty') this.#tell(this.#shares);
  }

  #recount(): void {
    this.#total = 0;
    for (const share of this.#shares) this.#total += share.recount();
  }

  #tell(shares: Iterable<MemoryShare>): void {
    const told = new Map<Changed<unknown>, unknown[]>();
    for (const share of shares) {
      if (!share.look() || share.isNew) continue;
      const subjects = told.get(share.changed);
      if (subjects === undefined) told.set(share.changed, [share.subject]);
      else subjects.push(share.subject);
    }
    for (const [changed, subjects] of told) changed(subjects);
  }
}

export class MemoryShare {
  #counted = 0;
  #isPaused = false;
  #isWatched = false;
  /** @internal Who opens it has not got it yet. */
  isNew = true;

  /** @internal */
  constructor(
    readonly budget: MemoryBudget,
    readonly holder: Holder,
    readonly subject: unknown,
    readonly changed: Changed<unknown>,
  ) {}

  /** It must be given nothing more. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** What leaves it has to be told by `update`, for somebody may wait for the room. */
  get isWatched(): boolean {
    return this.#isWatched;
  }

  /** It was given something; or, when it is watched, something has left. */
  update(): void {
    const before = this.#counted;
    const change = this.recount() - before;
    if (change !== 0) this.budget.count(change, this);
  }

  /** Gives it up, with all that it holds. */
  close(): void {
    this.budget.close(this, this.#counted);
  }

  /** @internal */
  recount(): number {
    this.#counted = this.holder.bytes;
    return this.#counted;
  }

  /** @internal Decides anew; whether that changed anything. */
  look(): boolean {
    const { room } = this.budget;
    const isWatched = room !== 'plenty';
    const isPaused = room === 'none' || (isWatched && this.#holdsItsShare());
    if (isPaused === this.#isPaused && isWatched === this.#isWatched) return false;
    this.#isPaused = isPaused;
    this.#isWatched = isWatched;
    return true;
  }

  #holdsItsShare(): boolean {
    const { guaranteed } = this.budget;
    return this.#isPaused ? this.#counted > guaranteed / 2 : this.#counted >= guaranteed;
  }
}
