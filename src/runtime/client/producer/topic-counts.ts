import { type Backoff } from '../../../common/backoff.js';
import { type Clock, sleep } from '../../../common/clock.js';
import { messageOf, NestdawError } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { type Cluster, type PartitionInfo } from '../cluster/cluster.js';
import { AbsentTopics } from './absent-topics.js';
import { type WaitingSend, WaitingSends } from './waiting-sends.js';

// How many partitions each topic has, and the calls that wait to learn it, per topic and in order.

export interface TopicCountsOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly backoff: Backoff;
  readonly logger: Logger;
  readonly maxBlockMs: number;
  /** Whether the application itself is about to make a topic: sends wait for it. */
  readonly isExpected: (topic: string) => boolean;
}

export class TopicCounts {
  readonly #options: TopicCountsOptions;
  readonly #absent: AbsentTopics;
  readonly #known = new Map<string, readonly PartitionInfo[]>();
  readonly #waiting = new Map<string, WaitingSends>();
  readonly #stopped = new AbortController();

  constructor(options: TopicCountsOptions) {
    this.#options = options;
    this.#absent = new AbsentTopics(options);
  }

  /** Undefined when unknown, or when calls before this one still wait for it. */
  of(topic: string): number | undefined {
    return this.#known.get(topic)?.length;
  }

  /** As last heard; none when unknown. */
  partitionsOf(topic: string): readonly PartitionInfo[] {
    return this.#known.get(topic) ?? [];
  }

  /** `send.tryAgain` is called once the count is known. */
  whenKnown(topic: string, send: WaitingSend): void {
    let waiting = this.#waiting.get(topic);
    if (!waiting) {
      waiting = new WaitingSends(this.#options.clock, this.#options.maxBlockMs);
      this.#waiting.set(topic, waiting);
      void this.#learn(topic, waiting);
    }
    waiting.push(send);
  }

  /** Number of partitions, once it is known; `unknown` makes the error of a wait that was too long. */
  counted(topic: string, unknown: (problem: Error | undefined) => Error): Promise<number> {
    return new Promise((resolve, reject) => {
      this.whenKnown(topic, {
        size: 0,
        tryAgain: () => {
          const count = this.of(topic);
          if (count === undefined) return false;
          resolve(count);
          return true;
        },
        giveUp: (error, problem) => reject(error ?? unknown(problem)),
      });
    });
  }

  /** Topics that calls wait for. */
  waitingTopics(): string[] {
    return [...this.#waiting.keys()];
  }

  get isWaitedFor(): boolean {
    return this.#waiting.size > 0;
  }

  get waitingBytes(): number {
    let bytes = 0;
    for (const waiting of this.#waiting.values()) bytes += waiting.bytes;
    return bytes;
  }

  /** Asks again for every topic: partitions may have been added. A topic that is gone has to be learned anew. */
  async refresh(): Promise<void> {
    for (const topic of this.#known.keys()) {
      try {
        const partitions = await this.#options.cluster.partitionsOf(topic, { refresh: true });
        if (partitions) this.#known.set(topic, partitions);
        else this.#known.delete(topic);
      } catch (error) {
        this.#options.logger.debug?.(`producer: partitions of ${topic}: ${messageOf(error)}`);
      }
    }
  }

  async recount(topic: string): Promise<number> {
    const partitions = await this.#options.cluster.partitionsOf(topic, { refresh: true });
    if (partitions) this.#known.set(topic, partitions);
    return partitions?.length ?? 0;
  }

  /** Nobody waits any more. */
  giveUpAll(reason: Error): void {
    for (const waiting of this.#waiting.values()) waiting.giveUpAll(reason);
  }

  stop(reason: Error): void {
    this.#stopped.abort(reason);
    for (const waiting of this.#waiting.values()) waiting.giveUpAll(reason);
    this.#waiting.clear();
  }

  /** Asks until the topic is there or nobody waits any more. */
  async #learn(topic: string, waiting: WaitingSends): Promise<void> {
    const { cluster, clock, backoff, logger } = this.#options;
    const { signal } = this.#stopped;
    await Promise.resolve(); // the one who waits is pushed after this call
    for (let failures = 0; waiting.count > 0 && !signal.aborted; ) {
      try {
        const partitions = await cluster.partitionsOf(topic, { refresh: failures > 0 });
        if (partitions && partitions.length > 0) {
          this.#known.set(topic, partitions);
          break;
        }
        // At the first look it may just be being created.
        if (failures === 1) void this.#judge(topic, waiting);
      } catch (error) {
        if (error instanceof NestdawError && !error.retriable) {
          this.#waiting.delete(topic);
          waiting.giveUpAll(error);
          return;
        }
        waiting.lastError = error as Error;
        logger.debug?.(`producer: partitions of ${topic}: ${messageOf(error)}`);
      }
      await sleep(clock, backoff(++failures), signal);
    }
    if (this.#waiting.get(topic) === waiting) this.#waiting.delete(topic);
    waiting.drain();
  }

  /**
   * Gives the topic up where it cannot come; else says early that it is nearly called like one that exists. Beside the
   * loop, which may find it meanwhile; never rejects.
   */
  async #judge(topic: string, waiting: WaitingSends): Promise<void> {
    try {
      const refusal = await this.#absent.refusalOf(topic);
      const near = refusal ? undefined : await this.#absent.nearestTo(topic);
      if (this.#waiting.get(topic) !== waiting) return;
      if (refusal) {
        this.#waiting.delete(topic);
        waiting.giveUpAll(refusal);
      } else if (near !== undefined) this.#suggest(topic, near, waiting);
    } catch (error) {
      this.#options.logger.debug?.(`producer: looking for topic ${topic}: ${messageOf(error)}`);
    }
  }

  #suggest(topic: string, near: string, waiting: WaitingSends): void {
    const problem = `there is no topic ${topic}; did you mean ${near}?`;
    waiting.lastError = new NestdawError('KAFKA_DELIVERY_FAILED', problem);
    const { logger, maxBlockMs } = this.#options;
    logger.warn(`producer: ${problem} Sends wait for it, up to ${maxBlockMs} ms (max.block.ms)`);
  }
}
