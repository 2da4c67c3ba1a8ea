// Time as an input (no other file uses Date.now, process.hrtime or a bare timer). Simulation and tests inject a
// virtual clock with the same interface.

/** A scheduled call that can be withdrawn. */
export interface Timer {
  /** Withdraws the call; harmless when it already ran or was cancelled. */
  cancel(): void;
}

export interface ScheduleOptions {
  /** Whether a pending timer keeps the process alive. Default false. */
  readonly keepAlive?: boolean;
}

export interface Clock {
  /** Wall-clock time in ms since the epoch, for timestamps that leave the process. */
  now(): number;
  /** Monotonic time in ms with fractions, for measuring durations and deadlines. */
  monotonic(): number;
  /** Calls `action` once, `delayMs` from now (at once in a later turn when 0 or negative). */
  schedule(delayMs: number, action: () => void, options?: ScheduleOptions): Timer;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: processTime,
  schedule(delayMs, action, options) {
    const handle = setTimeout(action, Math.max(0, Math.min(delayMs, 0x7fff_ffff)));
    if (!options?.keepAlive) handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `delayMs`; earlier, and without error, when `signal` aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const wake = () => {
      timer.cancel();
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = clock.schedule(delayMs, wake, { keepAlive: true });
    signal?.addEventListener('abort', wake, { once: true });
  });
}

/** Calls `action` every `periodMs`, each time after the one before has settled, until cancelled. */
export function every(clock: Clock, periodMs: number, action: () => unknown): Timer {
  let cancelled = false;
  let timer = clock.schedule(periodMs, tick);
  function tick(): void {
    void Promise.resolve(action()).finally(() => {
      if (!cancelled) timer = clock.schedule(periodMs, tick);
    });
  }
  return {
    cancel() {
      cancelled = true;
      timer.cancel();
    },
  };
}

/** Whether `task` settles within `ms`; undefined: however long it takes. Rejects when `task` does before that. */
export async function endsWithin(clock: Clock, ms: number | undefined, task: Promise<unknown>): Promise<boolean> {
  let limit: Timer | undefined;
  const late = new Promise<boolean>((resolve) => {
    if (ms !== undefined) limit = clock.schedule(ms, () => resolve(false));
  });
  return await Promise.race([task.then(() => true), late]).finally(() => limit?.cancel());
}

/** Monotonic time in ms, the same in all threads of the process: for times that cross between threads. */
export function processTime(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

/** Calls `action` in a later turn of the event loop, after input and output had theirs. No time is involved. */
export function nextTurn(action: () => void): void {
  setImmediate(action);
}
