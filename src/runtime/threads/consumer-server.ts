import { type Clock, every, type Timer } from '../../common/clock.js';
import { type Logger } from '../../common/logger.js';
import { type CommitOffset, type ConsumerClient } from '../client/consumer-client.js';
import { ContainerConsumer } from '../listener/container-consumer.js';
import { type ContainerEvent, ContainerEvents } from '../listener/container-events.js';
import { type ContainerSettings, containerSettings } from '../listener/container-settings.js';
import { InterceptorMeter, intercepted } from '../listener/delivery/interceptors.js';
import { admissionOf } from '../listener/delivery/rate-limit.js';
import { type ListenerEndpoint } from '../listener/listener-endpoint.js';
import { memoryBudget } from '../listener/partitions/partition-budget.js';
import { PausedPartitions } from '../listener/partitions/paused-partitions.js';
import { type ConsumerRequest, type FromConsumerThread, type ToConsumerThread } from './consumer-messages.js';
import { toPlainError } from './plain-error.js';
import { toPlainValue } from './plain-value.js';

// The thread's side of a consumer with a thread of its own: poll loop, tracker, commits and handlers are all here, the
// container beside the application supervises.

const STATUS_MS = 250;
/** Events after which somebody else has to know at once what is assigned. */
const MOVES = new Set<ContainerEvent['type']>([
  'assigned',
  'revoked',
  'lost',
  'sought',
  'paused',
  'resumed',
  'drained',
]);

export interface ConsumerServerOptions {
  readonly index: number;
  readonly endpoint: ListenerEndpoint;
  readonly settings: Partial<ContainerSettings>;
  readonly createConsumer: (index: number) => ConsumerClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly post: (message: FromConsumerThread) => void;
}

export class ConsumerServer {
  readonly #options: ConsumerServerOptions;
  readonly #pausedPartitions = new PausedPartitions();
  readonly #deadline = new AbortController();
  #consumer: ContainerConsumer | undefined;
  #isPaused = false;
  #status: Timer | undefined;
  #lastStatus = '';

  constructor(options: ConsumerServerOptions) {
    this.#options = options;
    this.#pausedPartitions.onChange = (topic, partition, isPaused) =>
      options.post({ type: 'marked', topic, partition, isPaused });
  }

  receive(message: ToConsumerThread): void {
    const consumer = this.#consumer;
    switch (message.type) {
      case 'ask':
        void this.#answer(message.request, message.body);
        break;
      case 'deadline':
        this.#deadline.abort();
        break;
      case 'resume':
        this.#isPaused = false;
        consumer?.resume();
        break;
      case 'workers':
        if (consumer) consumer.workers = message.count;
        break;
      case 'mark':
        this.#mark(message);
        break;
      case 'rebalance':
        consumer?.control.enforceRebalance();
    }
    this.#tell();
  }

  async #answer(request: number, body: ConsumerRequest): Promise<void> {
    try {
      const committed = (await this.#carryOut(body)) ?? [];
      this.#tell();
      this.#options.post({ type: 'answer', request, error: undefined, committed });
    } catch (error) {
      this.#options.post({ type: 'answer', request, error: toPlainError(error), committed: [] });
    }
  }

  /** Gives what was committed, where that was asked for. */
  async #carryOut(body: ConsumerRequest): Promise<readonly CommitOffset[] | undefined> {
    switch (body.do) {
      case 'start':
        await this.#start(body);
        break;
      case 'pause':
        this.#isPaused = true;
        await this.#consumer?.pause();
        break;
      case 'stop':
        this.#status?.cancel();
        await this.#consumer?.stop(this.#deadline.signal);
        break;
      case 'seek':
        await this.#consumer?.control.seek(body.target, body.partitions);
        break;
      case 'commit':
        return this.#consumer?.control.commit(body.targets, body.options);
      case 'look':
        this.#lastStatus = '';
    }
    return undefined;
  }

  async #start({ workers, isPaused, pausedPartitions }: Extract<ConsumerRequest, { do: 'start' }>): Promise<void> {
    const { index, endpoint, settings, createConsumer, clock, logger, post } = this.#options;
    this.#isPaused = isPaused;
    for (const { topic, partition } of pausedPartitions) this.#pausedPartitions.set(topic, partition, true);
    const events = new ContainerEvents(logger);
    events.on((event) => {
      if (MOVES.has(event.type)) this.#tell();
      post({ type: 'event', event: toPlainValue(event) });
    });
    const numbers = containerSettings(settings);
    const { recordInterceptors, batchInterceptors } = numbers;
    const meter = new InterceptorMeter(clock);
    const handler = intercepted(endpoint.handler, recordInterceptors, batchInterceptors, meter);
    this.#consumer = new ContainerConsumer({
      index,
      endpoint: { ...endpoint, handler },
      // What others hold and begin is in their threads: each gets its part.
      settings: { ...numbers, admission: admissionOf(numbers, clock, endpoint.concurrency) },
      memory: memoryBudget(numbers, endpoint.concurrency),
      workers,
      consumer: createConsumer(index),
      clock,
      logger,
      events,
      isPaused: () => this.#isPaused,
      pausedPartitions: this.#pausedPartitions,
      onFatal: (cause) => post({ type: 'fatal', error: toPlainError(cause) }),
    });
    await this.#consumer.start();
    this.#status = every(clock, STATUS_MS, () => this.#tell());
  }

  #mark({ topic, partition, isPaused }: Extract<ToConsumerThread, { type: 'mark' }>): void {
    const isHere = this.#consumer?.control.position({ topic, partition }) !== undefined;
    if (isHere && isPaused) this.#consumer!.control.pause({ topic, partition });
    else if (isHere) this.#consumer!.control.resume({ topic, partition });
    else if (isPaused) this.#pausedPartitions.set(topic, partition, true);
    else this.#pausedPartitions.delete(topic, partition);
  }

  #tell(): void {
    if (this.#consumer === undefined) return;
    const status = this.#consumer.describe();
    const text = JSON.stringify(status);
    if (text === this.#lastStatus) return;
    this.#lastStatus = text;
    this.#options.post({ type: 'status', status });
  }
}
