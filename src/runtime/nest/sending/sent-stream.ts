/* oxlint-disable unicorn/no-thenable -- to be awaited is what the stream is for */
import { type SendPlan } from './send-plan.js';

// What a producing generator gives its caller: a stream that sends while it is read. Like any generator it does nothing
// before somebody reads it, by `await` or by `for await`.

/** Values taken from the source that are not acknowledged yet, at most. */
const AHEAD = 1_000;

interface Taken {
  readonly value: unknown;
  readonly sent: Promise<unknown>;
}

export class SentStream implements AsyncIterable<unknown>, PromiseLike<number> {
  readonly #plan: SendPlan;
  readonly #source: AsyncIterable<unknown>;
  #all: Promise<number> | undefined;

  constructor(plan: SendPlan, source: AsyncIterable<unknown>) {
    this.#plan = plan;
    this.#source = source;
  }

  /** Sends everything with back-pressure; resolves with the count when all is acknowledged. */
  // biome-ignore lint/suspicious/noThenProperty: to be awaited is what it is for
  then<A = number, B = never>(
    onDone?: ((count: number) => A | PromiseLike<A>) | null,
    onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#all ??= this.#plan.template.sendAll(this.#records()).then(({ count }) => count);
    return this.#all.then(onDone, onFailed);
  }

  async *#records() {
    for await (const value of this.#source) if (value !== undefined) yield this.#plan.recordOf(value);
  }

  /** Each value once it is acknowledged; the source is read ahead. The first failure ends it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    const source = this.#source[Symbol.asyncIterator]();
    const taken: Taken[] = [];
    let next: Promise<IteratorResult<unknown>> | undefined;
    let isDone = false;
    try {
      while (!isDone || taken.length > 0) {
        if (!isDone && taken.length < AHEAD) next ??= source.next();
        const head = taken[0];
        const first = await Promise.race([
          ...(next ? [next.then((result) => ({ result }))] : []),
          ...(head ? [head.sent.then(() => ({ result: undefined }))] : []),
        ]);
        if (first.result === undefined) {
          taken.shift();
          yield head!.value;
          continue;
        }
        next = undefined;
        isDone = first.result.done === true;
        if (!isDone && first.result.value !== undefined) taken.push(await this.#send(first.result.value));
      }
    } finally {
      if (!isDone) await source.return?.();
    }
  }

  async #send(value: unknown): Promise<Taken> {
    const { template } = this.#plan;
    if (!template.isReady) await template.ready();
    const sent = template.send(this.#plan.recordOf(value));
    return { value, sent };
  }
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
