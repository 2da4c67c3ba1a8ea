import { setMaxListeners } from 'node:events';
import { type Clock, type Timer } from '../../common/clock.js';
import { NestdawError } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type SeekTarget } from '../../common/seek-target.js';
import { type TopicPartition } from '../../common/topic-partition.js';
import { type CommitOffset, type ConsumerClient, refusalIn } from '../client/consumer-client.js';
import { type MemoryBudget } from '../dispatch/memory-budget.js';
import { type ConsumerRunner, type RunnerOptions } from './consumer-runner.js';
import { ConsumerSet } from './consumer-set.js';
import { ContainerConsumer } from './container-consumer.js';
import { type ContainerDescription, describeContainer } from './container-description.js';
import { type ContainerEventListener, ContainerEvents } from './container-events.js';
import { validateContainer } from './container-rules.js';
import { type ContainerSettings, containerSettings } from './container-settings.js';
import { type ContainerState, transition } from './container-state.js';
import { type InterceptorFigures, InterceptorMeter, intercepted } from './delivery/interceptors.js';
import { admissionOf } from './delivery/rate-limit.js';
import { restartAfter } from './failures/restart-rule.js';
import { retryListenerSink } from './failures/retry-listener.js';
import { stopReason } from './failures/stop-reason.js';
import { type CommitOptions, type CommitTarget, type ListenerConsumer } from './listener-consumer.js';
import { type ListenerEndpoint } from './listener-endpoint.js';
import { sentenceOf } from './log-text.js';
import { memoryBudget } from './partitions/partition-budget.js';
import { coordinates } from './partitions/partition-table.js';
import { PausedPartitions } from './partitions/paused-partitions.js';

// A supervised listener: `concurrency` consumers of one group that run the endpoint's handler, with one state.

export interface ListenerContainerOptions {
  readonly endpoint: ListenerEndpoint;
  /** A new consumer for place `index` (from 0); called again at each start. */
  readonly createConsumer: (index: number) => ConsumerClient;
  /** Awaited at each start, before anything is opened; what it throws is why the container does not start. */
  readonly beforeStart?: () => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Each with a default, see `ContainerSettings`. */
  readonly settings?: Partial<ContainerSettings>;
}

