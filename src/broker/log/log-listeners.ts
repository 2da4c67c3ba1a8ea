import { type PartitionLog } from './partition-log.js';

// Who is told when a log changes: its manager, and whoever waits for it. Thousands of logs have nobody waiting.

export type LogChange = 'append' | 'start' | 'closed';
export type LogListener = (log: PartitionLog, change: LogChange) => void;

const NOBODY: readonly LogListener[] = [];

export class LogListeners {
  #others: Set<LogListener> | undefined;

  constructor(
    private readonly log: PartitionLog,
    /** Told of every change, before those who subscribe. */
    private readonly owner: LogListener | undefined,
  ) {}

  /** Returns the undo. */
  subscribe(listener: LogListener): () => void {
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
