import { type Clock, type Timer } from '../../common/clock.js';

/** Timers by name: one that is scheduled again replaces the one before, so that there is never more than one. */
export class KeyedTimers {
  readonly #timers = new Map<string, Timer>();

  constructor(readonly clock: Clock) {}

  schedule(key: string, delayMs: number, action: () => void): void {
    this.#timers.get(key)?.cancel();
    const timer = this.clock.schedule(delayMs, () => {
      this.#timers.delete(key);
      action();
    });
    this.#timers.set(key, timer);
  }

  cancel(key: string): void {
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
  }

  cancelAll(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }
}