export class ListenerContainer {
  readonly endpoint: ListenerEndpoint;
  readonly #options: ListenerContainerOptions;
  readonly #settings: ContainerSettings;
  readonly #events: ContainerEvents;
  readonly #handler: ListenerEndpoint['handler'];
  readonly #meter: InterceptorMeter;
  #state: ContainerState = 'initialized';
  #consumers: ConsumerSet;
  /** The pause that was asked for last; undefined: none, or it was ended. */
  #pauseAsked: symbol | undefined;
  #workers: number;
  #isPaused = false;
  /** Its last start, or its run, ended with a refusal by the cluster, and it tries again. */
  #wasRefused = false;
  /** It failed, and will try again. */
  #restart: Timer | undefined;
  /** The last word was start, not stop. */
  #isWanted = false;
  readonly #pausedPartitions = new PausedPartitions();
  readonly #memory: MemoryBudget;
  #failure: unknown;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ListenerContainerOptions) {
    this.#options = options;
    this.endpoint = options.endpoint;
    this.#consumers = new ConsumerSet(this.id);
    const settings = containerSettings(options.settings);
    validateContainer(options.endpoint, settings);
    const { recordInterceptors, batchInterceptors, retryListeners } = settings;
    this.#settings = { ...settings, admission: admissionOf(settings, options.clock) };
    this.#memory = memoryBudget(settings);
    this.#meter = new InterceptorMeter(options.clock);
    this.#handler = intercepted(options.endpoint.handler, recordInterceptors, batchInterceptors, this.#meter);
    this.#events = new ContainerEvents(options.logger);
    for (const listener of retryListeners) this.#events.on(retryListenerSink(listener));
    this.#workers = options.endpoint.workers ?? 1;
  }

  get id(): string {
    return this.endpoint.id;
  }

  get state(): ContainerState {
    return this.#state;
  }

  /** What ended the container, in the state `failed`. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Calls `listener` for every event; the returned function ends that. */
  onEvent(listener: ContainerEventListener): () => void {
    return this.#events.on(listener);
  }

  /** Opens the consumers; resolves when each has its first assignment. Harmless when it runs already. */
  async start(): Promise<void> {
    if (this.#isRunning) return;
    // A start that was stopped may take a while to notice: this one comes after it.
    if (this.#starting && this.#isWanted) return this.#starting;
    const before = Promise.allSettled([this.#starting, this.#stopping]);
    this.#isWanted = true;
    this.#restart?.cancel();
    const starting = this.#startAfter(before);
    this.#starting = starting;
    try {
      await starting;
    } finally {
      if (this.#starting === starting) this.#starting = undefined;
    }
  }

  async #startAfter(before: Promise<unknown>): Promise<void> {
    await before;
    if (!this.#isWanted) {
      throw new NestdawError('KAFKA_STOPPED', `listener '${this.id}' was stopped before it started`);
    }
    if (!this.#isRunning) await this.#start();
  }

  /** Starts nothing new, waits for running handlers, commits, leaves the group. Harmless when repeated. */
  async stop(): Promise<void> {
    // A start that still waits for an earlier stop, or for its turn, must not come after this one.
    this.#isWanted = false;
    this.#restart?.cancel();
    if (this.#state === 'initialized' || this.#state === 'stopped') {
      // It may have been made ready without a start.
      await this.endpoint.executor?.stop();
      return;
    }
    if (this.#state === 'failed' && !this.#stopping) {
      this.#become('stopped');
      return;
    }
    await this.#stop(undefined);
  }

  /**
   * Starts no further record; membership, running handlers and what is queued stay. Survives rebalances. With
   * `pauseImmediate` false what was polled is handled first, and the event `paused` comes then.
   */
  pause(): void {
    const asked = Symbol('pause');
    this.#pauseAsked = asked;
    this.#isPaused = true;
    const taken = Promise.all(this.#consumers.list.map((consumer) => consumer.pause()));
    if (this.#state === 'running') this.#become('paused');
    const tell = (): void => this.#events.emit({ type: 'paused', by: 'user', partitions: this.#consumers.assigned() });
    if (this.#settings.pauseImmediate) tell();
    else void taken.then(() => this.#pauseAsked === asked && this.#isUp && tell());
  }

  /** Goes on after `pause`, and runs failed records again whose partitions were paused for them. */
  resume(): void {
    this.#isPaused = false;
    this.#pauseAsked = undefined;
    for (const consumer of this.#consumers.list) consumer.resume();
    if (this.#state === 'paused') this.#become('running');
    this.#events.emit({ type: 'resumed', partitions: this.#consumers.assigned() });
  }

  /** Starts no further record of some partitions until `resumePartitions`, wherever they are assigned. */
  pausePartitions(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#pausedPartitions.set(topic, partition, true);
    const elsewhere = this.#consumers.foreign(partitions);
    for (const [{ control }, mine] of this.#consumers.shares(partitions)) control.pause(mine);
    if (elsewhere.length > 0) this.#events.emit({ type: 'paused', by: 'user', partitions: coordinates(elsewhere) });
  }

  /** Goes on with partitions that were paused one by one. */
  resumePartitions(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#pausedPartitions.delete(topic, partition);
    const elsewhere = this.#consumers.foreign(partitions);
    for (const [{ control }, mine] of this.#consumers.shares(partitions)) control.resume(mine);
    if (elsewhere.length > 0) this.#events.emit({ type: 'resumed', partitions: coordinates(elsewhere) });
  }

  /** Partitions paused one by one, assigned here or not. */
  get pausedPartitions(): readonly TopicPartition[] {
    return [...this.#pausedPartitions.entries()].map(([tp]) => tp);
  }

  /**
   * Moves partitions to another position, all that are assigned here by default; resolves when it is in force. Of
   * partitions that are assigned elsewhere other processes have to be asked: naming one rejects with
   * KAFKA_REBALANCED, and nothing moves.
   */
  async seek(target: SeekTarget, partitions?: TopicPartition | readonly TopicPartition[]): Promise<void> {
    if (!this.#isUp) {
      throw new NestdawError(
        'KAFKA_STOPPED',
        `listener '${this.id}' is ${this.#state}, it has no position to move: start it first`,
      );
    }
    const given = partitions === undefined ? this.#consumers.assigned() : partitions;
    const named = 'topic' in given ? [given] : given;
    const moved = this.#consumers.owners(named, 'seek', this.#state);
    await Promise.all(moved.map(([consumer, mine]) => consumer.control.seek(target, mine)));
  }

  /**
   * Commits what is finished by now, or what is named, where it is assigned here; see `ListenerConsumer.commit`. Of
   * partitions that are assigned elsewhere other processes have to be asked: naming one rejects with KAFKA_REBALANCED,
   * and nothing is committed.
   */
  async commit(
    which?: CommitTarget | readonly CommitTarget[],
    options?: CommitOptions,
  ): Promise<readonly CommitOffset[]> {
    if (which === undefined) {
      return (await Promise.all(this.#consumers.list.map((consumer) => consumer.control.commit()))).flat();
    }
    const owned = this.#consumers.owners('topic' in which ? [which] : which, 'commit', this.#state);
    return (await Promise.all(owned.map(([consumer, mine]) => consumer.control.commit(mine, options)))).flat();
  }

  /** Makes the group rebalance, as after a change that its assignor should see. */
  enforceRebalance(): void {
    // Only the leader's wish moves a group, and any of them may be the leader.
    for (const consumer of this.#consumers.list) consumer.control.enforceRebalance();
  }

  /** The consumers of the running container, each with its partitions; none while it is stopped. */
  get consumers(): readonly ListenerConsumer[] {
    return this.#isUp ? this.#consumers.list.map(({ control }) => control) : [];
  }

  /** Partitions that its consumers have right now. */
  assignment(): readonly TopicPartition[] {
    return this.#consumers.assigned();
  }

  /** Handlers that run at once in each consumer's pool. May change while records run, without a rebalance. */
  get workers(): number {
    return this.#workers;
  }

  set workers(count: number) {
    if (this.endpoint.workers === undefined) {
      throw new NestdawError(
        'KAFKA_CONFIG_INVALID',
        `listener '${this.id}' has no worker pool: give it \`workers\` when it is declared`,
      );
    }
    if (!Number.isInteger(count) || count < 1) {
      throw new NestdawError(
        'KAFKA_CONFIG_INVALID',
        `listener '${this.id}': workers is ${count}: give a whole number of at least 1`,
      );
    }
    this.#workers = count;
    for (const consumer of this.#consumers.list) consumer.workers = count;
  }

  /** What its interceptors have cost since it was made; not counted where handlers run in threads. */
  get interceptors(): InterceptorFigures {
    return this.#meter.figures;
  }

  /** What it does right now: state, partitions with positions, what runs and waits, counters. */
  describe(): ContainerDescription {
    return describeContainer(this, this.#consumers.list);
  }

  async #start(): Promise<void> {
    const { endpoint, beforeStart } = this.#options;
    this.#become('starting');
    this.#failure = undefined;
    this.#events.emit({ type: 'starting', consumers: endpoint.concurrency });
    try {
      this.#consumers = new ConsumerSet(this.id);
      await beforeStart?.();
      if (this.#state !== 'starting') return;
      await endpoint.executor?.start({
        emit: (event) => this.#events.emit(event),
        fail: (cause) => this.#fail(cause),
      });
      if (this.#state !== 'starting') return;
      const runners = Array.from({ length: endpoint.concurrency }, (_, index) => this.#createRunner(index));
      this.#consumers = new ConsumerSet(this.id, runners);
      await Promise.all(this.#consumers.list.map((consumer) => consumer.start()));
    } catch (error) {
      // Stopped meanwhile: that is why a consumer did not start.
      if (this.#state === 'starting') {
        this.#events.emit({ type: 'start-failed', error });
        await this.#stop({ cause: error });
      }
      throw error;
    }
    if (this.#state !== 'starting') return;
    this.#become(this.#isPaused ? 'paused' : 'running');
    this.#events.emit({ type: 'started', consumers: this.#consumers.list.length });
    if (this.#wasRefused) this.#events.emit({ type: 'auth-retry-successful' });
    this.#wasRefused = false;
    this.#warnOfIdle();
  }

  /** A partition has one consumer of a group: more of them than partitions only cost connections. */
  #warnOfIdle(): void {
    const { concurrency, workers } = this.endpoint;
    const partitions = this.#consumers.assigned().length;
    if (concurrency <= Math.max(1, partitions)) return;
    const advice = workers === undefined ? 'give it workers instead, which share partitions' : 'lower concurrency';
    this.#options.logger.warn(
      `listener '${this.id}' has ${concurrency} consumers and ${partitions} partition(s): ` +
        `${concurrency - partitions} of them have nothing to read; ${advice}`,
    );
  }

  #createRunner(index: number): ConsumerRunner {
    const { endpoint, createConsumer, clock, logger } = this.#options;
    const options: RunnerOptions = {
      index,
      settings: this.#settings,
      workers: this.#workers,
      clock,
      logger,
      events: this.#events,
      isPaused: () => this.#isPaused,
      pausedPartitions: this.#pausedPartitions,
      memory: this.#memory,
      onFatal: (cause) => this.#fail(cause),
    };
    if (endpoint.executor?.createRunner) return endpoint.executor.createRunner(options);
    const consumer = createConsumer(index);
    return new ContainerConsumer({ ...options, endpoint: { ...endpoint, handler: this.#handler }, consumer });
  }

  /** Something ended a consumer, or an error handler decided so: all stop, so that the state tells the truth. */
  #fail(cause: unknown): void {
    this.#options.logger.error(`listener '${this.id}' stops: ${sentenceOf(cause)}`, cause);
    if (this.#isUp) void this.#stop({ cause });
  }

  #stop(failure: { readonly cause: unknown } | undefined): Promise<void> {
    this.#stopping ??= this.#stopAll(failure).finally(() => {
      this.#stopping = undefined;
    });
    return this.#stopping;
  }

  async #stopAll(failure: { readonly cause: unknown } | undefined): Promise<void> {
    const { clock } = this.#options;
    const hadStarted = this.#state !== 'starting';
    this.#become('stopping');
    this.#events.emit({ type: 'stopping' });
    const deadline = new AbortController();
    // Each consumer listens to it, more than once: as many as there are is no leak that Node would have to warn of.
    setMaxListeners(Number.POSITIVE_INFINITY, deadline.signal);
    const timer = clock.schedule(this.#settings.shutdownTimeoutMs, () => deadline.abort(), { keepAlive: true });
    await Promise.all(this.#consumers.list.map((consumer) => consumer.stop(deadline.signal)));
    timer.cancel();
    await this.endpoint.executor?.stop();
    if (failure) this.#failure = failure.cause;
    this.#become(failure ? 'failed' : 'stopped');
    this.#events.emit({ type: 'stopped', reason: stopReason(failure), cause: failure?.cause });
    if (failure) this.#tryAgain(failure.cause, hadStarted);
  }

  #tryAgain(cause: unknown, hadStarted: boolean): void {
    const { clock, logger } = this.#options;
    const afterMs = restartAfter(cause, hadStarted, this.#settings);
    if (afterMs === undefined || !this.#isWanted) return;
    logger.warn(`listener '${this.id}' starts again in ${afterMs} ms`);
    const reason = refusalIn(cause);
    this.#wasRefused = reason !== undefined;
    if (reason !== undefined) this.#events.emit({ type: 'auth-retry', reason, error: cause, afterMs });
    // What it fails of is logged there, and tried again in the same way.
    this.#restart = clock.schedule(afterMs, () => void this.start().catch(() => undefined), { keepAlive: true });
  }

  get #isRunning(): boolean {
    return this.#state === 'running' || this.#state === 'paused';
  }

  /** There are consumers that can be spoken to. */
  get #isUp(): boolean {
    return this.#state === 'starting' || this.#isRunning;
  }

  #become(state: ContainerState): void {
    this.#state = transition(this.#state, state);
  }
}
