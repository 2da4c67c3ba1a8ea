import { every, type Timer } from '../../common/clock.js';
import { NestdawError } from '../../common/errors.js';
import { type CommitOffset } from '../client/consumer-client.js';
import { type ConsumerRunner, type RunnerOptions } from '../listener/consumer-runner.js';
import { newCounters } from '../listener/container-counters.js';
import { type ConsumerDescription } from '../listener/container-description.js';
import { type ContainerEvent } from '../listener/container-events.js';
import { type ListenerConsumer } from '../listener/listener-consumer.js';
import { sentenceOf } from '../listener/log-text.js';
import { type ConsumerRequest, type FromConsumerThread, type ToConsumerThread } from './consumer-messages.js';
import { PendingRequests } from './pending-requests.js';
import { fromPlainError } from './plain-error.js';
import { fromPlainValue } from './plain-value.js';
import { RemoteControl } from './remote-control.js';
import { type ThreadLink } from './thread.js';

// A consumer in a thread of its own, as its container knows it: what it told last, and the way to tell it something.

/** A thread that says nothing for this long after the deadline of a stop is ended. */
const STOP_GRACE_MS = 2_000;

export interface RemoteConsumerOptions extends RunnerOptions {
  readonly listener: string;
  readonly groupId: string;
  /** The consumer stops: its thread is needed no more. */
  readonly onStopping: () => void;
}

export class RemoteConsumer implements ConsumerRunner {
  readonly control: ListenerConsumer;
  readonly #options: RemoteConsumerOptions;
  readonly #requests = new PendingRequests<readonly CommitOffset[]>();
  #link: ThreadLink | undefined;
  #status: ConsumerDescription;
  #workers: number;
  #isStopping = false;
  #hasStarted = false;
  #watch: Timer | undefined;
  #isLookedAt = false;

  constructor(options: RemoteConsumerOptions) {
    this.#options = options;
    this.#workers = options.workers;
    this.#status = nothing(options);
    this.control = new RemoteControl({
      listener: options.listener,
      groupId: options.groupId,
      index: options.index,
      status: () => this.#status,
      pausedPartitions: options.pausedPartitions,
      ask: (body) => this.#ask(body),
      post: (message) => this.#link?.post(message),
    });
  }

  /** The thread is there: the first one, or another in place of one that died. */
  attach(link: ThreadLink): void {
    this.#link = link;
    link.onMessage((message) => {
      if (this.#link === link) this.#hear(message as FromConsumerThread);
    });
    if (this.#hasStarted && !this.#isStopping) {
      this.#start().catch((error: unknown) => {
        if (this.#link === link) this.#options.onFatal(error);
      });
    }
  }

  /** The thread has died: what it had is lost, and comes back with the next assignment. */
  detach(reason: Error): void {
    const { events, index } = this.#options;
    this.#link = undefined;
    const lost = this.control.assignment();
    this.#status = { ...nothing(this.#options), counters: this.#status.counters };
    this.#requests.rejectAll(reason);
    if (lost.length > 0) events.emit({ type: 'lost', consumer: index, partitions: lost });
  }

  async start(): Promise<void> {
    this.#hasStarted = true;
    await this.#start();
    const { clock, settings } = this.#options;
    this.#watch = every(clock, settings.maxPollIntervalMs, () => this.#look());
  }

  async stop(deadline: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    this.#isStopping = true;
    this.#options.onStopping();
    this.#watch?.cancel();
    const link = this.#link;
    if (link === undefined) return;
    let kill: Timer | undefined;
    const hurry = (): void => {
      link.post({ type: 'deadline' });
      kill = clock.schedule(STOP_GRACE_MS, () => link.kill(), { keepAlive: true });
    };
    if (deadline.aborted) hurry();
    else deadline.addEventListener('abort', hurry, { once: true });
    await this.#ask({ do: 'stop' }).catch((error: unknown) => this.#failedTo('stop', error));
    deadline.removeEventListener('abort', hurry);
    kill?.cancel();
    this.#status = { ...this.#status, running: 0, oldest: undefined, partitions: [] };
  }

  pause(): Promise<void> {
    if (this.#link === undefined) return Promise.resolve();
    // A thread that dies meanwhile has nothing any more, and the one in its place begins paused.
    return this.#ask({ do: 'pause' }).then(nothingMore, nothingMore);
  }

  resume(): void {
    this.#link?.post({ type: 'resume' });
  }

  set workers(count: number) {
    this.#workers = count;
    this.#link?.post({ type: 'workers', count });
  }

  describe(): ConsumerDescription {
    return this.#status;
  }

  /** Somebody paused or resumed a partition, here or in another thread. */
  mark(topic: string, partition: number, isPaused: boolean): void {
    this.#link?.post({ type: 'mark', topic, partition, isPaused });
  }

  async #start(): Promise<void> {
    const { isPaused, pausedPartitions } = this.#options;
    const paused = [...pausedPartitions.entries()].map(([tp]) => tp);
    await this.#ask({ do: 'start', workers: this.#workers, isPaused: isPaused(), pausedPartitions: paused });
  }

  /** An event loop that has not turned for max.poll.interval.ms will not turn again: its partitions are long gone. */
  #look(): void {
    const { settings, logger, listener } = this.#options;
    const link = this.#link;
    if (link === undefined || this.#isStopping) return;
    if (this.#isLookedAt) {
      const ms = settings.maxPollIntervalMs;
      const what = `listener '${listener}': ${link.name} has been busy for ${ms} ms (max.poll.interval.ms) without a turn`;
      if (settings.slowHandler === 'warn') logger.error(`${what}; nothing of it is read or committed meanwhile.`);
      else {
        logger.error(`${what}: a handler never lets go. The thread is killed, its records are delivered again.`);
        link.kill();
      }
      return;
    }
    this.#isLookedAt = true;
    void this.#ask({ do: 'look' })
      .catch(() => undefined)
      .finally(() => {
        this.#isLookedAt = false;
      });
  }

  #ask(body: ConsumerRequest): Promise<readonly CommitOffset[]> {
    const { listener, index } = this.#options;
    const link = this.#link;
    if (link === undefined) {
      const message = `the thread of consumer ${index} of listener '${listener}' is being replaced: try again`;
      return Promise.reject(new NestdawError('KAFKA_THREAD_DIED', message, { retriable: true }));
    }
    return this.#requests.open((request) => link.post({ type: 'ask', request, body } satisfies ToConsumerThread));
  }

  #hear(message: FromConsumerThread): void {
    const { events, onFatal, pausedPartitions } = this.#options;
    switch (message.type) {
      case 'answer':
        this.#requests.settle(message.request, message.error, message.committed);
        break;
      case 'status':
        this.#status = message.status;
        break;
      case 'event':
        events.emit(fromPlainValue(message.event) as ContainerEvent);
        break;
      case 'marked':
        if (message.isPaused) pausedPartitions.set(message.topic, message.partition, true);
        else pausedPartitions.delete(message.topic, message.partition);
        break;
      case 'fatal':
        onFatal(fromPlainError(message.error));
    }
  }

  #failedTo(what: string, error: unknown): void {
    const { logger, listener, index } = this.#options;
    logger.error(
      `listener '${listener}': consumer ${index} did not ${what} in its thread: ${sentenceOf(error)}`,
      error,
    );
  }
}

function nothingMore(): void {}

function nothing({ index, workers }: RemoteConsumerOptions): ConsumerDescription {
  const counters = newCounters();
  return { index, clientId: undefined, workers, running: 0, oldest: undefined, partitions: [], counters };
}
