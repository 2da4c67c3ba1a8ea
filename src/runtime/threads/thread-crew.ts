import { exponentialBackoff } from '../../common/backoff.js';
import { type Clock, sleep } from '../../common/clock.js';
import { type Logger } from '../../common/logger.js';
import { sentenceOf } from '../listener/log-text.js';
import { type ThreadLink } from './thread.js';

// The threads of one listener: all are there before the first record, each that dies is replaced, and when they do
// nothing but die the listener is told.

/** Deaths in a row, without a finished record between them, after which no further thread is started. */
const MAX_DEATHS = 20;
/** The second thread that dies in a row is replaced after this time, then after more and more. */
const RESTART_MS = 100;
const RESTART_MAX_MS = 5_000;
/** Time for a thread to close its module. */
const CLOSE_MS = 10_000;

export interface ThreadCrewOptions {
  readonly listener: string;
  readonly count: number;
  /** Starts the thread of that number; resolves when it is ready. */
  readonly boot: (index: number) => Promise<ThreadLink>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A thread is ready. */
  readonly joined: (index: number, link: ThreadLink) => void;
  /** A thread died that nobody asked to end. */
  readonly left: (index: number, link: ThreadLink, reason: Error) => void;
  /** There will be no more threads. */
  readonly failed: (cause: unknown) => void;
}

export class ThreadCrew {
  readonly #options: ThreadCrewOptions;
  readonly #links = new Map<number, ThreadLink>();
  readonly #deaths: number[] = [];
  readonly #backoff = exponentialBackoff({ initialMs: RESTART_MS, maxMs: RESTART_MAX_MS });
  #deathsInRow = 0;
  #isRetiring = false;
  #started: Promise<void> | undefined;
  #stopping = new AbortController();
  readonly #replacing = new Set<Promise<void>>();

  constructor(options: ThreadCrewOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#links.size;
  }

  link(index: number): ThreadLink | undefined {
    return this.#links.get(index);
  }

  /** Threads that died in this place. */
  deathsAt(index: number): number {
    return this.#deaths[index] ?? 0;
  }

  /** Those that are there, by number. */
  links(): IterableIterator<[number, ThreadLink]> {
    return this.#links.entries();
  }

  /** Starts all; rejects with the first failure, and then none is left. Harmless when repeated. */
  start(): Promise<void> {
    this.#started ??= this.#startAll();
    return this.#started;
  }

  /** Lets each close its module, but those that are too busy to hear it. Harmless when repeated. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#started?.catch(() => undefined);
    await Promise.all(this.#replacing);
    const graceOf = (link: ThreadLink) => (link.board.blockedBy === undefined ? CLOSE_MS : 0);
    await Promise.all([...this.#links.values()].map((link) => link.close(graceOf(link))));
    this.#links.clear();
    this.#started = undefined;
    this.#deathsInRow = 0;
    this.#isRetiring = false;
    this.#stopping = new AbortController();
  }

  /** Whoever dies from here on until the next start is not replaced. */
  retire(): void {
    this.#isRetiring = true;
  }

  /** A record was finished: whatever died before, threads are of use. */
  progressed(): void {
    this.#deathsInRow = 0;
  }

  async #startAll(): Promise<void> {
    const { count } = this.#options;
    const results = await Promise.allSettled(Array.from({ length: count }, (_, index) => this.#boot(index)));
    const failure = results.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
    if (failure === undefined) return;
    this.#stopping.abort();
    await Promise.all([...this.#links.values()].map((link) => link.close(0)));
    this.#links.clear();
    this.#started = undefined;
    this.#stopping = new AbortController();
    throw failure.reason;
  }

  async #boot(index: number): Promise<void> {
    const stopping = this.#stopping.signal;
    const link = await this.#options.boot(index);
    this.#links.set(index, link);
    void link.ended.then((reason) => {
      if (stopping.aborted || this.#links.get(index) !== link) return;
      this.#links.delete(index);
      this.#deaths[index] = this.deathsAt(index) + 1;
      this.#options.left(index, link, reason);
      if (!this.#isRetiring) this.#replace(index);
    });
    if (!stopping.aborted) this.#options.joined(index, link);
  }

  #replace(index: number): void {
    const task = this.#replaceAfterwards(index).finally(() => this.#replacing.delete(task));
    this.#replacing.add(task);
  }

  async #replaceAfterwards(index: number): Promise<void> {
    const { clock, logger, listener, failed } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const deaths = ++this.#deathsInRow;
      if (deaths > MAX_DEATHS) {
        failed(new Error(`${MAX_DEATHS} threads died one after another, and no record was finished between`));
        return;
      }
      if (deaths > 1) await sleep(clock, this.#backoff(deaths - 1), signal);
      if (signal.aborted) return;
      try {
        await this.#boot(index);
        return;
      } catch (error) {
        logger.error(`listener '${listener}': a thread did not start: ${sentenceOf(error)} It is tried again.`, error);
      }
    }
  }
}
