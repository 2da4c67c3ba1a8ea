import { type Clock } from '../../common/clock.js';
import { type Logger } from '../../common/logger.js';
import { type ConsumerRunner, type RunnerOptions } from '../listener/consumer-runner.js';
import { type ThreadDescription } from '../listener/container-description.js';
import { type ExecutorSupervisor, type HandlerExecutor } from '../listener/handler-executor.js';
import { sentenceOf } from '../listener/log-text.js';
import { RemoteConsumer } from './remote-consumer.js';
import { type ThreadLink } from './thread.js';
import { ThreadCrew } from './thread-crew.js';

// Consumers of one listener, each in a thread of its own. One whose thread dies joins the group again from a new one.

export interface ThreadConsumersOptions {
  readonly listener: string;
  readonly groupId: string;
  readonly consumers: number;
  /** Starts the thread of that number. */
  readonly boot: (index: number) => Promise<ThreadLink>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ThreadConsumers implements HandlerExecutor {
  readonly #options: ThreadConsumersOptions;
  readonly #crew: ThreadCrew;
  readonly #consumers = new Map<number, RemoteConsumer>();
  #supervisor: ExecutorSupervisor | undefined;

  constructor(options: ThreadConsumersOptions) {
    this.#options = options;
    this.#crew = new ThreadCrew({
      listener: options.listener,
      count: options.consumers,
      boot: options.boot,
      clock: options.clock,
      logger: options.logger,
      joined: (index, link) => {
        this.#consumers.get(index)?.attach(link);
        this.#supervisor?.emit({ type: 'thread-started', thread: link.name });
      },
      left: (index, link, reason) => this.#left(index, link, reason),
      failed: (cause) => this.#supervisor?.fail(cause),
    });
  }

  prepare(): Promise<void> {
    return this.#crew.start();
  }

  async start(supervisor: ExecutorSupervisor): Promise<void> {
    this.#supervisor = supervisor;
    await this.#crew.start();
  }

  createRunner(options: RunnerOptions): ConsumerRunner {
    const { listener, groupId } = this.#options;
    const consumer = new RemoteConsumer({ ...options, listener, groupId, onStopping: () => this.#crew.retire() });
    this.#consumers.set(options.index, consumer);
    options.pausedPartitions.onChange = (topic, partition, isPaused) => {
      for (const each of this.#consumers.values()) each.mark(topic, partition, isPaused);
    };
    options.events.on((event) => {
      if (event.type === 'committed') this.#crew.progressed();
    });
    const link = this.#crew.link(options.index);
    if (link) consumer.attach(link);
    return consumer;
  }

  describe(): ThreadDescription[] {
    return [...this.#crew.links()].map(([index, { name }]) => {
      const deaths = this.#crew.deathsAt(index);
      return { name, calls: undefined, busyMs: this.#consumers.get(index)?.describe().oldest?.ms, deaths };
    });
  }

  async stop(): Promise<void> {
    await this.#crew.stop();
    this.#consumers.clear();
  }

  #left(index: number, link: ThreadLink, reason: Error): void {
    const { logger, listener } = this.#options;
    logger.error(
      `listener '${listener}': ${link.name} died: ${sentenceOf(reason)} What it had not committed is delivered again.`,
      reason,
    );
    this.#supervisor?.emit({ type: 'thread-died', thread: link.name, error: reason, failed: 0, requeued: 0 });
    this.#consumers.get(index)?.detach(reason);
  }
}
