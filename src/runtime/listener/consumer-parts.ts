import { type ConsumerClient } from '../client/consumer-client.js';
import { CommitPolicy } from '../dispatch/commit-policy.js';
import { KeyDispatcher } from '../dispatch/key-dispatcher.js';
import { CommitFirst } from './commits/commit-first.js';
import { CommitMetadata } from './commits/commit-metadata.js';
import { Committer } from './commits/committer.js';
import { Progress } from './commits/progress.js';
import { type ConsumerContext } from './consumer-context.js';
import { type RunnerOptions } from './consumer-runner.js';
import { type ContainerCounters } from './container-counters.js';
import { ConsumerInterceptors } from './delivery/consumer-interceptors.js';
import { type Delivery } from './delivery/delivery.js';
import { DeliveryRunner } from './delivery/delivery-runner.js';
import { InFlightTable } from './delivery/in-flight-table.js';
import { Overflow } from './delivery/overflow.js';
import { type PoolSteering, steeringOf } from './delivery/pool-steering.js';
import { RecordIntake } from './delivery/record-intake.js';
import { FailureDesk } from './failures/failure-desk.js';
import { failedWhenInterrupted, onlyOnce } from './failures/only-once.js';
import { type ListenerEndpoint } from './listener-endpoint.js';
import { OwnerQueue } from './partitions/owner-queue.js';
import { PartitionBudget } from './partitions/partition-budget.js';
import { PartitionControl } from './partitions/partition-control.js';
import { PartitionOpener } from './partitions/partition-opener.js';
import { PartitionTable } from './partitions/partition-table.js';
import { RebalanceCallbacks } from './partitions/rebalance-callbacks.js';
import { RebalanceHandler } from './partitions/rebalance-handler.js';
import { type SpanParts, spanParts } from './spans/span-parts.js';
import { IdleWatch } from './watches/idle-watch.js';
import { LagWatch } from './watches/lag-watch.js';
import { LoopWatch } from './watches/loop-watch.js';
import { SlowRecords } from './watches/slow-records.js';
import { Watchdog } from './watches/watchdog.js';

// What a consumer of a container is made of, put together: intake → dispatcher → runner → progress → committer, and who
// looks on. Nothing runs here; parts that need each other ask for the other when they need it.

export interface ConsumerPartsOptions extends RunnerOptions {
  readonly endpoint: ListenerEndpoint;
  readonly consumer: ConsumerClient;
  readonly counters: ContainerCounters;
  readonly stopped: AbortSignal;
  /** Others take over until what runs has ended; false when that is not possible now. */
  readonly leaveGroup: (reason: string) => boolean;
}

export class ConsumerParts {
  /** Handlers run while the loop polls on. */
  readonly isPool: boolean;
  readonly policy: CommitPolicy;
  readonly budget: PartitionBudget;
  readonly dispatcher: KeyDispatcher<Delivery>;
  readonly partitions: PartitionTable;
  readonly inFlight = new InFlightTable();
  readonly owner = new OwnerQueue();
  /** Undefined: there are none. */
  readonly interceptors: ConsumerInterceptors | undefined;
  /** Of a listener whose handlers run in transactions. */
  readonly transactions: SpanParts | undefined;
  readonly committer: Committer;
  readonly progress: Progress;
  readonly intake: RecordIntake;
  readonly steering: PoolSteering | undefined;
  readonly watchdog: Watchdog;
  readonly failures: FailureDesk;
  readonly loopWatch: LoopWatch;
  readonly runner: DeliveryRunner;
  readonly overflow: Overflow;
  readonly opener: PartitionOpener;
  readonly control: PartitionControl;
  readonly rebalance: RebalanceHandler;
  readonly lag: LagWatch;
  readonly idle: IdleWatch;
  readonly #options: ConsumerPartsOptions;
  readonly #common: ConsumerContext;
  readonly #slowRecords = new SlowRecords();
  /** Of a listener whose records are committed before they are handled. */
  readonly #first: CommitFirst | undefined;
  readonly #wake = () => this.runner.wake();

