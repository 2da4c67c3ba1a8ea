import { every, nextTurn, sleep, type Timer } from '../../common/clock.js';
import { hasCode } from '../../common/errors.js';
import { type ConsumerClient, type PartitionRecords } from '../client/consumer-client.js';
import { CommitPolicy } from '../dispatch/commit-policy.js';
import { KeyDispatcher } from '../dispatch/key-dispatcher.js';
import { CommitFirst } from './commit-first.js';
import { Committer } from './committer.js';
import { describeConsumer } from './consumer-description.js';
import { ConsumerInterceptors } from './consumer-interceptors.js';
import { type ConsumerRunner, type RunnerOptions } from './consumer-runner.js';
import { type ContainerCounters, countRebalance, newCounters } from './container-counters.js';
import { type ConsumerDescription } from './container-description.js';
import { type Delivery } from './delivery.js';
import { DeliveryRunner } from './delivery-runner.js';
import { FailureDesk } from './failure-desk.js';
import { IdleWatch } from './idle-watch.js';
import { InFlightTable } from './in-flight-table.js';
import { LagWatch, lagOf } from './lag-watch.js';
import { type ListenerConsumer } from './listener-consumer.js';
import { type ListenerEndpoint } from './listener-endpoint.js';
import { sentenceOf } from './log-text.js';
import { LoopWatch } from './loop-watch.js';
import { failedWhenInterrupted, onlyOnce } from './only-once.js';
import { Overflow } from './overflow.js';
import { OwnerQueue } from './owner-queue.js';
import { PartitionBudget } from './partition-budget.js';
import { PartitionControl } from './partition-control.js';
import { PartitionOpener } from './partition-opener.js';
import { type PartitionState } from './partition-state.js';
import { PartitionTable } from './partition-table.js';
import { type PoolSteering, steeringOf } from './pool-steering.js';
import { Progress } from './progress.js';
import { RebalanceCallbacks } from './rebalance-callbacks.js';
import { RebalanceHandler } from './rebalance-handler.js';
import { RecordIntake } from './record-intake.js';
import { SlowRecords } from './slow-records.js';
import { type SpanParts, spanParts } from './span-parts.js';
import { Watchdog } from './watchdog.js';

// One consumer of a container, assembled: poll loop → dispatcher → runner → tracker → committer. The two models differ
// in two places only. With a pool the loop polls on while handlers run; without one there is a single worker, lanes are
// partitions, and the loop polls again when everything that can be handled is handled and its commit is done.

const CORRUPT_PAUSE_MS = 1_000;

export interface ContainerConsumerOptions extends RunnerOptions {
  readonly endpoint: ListenerEndpoint;
  readonly consumer: ConsumerClient;
}

export class ContainerConsumer implements ConsumerRunner {
  readonly counters: ContainerCounters = newCounters();
  readonly #options: ContainerConsumerOptions;
  readonly #isPool: boolean;
  readonly #budget: PartitionBudget;
  readonly #dispatcher: KeyDispatcher<Delivery>;
  readonly #partitions: PartitionTable;
  readonly #policy: CommitPolicy;
  readonly #committer: Committer;
  readonly #progress: Progress;
  readonly #intake: RecordIntake;
  readonly #inFlight = new InFlightTable();
  readonly #watchdog: Watchdog;
  readonly #failures: FailureDesk;
  readonly #runner: DeliveryRunner;
  readonly #rebalance: RebalanceHandler;
  readonly #owner = new OwnerQueue();
  readonly #control: PartitionControl;
  readonly #opener: PartitionOpener;
  /** Of a listener whose handlers run in transactions. */
  readonly #transactions: SpanParts | undefined;
  /** Undefined: there are none. */
  readonly #interceptors: ConsumerInterceptors | undefined;
  readonly #idle: IdleWatch;
  readonly #lag: LagWatch;
  readonly #loopWatch: LoopWatch;
  readonly #overflow: Overflow;
  readonly #steering: PoolSteering | undefined;
  readonly #stopped = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #commitTimer: Timer | undefined;

