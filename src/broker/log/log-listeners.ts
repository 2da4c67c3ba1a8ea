// Who is told when a log changes: its manager, and whoever waits for it. Thousands of logs have nobody waiting.

export type LogChange = 'append' | 'start' | 'closed';
export type LogListener<L> = (log: L, change: LogChange) => void;

const NOBODY: readonly never[] = [];

export class LogListeners<L> {
  #others: Set<LogListener<L>> | undefined;

  constructor(
    private readonly log: L,
    /** Told of every change, before those who subscribe. */
    private readonly owner: LogListener<L> | undefined,
  ) {}

  /** Returns the undo. */
  subscribe(listener: LogListener<L>): () => void {
    this.#others ??= new Set();
    this.#others.add(listener);
    return () => void this.#others?.delete(listener);
  }

  notify(change: LogChange): void {
    this.owner?.(this.log, change);
    for (const listener of this.#others ?? NOBODY) listener(this.log, change);
  }

  clear(): void {
    this.#others = undefined;
  }
}
