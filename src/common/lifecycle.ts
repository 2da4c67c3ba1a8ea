// What starts and stops, and the few promise tools that Node 20 lacks.

/** Started in order, stopped in reverse; both are harmless when repeated. */
export interface Startable {
  start(): Promise<void>;
  /** Graceful: finishes what runs, within a deadline of its own. */
  stop(): Promise<void>;
}

/** A promise together with the functions that settle it (Promise.withResolvers comes with Node 22). */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T | PromiseLike<T>): void;
  reject(reason: unknown): void;
}

export function deferred<T = void>(): Deferred<T> {
  let resolve!: Deferred<T>['resolve'];
  let reject!: Deferred<T>['reject'];
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}

/** Callers that wait until the same thing has happened; in a later turn they may wait for the next time. */
export class Waiters {
  #resolvers: Array<() => void> = [];

  get isEmpty(): boolean {
    return this.#resolvers.length === 0;
  }

  wait(): Promise<void> {
    return new Promise((resolve) => this.#resolvers.push(resolve));
  }

  /** Lets all go who wait now. */
  release(): void {
    const resolvers = this.#resolvers;
    this.#resolvers = [];
    for (const resolve of resolvers) resolve();
  }
}

/** Clean-up steps that run last in, first out; one failing step does not keep the others from running. */
export class DisposalStack {
  readonly #steps: Array<() => unknown> = [];

  defer(step: () => unknown): void {
    this.#steps.push(step);
  }

  use<T extends { stop(): unknown }>(resource: T): T {
    this.defer(() => resource.stop());
    return resource;
  }

  /** Runs every step once; throws the first error (an AggregateError when several failed) after the last step. */
  async dispose(): Promise<void> {
    const errors: unknown[] = [];
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
    throwAny(errors, 'several clean-up steps failed');
  }
}

/** Runs asynchronous tasks one after another, in the order in which they were given. */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(task: () => T | Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Settles when everything given so far has run. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}

/** Does something to each, all at the same time; rejects after the last one has settled, when any failed. */
export async function settleAll<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(items.map(action));
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  throwAny(errors, `${errors.length} of ${items.length} failed`);
}

/** Throws the only one of them, or all of several as an AggregateError with this message. */
export function throwAny(errors: readonly unknown[], message: string): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, message);
}
