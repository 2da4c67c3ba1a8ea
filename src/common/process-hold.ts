// Whether open connections keep the process alive. While an application starts they do not, unless something is asked
// over them: nobody is told of a start that fails, and what it has opened must not keep a process that is done.

/** A socket, as far as the process waits for it. */
export interface Holding {
  ref(): unknown;
  unref(): unknown;
}

export class ProcessHold {
  readonly #waiting = new Set<Holding>();
  #isOn = false;

  /** Whether what is open counts, idle or not. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /** From here on all of it counts. */
  hold(): void {
    this.#isOn = true;
    for (const one of this.#waiting) one.ref();
    this.#waiting.clear();
  }

  /** One that is open and idle. */
  add(one: Holding): void {
    if (this.#isOn) return;
    this.#waiting.add(one);
    one.unref();
  }

  /** One that is in use, or is gone. */
  remove(one: Holding): void {
    if (this.#waiting.delete(one)) one.ref();
  }
}
