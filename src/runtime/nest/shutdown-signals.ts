// SIGTERM and SIGINT for applications that did not ask Nest to listen for them: they drain all the same, then the
// process ends as it would have.

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/** Marks our own listeners, of every application in the process and of both builds. */
const OURS = Symbol.for('nestdaw:signal-listener');

type SignalListener = ((signal: NodeJS.Signals) => void) & { [OURS]?: true };

export interface ShutdownSteps {
  /** Ends the listeners; somebody else ends the process, and the application before it. */
  readonly drain: () => Promise<void>;
  /** Ends everything: nobody else will. */
  readonly close: () => Promise<void>;
}

export class ShutdownSignals {
  readonly #steps: ShutdownSteps;
  readonly #listener: SignalListener;
  #isStopping = false;

  constructor(steps: ShutdownSteps) {
    this.#steps = steps;
    this.#listener = (signal) => this.#onSignal(signal);
    this.#listener[OURS] = true;
  }

  install(): void {
    for (const signal of SIGNALS) process.on(signal, this.#listener);
  }

  remove(): void {
    for (const signal of SIGNALS) process.off(signal, this.#listener);
  }

  #onSignal(signal: NodeJS.Signals): void {
    // Whoever listens as well (Nest's shutdown hooks, the application) decides when the process ends.
    const isAlone = process.listeners(signal).every((listener) => (listener as SignalListener)[OURS]);
    if (!isAlone) {
      void this.#steps.drain();
      return;
    }
    if (this.#isStopping) {
      // Asked twice: the user does not want to wait.
      this.#end(signal);
      return;
    }
    this.#isStopping = true;
    void this.#steps.close().finally(() => this.#end(signal));
  }

  /** Our listener gone, the signal does what it does without one; another application's may still be draining. */
  #end(signal: NodeJS.Signals): void {
    this.remove();
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  }
}
