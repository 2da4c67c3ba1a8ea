// Callers that wait until little enough is under way to send more. Nothing here is ever rejected: at the end of the
// producer they go on, and their sends say what is wrong.

const READY = Promise.resolve();

export class ReadyGate {
  readonly #isOpen: () => boolean;
  #opened: Promise<void> | undefined;
  #open: (() => void) | undefined;

  constructor(isOpen: () => boolean) {
    this.#isOpen = isOpen;
  }

  wait(): Promise<void> {
    if (this.#isOpen()) return READY;
    this.#opened ??= new Promise((resolve) => {
      this.#open = resolve;
    });
    return this.#opened;
  }

  /** To be called whenever it may have opened. */
  check(): void {
    if (this.#open === undefined || !this.#isOpen()) return;
    const open = this.#open;
    this.#open = undefined;
    this.#opened = undefined;
    open();
  }
}