  constructor(options: ContainerConsumerOptions) {
    this.#options = options;
    const { endpoint, settings, consumer, clock, logger, events, index, workers, isPaused, onFatal } = options;
    const { counters } = this;
    const inFlight = this.#inFlight;
    const common = { listener: endpoint.id, index, consumer, clock, logger, events, counters };
    this.#isPool = endpoint.workers !== undefined;
    this.#budget = new PartitionBudget(settings, Math.max(workers, endpoint.steering?.max ?? 1));
    const dispatcher = new KeyDispatcher<Delivery>({
      order: this.#isPool ? endpoint.order : 'partition',
      workers,
      budget: this.#budget,
    });
    this.#dispatcher = dispatcher;
    const rejects = settings.overflow === 'reject';
    const partitions = new PartitionTable(dispatcher, consumer, {
      keeper: endpoint.keeper,
      arrivals: endpoint.arrivals,
      rejects,
    });
    this.#partitions = partitions;
    const policy = new CommitPolicy(endpoint);
    const { consumerInterceptors } = settings;
    if (consumerInterceptors.length > 0) {
      this.#interceptors = new ConsumerInterceptors({ ...common, interceptors: consumerInterceptors });
    }
    this.#policy = policy;
    const transactions = spanParts(endpoint.transactions, {
      ...common,
      groupId: endpoint.groupId,
      errorHandler: settings.errorHandler,
      dispatcher,
      partitions,
      owner: this.#owner,
      opener: () => this.#opener,
      control: () => this.#control,
      runner: () => this.#runner,
      requestEnd: () => this.#committer.request(),
      wake: () => this.#runner.wake(),
      stopContainer: onFatal,
      onFatal,
    });
    this.#transactions = transactions;
    const first = policy.isFirst ? new CommitFirst(partitions, () => this.#runner.wake()) : undefined;
    const committer = new Committer({
      ...common,
      partitions,
      policy,
      gapMap: endpoint.gapMap,
      commits: endpoint.groupId !== '',
      keeper: endpoint.keeper,
      spans: transactions?.spans,
      interceptors: this.#interceptors,
      first,
      onIdle: () => this.#runner.pump(),
      settleEnded: () => this.#runner.settleEnded(),
    });
    this.#committer = committer;
    const { passage } = settings;
    const progress = new Progress({ partitions, policy, committer, dispatcher, counters, passage });
    this.#progress = progress;
    const isBatch = endpoint.handler.kind === 'batch';
    this.#intake = new RecordIntake({
      isBatch,
      rejects,
      dispatcher,
      partitions,
      policy,
      progress,
      counters,
      keeper: endpoint.keeper,
      arrivals: endpoint.arrivals,
      events,
      index,
      passage,
      first,
      gathering: settings.gather && {
        ...settings.gather,
        maxRecords: settings.pollMaxRecords,
        clock,
        wake: () => this.#runner.wake(),
      },
    });
    this.#steering = steeringOf(endpoint.steering, {
      ...common,
      dispatcher,
      partitions,
      wake: () => this.#runner.wake(),
    });
    const slowRecords = new SlowRecords();
    this.#watchdog = new Watchdog({
      listener: endpoint.id,
      consumer: index,
      maxPollIntervalMs: settings.maxPollIntervalMs,
      slowHandler: settings.slowHandler,
      slowLimit: settings.slowLimit,
      slowRecords,
      leave: (reason) => this.#leaveGroup(reason),
      inFlight,
      clock,
      logger,
      events,
    });
    const { errorHandler } = settings;
    this.#failures = new FailureDesk({
      ...common,
      groupId: endpoint.groupId,
      errorHandler: policy.isFirst ? onlyOnce(errorHandler, endpoint.id, logger) : errorHandler,
      slowRecords,
      slowLimit: settings.slowLimit,
      dispatcher,
      partitions,
      progress,
      wake: () => this.#runner.wake(),
      settled: () => this.#runner.settled(),
      onBroken: onFatal,
      stopContainer: onFatal,
    });
    const loopWatch = new LoopWatch({ ...common, sessionTimeoutMs: settings.sessionTimeoutMs, inFlight });
    this.#loopWatch = loopWatch;
    // Without a pool each record waits for the commit of the one before it, as RECORD promises.
    const gates = transactions !== undefined || (!this.#isPool && endpoint.ackMode === 'RECORD');
    const runner = new DeliveryRunner({
      endpoint: transactions?.spans.wrap(endpoint) ?? endpoint,
      dispatcher,
      partitions,
      inFlight,
      watchdog: this.#watchdog,
      progress,
      failures: transactions?.failures ?? (policy.isFirst ? failedWhenInterrupted(this.#failures) : this.#failures),
      turnedAway: this.#failures,
      clock,
      counters,
      admission: isBatch ? undefined : settings.admission,
      steering: this.#steering,
      loopWatch,
      events,
      index,
      settlesLate: this.#isPool && transactions === undefined && !isBatch,
      sessionEndsAt: () => consumer.sessionEndsAt ?? Number.POSITIVE_INFINITY,
      isGated: gates ? () => committer.isBusy || transactions?.spans.isGated === true : () => false,
      onBroken: onFatal,
    });
    this.#runner = runner;
    this.#overflow = new Overflow(settings.overflow, partitions, runner, this.#stopped.signal);
    const owner = this.#owner;
    const opener = new PartitionOpener({
      dispatcher,
      ackDesk: policy.isManual ? progress : undefined,
      budget: this.#budget,
    });
    this.#opener = opener;
    const control = new PartitionControl({
      ...common,
      groupId: endpoint.groupId,
      partitions,
      opener,
      owner,
      policy,
      committer,
      isTransactional: transactions !== undefined,
      pausedPartitions: options.pausedPartitions,
      wake: () => runner.wake(),
    });
    this.#control = control;
    const listeners = endpoint.rebalanceListeners ?? [];
    const callbacks = new RebalanceCallbacks({ listener: endpoint.id, listeners, consumer: control, logger });
    this.#rebalance = new RebalanceHandler({
      ...common,
      partitions,
      inFlight,
      runner,
      committer,
      opener,
      control,
      callbacks,
      owner,
      isFirst: policy.isFirst,
      isTopicOrdered: endpoint.isTopicOrdered === true,
      isPaused,
    });
    const { idleEventMs, idlePartitionEventMs } = settings;
    const assignment = () => control.assignment();
    this.#lag = new LagWatch({ ...common, maxPollIntervalMs: settings.maxPollIntervalMs, partitions, isPaused });
    this.#idle = new IdleWatch({
      consumer: index,
      idleEventMs,
      idlePartitionEventMs,
      assignment,
      isPaused,
      clock,
      events,
    });
    dispatcher.paused = isPaused();
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
    this.#control.seek(to, { topic, partition }).catch((error: unknown) => {
      // Taken away meanwhile: its next owner finds the same.
      if (!hasCode(error, 'KAFKA_REBALANCED')) this.#options.onFatal(error);
    });
  }

  /** Joins the group; resolves after the first assignment. */
  async start(): Promise<void> {
    const { consumer, clock } = this.#options;
    const spans = this.#transactions?.spans;
    spans?.start();
    await consumer.start(spans?.watching(this.#rebalance) ?? this.#rebalance);
    if (this.#stopped.signal.aborted) return;
    if (this.#policy.periodMs !== undefined) {
      this.#commitTimer = every(clock, this.#policy.periodMs, () => this.#progress.tick());
    }
    this.#idle.start();
    this.#lag.start();
    this.#loopWatch.start();
    this.#steering?.start();
    this.#loop = this.#pollLoop();
  }

  /** What user code may ask of this consumer and tell it. */
  get control(): ListenerConsumer {
    return this.#control;
  }

  /** Starts nothing new, waits for running handlers up to the deadline, commits, leaves the group. */
  async stop(deadline: AbortSignal): Promise<void> {
    const { consumer, logger, endpoint } = this.#options;
    // What is committed already is handled yet, as far as there is time.
    if (!this.#policy.isFirst) this.#dispatcher.paused = true;
    this.#stopped.abort();
    this.#commitTimer?.cancel();
    this.#idle.stop();
    this.#lag.stop();
    this.#loopWatch.stop();
    this.#steering?.stop();
    this.#committer.endBy(deadline);
    this.#transactions?.spans.endBy(deadline);
    await this.#rebalance.leave(deadline);
    this.#runner.close();
    await this.#loop;
    // A failed commit is logged by the committer; its records are delivered again.
    await this.#committer.commitNow().catch(() => undefined);
    try {
      await consumer.stop();
    } catch (error) {
      logger.error(
        `listener '${endpoint.id}': leaving the group failed: ${sentenceOf(error)} It times out there.`,
        error,
      );
    }
    for (const state of this.#partitions.list()) this.#partitions.drop(state);
    this.#committer.close();
    this.#failures.close();
    await this.#transactions?.spans.close();
    this.#watchdog.stop();
  }

  pause(): void {
    if (this.#stopped.signal.aborted) return;
    this.#dispatcher.paused = true;
    this.#options.consumer.pause(this.#options.consumer.assignment(), 'user');
  }

  /** Goes on, and runs again what had failed for good. */
  resume(): void {
    if (this.#stopped.signal.aborted) return;
    for (const state of this.#partitions.values()) this.#failures.unpark(state);
    this.#dispatcher.paused = false;
    this.#options.consumer.resume(this.#options.consumer.assignment(), 'user');
    this.#runner.wake();
  }

  describe(): ConsumerDescription {
    return describeConsumer(this, this.#options.index, this.#options.clock);
  }

  set workers(count: number) {
    this.#dispatcher.workers = count;
    this.#budget.workers = count;
    this.#runner.wake();
  }

  get running(): number {
    return this.#dispatcher.running;
  }

  get oldestInFlight(): Delivery | undefined {
    return this.#inFlight.oldest;
  }

  lagOf(state: PartitionState): number {
    return lagOf(state, this.#options.consumer);
  }

  partitions(): PartitionState[] {
    return this.#partitions.list();
  }

  /** Others take over until what runs here has ended; what is finished is committed before. */
  #leaveGroup(reason: string): boolean {
    const { consumer } = this.#options;
    if (!consumer.leaveUntil || this.#stopped.signal.aborted) return false;
    // A stop ends the member itself, and with it this waiting.
    const unending = new AbortController().signal;
    const ended = () => this.#runner.drained(() => this.#dispatcher.running === 0, unending);
    return consumer.leaveUntil(reason, async () => {
      await this.#committer.commitNow().catch(() => undefined);
      return ended;
    });
  }

  async #pollLoop(): Promise<void> {
    const { signal } = this.#stopped;
    try {
      while (!signal.aborted) await this.#pollOnce(signal);
    } catch (error) {
      if (!signal.aborted) this.#options.onFatal(error);
    }
  }

  async #pollOnce(signal: AbortSignal): Promise<void> {
    await this.#overflow.relieve();
    if (signal.aborted) return;
    const received = await this.#receive(signal);
    if (signal.aborted) return;
    if (!received) {
      if (this.#dispatcher.isIdle) this.#progress.idle();
      await new Promise<void>(nextTurn);
      return;
    }
    this.#runner.wake();
    if (this.#policy.isFirst) await this.#committer.whenIdle();
    // A transaction covers what one poll brought, at most: what comes behind it waits.
    if (!this.#isPool || this.#transactions) await this.#handled();
  }

  /** One poll, taken over; false when it brought nothing. */
  async #receive(signal: AbortSignal): Promise<boolean> {
    const { settings } = this.#options;
    const early = this.#owner.enter();
    const stop = (): void => this.#owner.cutShort();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const polled = await this.#poll({
        maxRecords: settings.pollMaxRecords,
        maxWaitMs: settings.pollMaxWaitMs,
        signal: early,
      });
      // Records that come with the stop signal are not started, and are delivered again.
      if (signal.aborted || polled.length === 0) return false;
      this.#idle.received(polled);
      this.#intake.accept(this.#interceptors?.onConsume(polled) ?? polled);
      return true;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#owner.leave();
    }
  }

  /** A batch that fails its checksum holds up its own partition, where reading is tried again; others go on. */
  async #poll(options: Parameters<ConsumerClient['poll']>[0] & { signal: AbortSignal }): Promise<PartitionRecords[]> {
    const { consumer, clock, logger, endpoint } = this.#options;
    try {
      return await consumer.poll(options);
    } catch (error) {
      if (!hasCode(error, 'KAFKA_RECORD_CORRUPT')) throw error;
      logger.error(`listener '${endpoint.id}': ${sentenceOf(error)} Its partition is read again from there.`, error);
      await sleep(clock, CORRUPT_PAUSE_MS, options.signal);
      return [];
    }
  }

  /** Without a pool: everything of the poll is handled, or waits for a retry; and its commit is acknowledged. */
  async #handled(): Promise<void> {
    await this.#runner.whenIdle();
    this.#progress.pollHandled();
    await this.#committer.whenIdle();
  }
}