  constructor(options: ConsumerPartsOptions) {
    this.#options = options;
    const { endpoint, settings, consumer, clock, logger, events, index, workers, counters } = options;
    this.#common = { listener: endpoint.id, index, consumer, clock, logger, events, counters };
    this.isPool = endpoint.workers !== undefined;
    this.policy = new CommitPolicy(endpoint);
    this.budget = new PartitionBudget(settings, Math.max(workers, endpoint.steering?.max ?? 1));
    this.dispatcher = new KeyDispatcher<Delivery>({
      order: this.isPool ? endpoint.order : 'partition',
      workers,
      budget: this.budget,
    });
    this.dispatcher.paused = options.isPaused();
    this.partitions = new PartitionTable(this.dispatcher, consumer, {
      clock,
      keeper: endpoint.keeper,
      arrivals: endpoint.arrivals,
      rejects: this.#rejects,
      memory: options.memory,
    });
    this.interceptors = this.#makeInterceptors();
    this.transactions = this.#makeTransactions();
    this.#first = this.policy.isFirst ? new CommitFirst(this.partitions, this.#wake) : undefined;
    this.committer = this.#makeCommitter();
    this.progress = new Progress({ ...this.#core, committer: this.committer, passage: settings.passage });
    this.intake = this.#makeIntake();
    this.steering = steeringOf(endpoint.steering, { ...this.#common, ...this.#core, wake: this.#wake });
    this.watchdog = this.#makeWatchdog();
    this.failures = this.#makeFailures();
    const { sessionTimeoutMs, maxPollIntervalMs } = settings;
    this.loopWatch = new LoopWatch({ ...this.#common, sessionTimeoutMs, inFlight: this.inFlight });
    this.runner = this.#makeRunner();
    this.overflow = new Overflow(settings.overflow, this.partitions, this.runner, options.stopped);
    this.opener = new PartitionOpener({
      dispatcher: this.dispatcher,
      ackDesk: this.policy.isManual ? this.progress : undefined,
      budget: this.budget,
    });
    this.control = this.#makeControl();
    this.rebalance = this.#makeRebalance();
    const { partitions } = this;
    this.lag = new LagWatch({ ...this.#common, maxPollIntervalMs, partitions, isPaused: options.isPaused });
    this.idle = this.#makeIdleWatch();
  }

  /** What waits and runs, what it belongs to, and when it is committed. */
  get #core() {
    const { dispatcher, partitions, policy } = this;
    return { dispatcher, partitions, policy, counters: this.#options.counters };
  }

  get #isBatch(): boolean {
    return this.#options.endpoint.handler.kind === 'batch';
  }

  get #rejects(): boolean {
    return this.#options.settings.overflow === 'reject';
  }

  #makeInterceptors(): ConsumerInterceptors | undefined {
    const interceptors = this.#options.settings.consumerInterceptors;
    return interceptors.length > 0 ? new ConsumerInterceptors({ ...this.#common, interceptors }) : undefined;
  }

  #makeTransactions(): SpanParts | undefined {
    const { endpoint, settings, onFatal } = this.#options;
    return spanParts(endpoint.transactions, {
      ...this.#common,
      groupId: endpoint.groupId,
      errorHandler: settings.errorHandler,
      dispatcher: this.dispatcher,
      partitions: this.partitions,
      owner: this.owner,
      opener: () => this.opener,
      control: () => this.control,
      runner: () => this.runner,
      mostRecords: settings.pollMaxRecords,
      requestEnd: () => this.committer.request(),
      wake: this.#wake,
      stopContainer: onFatal,
      onFatal,
    });
  }

  #makeCommitter(): Committer {
    const { endpoint, settings } = this.#options;
    const { gapMap, groupId, info } = endpoint;
    return new Committer({
      ...this.#common,
      partitions: this.partitions,
      policy: this.policy,
      metadata: new CommitMetadata({ ...this.#common, groupId, info, gapMap, text: settings.offsetMetadata }),
      commits: endpoint.groupId !== '',
      keeper: endpoint.keeper,
      spans: this.transactions?.spans,
      interceptors: this.interceptors,
      first: this.#first,
      onIdle: () => this.runner.pump(),
      settleEnded: () => this.runner.settleEnded(),
      covered: (state, offset, records) => this.progress.covered(state, offset, records),
    });
  }

  #makeIntake(): RecordIntake {
    const { endpoint, settings, clock, events, index } = this.#options;
    const { gather, pollMaxRecords: maxRecords, passage } = settings;
    return new RecordIntake({
      ...this.#core,
      isBatch: this.#isBatch,
      rejects: this.#rejects,
      progress: this.progress,
      keeper: endpoint.keeper,
      arrivals: endpoint.arrivals,
      events,
      index,
      passage,
      first: this.#first,
      gathering: gather && { ...gather, maxRecords, clock, wake: this.#wake },
    });
  }

  #makeWatchdog(): Watchdog {
    const { settings, endpoint, index, clock, logger, events, leaveGroup } = this.#options;
    const { maxPollIntervalMs, slowHandler, slowLimit } = settings;
    return new Watchdog({
      listener: endpoint.id,
      consumer: index,
      maxPollIntervalMs,
      slowHandler,
      slowLimit,
      slowRecords: this.#slowRecords,
      leave: leaveGroup,
      inFlight: this.inFlight,
      clock,
      logger,
      events,
    });
  }

  #makeFailures(): FailureDesk {
    const { endpoint, settings, logger, onFatal } = this.#options;
    const { errorHandler, slowLimit } = settings;
    return new FailureDesk({
      ...this.#common,
      groupId: endpoint.groupId,
      errorHandler: this.policy.isFirst ? onlyOnce(errorHandler, endpoint.id, logger) : errorHandler,
      slowRecords: this.#slowRecords,
      slowLimit,
      dispatcher: this.dispatcher,
      partitions: this.partitions,
      progress: this.progress,
      wake: this.#wake,
      settled: () => this.runner.settled(),
      onBroken: onFatal,
      stopContainer: onFatal,
    });
  }

  #makeRunner(): DeliveryRunner {
    const { endpoint, settings, consumer, clock, events, index, counters, onFatal } = this.#options;
    const { committer, failures, transactions, isPool } = this;
    const spans = transactions?.spans;
    // Without a pool each record waits for the commit of the one before it, as RECORD promises.
    const gates = spans !== undefined || (!isPool && endpoint.ackMode === 'RECORD');
    return new DeliveryRunner({
      endpoint: spans?.wrap(endpoint) ?? endpoint,
      dispatcher: this.dispatcher,
      partitions: this.partitions,
      inFlight: this.inFlight,
      watchdog: this.watchdog,
      progress: this.progress,
      failures: transactions?.failures ?? (this.policy.isFirst ? failedWhenInterrupted(failures) : failures),
      turnedAway: failures,
      clock,
      counters,
      admission: this.#isBatch ? undefined : settings.admission,
      steering: this.steering,
      loopWatch: this.loopWatch,
      events,
      index,
      settlesLate: isPool && !transactions && !this.#isBatch,
      sessionEndsAt: () => consumer.sessionEndsAt ?? Number.POSITIVE_INFINITY,
      isGated: gates ? () => committer.isBusy || spans?.isGated === true : () => false,
      onBroken: onFatal,
    });
  }

  #makeControl(): PartitionControl {
    const { endpoint, pausedPartitions } = this.#options;
    return new PartitionControl({
      ...this.#common,
      groupId: endpoint.groupId,
      partitions: this.partitions,
      opener: this.opener,
      owner: this.owner,
      policy: this.policy,
      committer: this.committer,
      isTransactional: this.transactions !== undefined,
      pausedPartitions,
      wake: this.#wake,
    });
  }

  #makeRebalance(): RebalanceHandler {
    const { endpoint, settings, logger, clock, isPaused } = this.#options;
    const { control, policy } = this;
    const listeners = endpoint.rebalanceListeners ?? [];
    return new RebalanceHandler({
      ...this.#common,
      partitions: this.partitions,
      inFlight: this.inFlight,
      runner: this.runner,
      committer: this.committer,
      opener: this.opener,
      control,
      callbacks: new RebalanceCallbacks({ listener: endpoint.id, listeners, consumer: control, clock, logger }),
      owner: this.owner,
      isFirst: policy.isFirst,
      isTopicOrdered: endpoint.isTopicOrdered === true,
      hasOwnMetadata: settings.offsetMetadata !== undefined,
      isPaused,
    });
  }

  #makeIdleWatch(): IdleWatch {
    const { settings, index, isPaused, clock, events } = this.#options;
    const { idleEventMs, idlePartitionEventMs } = settings;
    return new IdleWatch({
      consumer: index,
      idleEventMs,
      idlePartitionEventMs,
      assignment: () => this.control.assignment(),
      isPaused,
      isPartitionPaused: (partition) => isPaused() || this.partitions.isPaused(partition),
      clock,
      events,
    });
  }
}
