import { every, type Timer } from '../../common/clock.js';
import { hasCode } from '../../common/errors.js';
import { type ConsumerClient } from '../client/consumer-client.js';
import { describeConsumer } from './consumer-description.js';
import { ConsumerParts } from './consumer-parts.js';
import { type ConsumerRunner, type RunnerOptions } from './consumer-runner.js';
import { type ContainerCounters, countRebalance, newCounters } from './container-counters.js';
import { type ConsumerDescription } from './container-description.js';
import { type Delivery } from './delivery/delivery.js';
import { type ListenerConsumer } from './listener-consumer.js';
import { type ListenerEndpoint } from './listener-endpoint.js';
import { sentenceOf } from './log-text.js';
import { type PartitionState } from './partitions/partition-state.js';
import { PollLoop } from './poll-loop.js';
import { lagOf } from './watches/lag-watch.js';

// One consumer of a container, and its life: it joins, polls, and stops in the order in which nothing is lost.

export interface ContainerConsumerOptions extends RunnerOptions {
  readonly endpoint: ListenerEndpoint;
  readonly consumer: ConsumerClient;
}

export class ContainerConsumer implements ConsumerRunner {
  readonly counters: ContainerCounters = newCounters();
  readonly #options: ContainerConsumerOptions;
  readonly #parts: ConsumerParts;
  readonly #pollLoop: PollLoop;
  readonly #stopped = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #commitTimer: Timer | undefined;
  /** A pause that waits for what was polled. */
  #pausing: AbortController | undefined;

  constructor(options: ContainerConsumerOptions) {
    this.#options = options;
    const { consumer, events, index } = options;
    const { counters } = this;
    const leaveGroup = (reason: string) => this.#leaveGroup(reason);
    const given = { ...options, counters, stopped: this.#stopped.signal, leaveGroup };
    this.#parts = new ConsumerParts(given);
    this.#pollLoop = new PollLoop(given, this.#parts);
    consumer.onEvent((event) => {
      events.emit({ type: 'client', consumer: index, event });
      if (event.type === 'rebalanced') countRebalance(counters, event);
      if (event.type === 'offset-reset' && event.from !== null && event.to < event.from) this.#wentBack(event);
    });
  }

  /**
   * The log does not reach to where we stood (its topic was made anew, say): what comes now has lower offsets, and none
   * of it was received before.
   */
  #wentBack({
    topic,
    partition,
    to,
  }: {
    readonly topic: string;
    readonly partition: number;
    readonly to: number;
  }): void {
    this.#parts.control.seek(to, { topic, partition }).catch((error: unknown) => {
      // Taken away meanwhile: its next owner finds the same.
      if (!hasCode(error, 'KAFKA_REBALANCED')) this.#options.onFatal(error);
    });
  }

  /** Joins the group; resolves after the first assignment. */
  async start(): Promise<void> {
    const { consumer, clock } = this.#options;
    const spans = this.#parts.transactions?.spans;
    spans?.start();
    await consumer.start(spans?.watching(this.#parts.rebalance) ?? this.#parts.rebalance);
    if (this.#stopped.signal.aborted) return;
    if (this.#parts.policy.periodMs !== undefined) {
      this.#commitTimer = every(clock, this.#parts.policy.periodMs, () => this.#parts.progress.tick());
    }
    this.#parts.idle.start();
    this.#parts.lag.start();
    this.#parts.loopWatch.start();
    this.#parts.steering?.start();
    this.#loop = this.#pollLoop.run();
  }

  /** What user code may ask of this consumer and tell it. */
  get control(): ListenerConsumer {
    return this.#parts.control;
  }

  /** Starts nothing new, waits for running handlers up to the deadline, commits, leaves the group. */
  async stop(deadline: AbortSignal): Promise<void> {
    const { consumer, logger, endpoint } = this.#options;
    // What is committed already is handled yet, as far as there is time.
    if (!this.#parts.policy.isFirst) this.#parts.dispatcher.paused = true;
    this.#stopped.abort();
    this.#pausing?.abort();
    this.#commitTimer?.cancel();
    this.#parts.idle.stop();
    this.#parts.lag.stop();
    this.#parts.loopWatch.stop();
    this.#parts.steering?.stop();
    this.#parts.committer.endBy(deadline);
    this.#parts.transactions?.spans.endBy(deadline);
    await this.#parts.rebalance.leave(deadline);
    this.#parts.runner.close();
    await this.#loop;
    // A failed commit is logged by the committer; its records are delivered again.
    await this.#parts.committer.commitNow().catch(() => undefined);
    try {
      await consumer.stop();
    } catch (error) {
      logger.error(
        `listener '${endpoint.id}': leaving the group failed: ${sentenceOf(error)} It times out there.`,
        error,
      );
    }
    for (const state of this.#parts.partitions.list()) this.#parts.partitions.drop(state);
    this.#parts.committer.close();
    this.#parts.failures.close();
    await this.#parts.transactions?.spans.close();
    this.#parts.watchdog.stop();
  }

  pause(): Promise<void> {
    const { consumer, settings } = this.#options;
    if (this.#stopped.signal.aborted) return Promise.resolve();
    consumer.pause(consumer.assignment(), 'user');
    if (!settings.pauseImmediate) return this.#pauseWhenHandled();
    this.#parts.dispatcher.paused = true;
    return Promise.resolve();
  }

  async #pauseWhenHandled(): Promise<void> {
    const { runner, dispatcher } = this.#parts;
    this.#pausing?.abort();
    const pausing = new AbortController();
    this.#pausing = pausing;
    await runner.drained(() => dispatcher.isIdle, pausing.signal);
    if (!pausing.signal.aborted) dispatcher.paused = true;
  }

  /** Goes on, and runs again what had failed for good. */
  resume(): void {
    if (this.#stopped.signal.aborted) return;
    for (const state of this.#parts.partitions.values()) this.#parts.failures.unpark(state);
    this.#pausing?.abort();
    this.#parts.dispatcher.paused = false;
    this.#options.consumer.resume(this.#options.consumer.assignment(), 'user');
    this.#parts.runner.wake();
  }

  describe(): ConsumerDescription {
    return describeConsumer(this, this.#options.index, this.#options.clock);
  }

  get workers(): number {
    return this.#parts.dispatcher.workers;
  }

  set workers(count: number) {
    this.#parts.dispatcher.workers = count;
    this.#parts.budget.workers = count;
    this.#parts.runner.wake();
  }

  get clientId(): string | undefined {
    return this.#options.consumer.clientId;
  }

  get running(): number {
    return this.#parts.dispatcher.running;
  }

  get oldestInFlight(): Delivery | undefined {
    return this.#parts.inFlight.oldest;
  }

  lagOf(state: PartitionState): number {
    return lagOf(state, this.#options.consumer);
  }

  partitions(): PartitionState[] {
    return this.#parts.partitions.list();
  }

  /** Others take over until what runs here has ended; what is finished is committed before. */
  #leaveGroup(reason: string): boolean {
    const { consumer } = this.#options;
    if (!consumer.leaveUntil || this.#stopped.signal.aborted) return false;
    // A stop ends the member itself, and with it this waiting.
    const unending = new AbortController().signal;
    const ended = () => this.#parts.runner.drained(() => this.#parts.dispatcher.running === 0, unending);
    return consumer.leaveUntil(reason, async () => {
      await this.#parts.committer.commitNow().catch(() => undefined);
      return ended;
    });
  }
}
