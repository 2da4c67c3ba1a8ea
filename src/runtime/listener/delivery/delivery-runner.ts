import { nextTurn } from '../../../common/clock.js';
import { NestdawError } from '../../../common/errors.js';
import { Waiters } from '../../../common/lifecycle.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type KeyDispatcher } from '../../dispatch/key-dispatcher.js';
import { type Progress } from '../commits/progress.js';
import { type ContainerCounters } from '../container-counters.js';
import { type ContainerEvents } from '../container-events.js';
import { type FailureDesk } from '../failures/failure-desk.js';
import { type BatchOutcome, DONE, type Outcome } from '../invocation.js';
import { type ListenerEndpoint } from '../listener-endpoint.js';
import { namesOf } from '../log-text.js';
import { type PartitionTable } from '../partitions/partition-table.js';
import { type LoopWatch } from '../watches/loop-watch.js';
import { type Watchdog } from '../watches/watchdog.js';
import { type AdmissionRule } from './admission.js';
import { type Delivery } from './delivery.js';
import { EndedDeliveries } from './ended-deliveries.js';
import { type InFlightTable } from './in-flight-table.js';
import { type PoolSteering } from './pool-steering.js';
import { type GoOn, PoolWorker } from './pool-worker.js';
import { StartSlice, type StartSliceOptions } from './start-slice.js';

// Calls the handler for what the dispatcher says, and passes on what comes of it. A handler that answers synchronously
// costs no promise; one that answers with a promise has a worker that waits for it and goes on with the next record.

/** A record that is not due is asked about this often: a clock may be set, or a machine may have slept. */
const ASK_AGAIN_MS = 30_000;
/** By then a record that is asked about again has been asked. */
const ANSWER_MS = 1_000;

export interface DeliveryRunnerOptions extends StartSliceOptions {
  readonly endpoint: ListenerEndpoint;
  readonly dispatcher: KeyDispatcher<Delivery>;
  readonly partitions: PartitionTable;
  readonly inFlight: InFlightTable;
  readonly watchdog: Watchdog;
  readonly progress: Progress;
  readonly failures: Pick<FailureDesk, 'failed' | 'nacked' | 'interrupted'>;
  /** Where records go that are not admitted. */
  readonly turnedAway: Pick<FailureDesk, 'handOver' | 'postpone'>;
  readonly counters: ContainerCounters;
  readonly admission: AdmissionRule | undefined;
  readonly events: ContainerEvents;
  readonly index: number;
  /** Told what is called. */
  readonly loopWatch: Pick<LoopWatch, 'starts'>;
  /** Told how long handlers took. */
  readonly steering: PoolSteering | undefined;
  /** Book-keeping of records that have ended may wait for the end of the turn: nothing waits for each single one. */
  readonly settlesLate: boolean;
  /** While true nothing starts: a commit is under way that the next record waits for. */
  readonly isGated: () => boolean;
  /** Something in the machinery itself broke. */
  readonly onBroken: (error: unknown) => void;
}

export class DeliveryRunner {
  readonly #options: DeliveryRunnerOptions;
  readonly #dispatcher: KeyDispatcher<Delivery>;
  #isPumping = false;
  #isScheduled = false;
  readonly #slice: StartSlice;
  readonly #ended = new EndedDeliveries();
  readonly #idle = new Waiters();
  /** Look whether what they wait for has come, each time a handler has ended or the runner is woken. */
  readonly #drains = new Set<() => void>();

  constructor(options: DeliveryRunnerOptions) {
    this.#options = options;
    this.#dispatcher = options.dispatcher;
    this.#slice = new StartSlice(options, () => this.wake());
  }

  /**
   * Starts what may start in a later turn, so that whoever asks is not kept waiting by handlers. One call for all who
   * ask in a turn: each begins a slice, and several would keep other work waiting several times as long.
   */
  wake(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    nextTurn(() => {
      this.#isScheduled = false;
      this.#slice.begin();
      this.pump();
    });
  }

  /** Starts what may start now, until the slice of time is used up. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      this.settleEnded();
      void this.#startAll(); // nothing: only a worker is given a call
      this.#dispatcher.prepare();
    } catch (error) {
      this.#options.onBroken(error);
    } finally {
      this.#isPumping = false;
    }
    // What somebody waits for may have come by a partition that went, or moved, without any handler that ended.
    this.settled();
    this.#lookIdle();
  }

  #lookIdle(): void {
    if (!this.#idle.isEmpty && this.#dispatcher.isIdle) this.#idle.release();
  }

  /** Resolves when nothing runs and nothing may start. */
  whenIdle(): Promise<void> {
    if (this.#dispatcher.isIdle) return Promise.resolve();
    return this.#idle.wait();
  }

  /** Resolves when `isDone`, asked whenever a handler has ended or the runner is woken, says so, or `signal` aborts. */
  drained(isDone: () => boolean, signal: AbortSignal): Promise<void> {
    this.settleEnded();
    if (isDone() || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        this.#drains.delete(look);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const look = () => {
        if (isDone()) end();
      };
      this.#drains.add(look);
      signal.addEventListener('abort', end, { once: true });
    });
  }

  /**
   * Runs one record beside the workers, who go on as ever; settles when that has ended, when there is a free worker
   * because nothing may start, or when `signal` aborts.
   */
  async runBeside(signal: AbortSignal): Promise<void> {
    // The workers come first.
    this.wake();
    await new Promise<void>(nextTurn);
    const { admission, isGated, sessionEndsAt } = this.#options;
    this.#slice.readClock();
    const isHeld = isGated() || this.#slice.now >= sessionEndsAt();
    this.#dispatcher.extra = isHeld ? 0 : 1;
    const delivery = isHeld ? undefined : this.#dispatcher.next();
    const isAdmitted = delivery !== undefined && (admission === undefined || this.#admits(admission, delivery));
    const call = isAdmitted ? this.#start(delivery) : undefined;
    if (call === undefined) this.#dispatcher.extra = 0;
    else this.#employ(delivery!, call, this.#endBeside);
    if (delivery === undefined) return this.drained(() => this.#dispatcher.running < this.#dispatcher.workers, signal);
    return isAdmitted ? this.drained(() => !delivery.isRunning, signal) : undefined;
  }

  /** Whoever ran it is no worker: what may start now is a worker's. */
  readonly #endBeside: GoOn = (caller, outcome) => {
    this.#dispatcher.extra = 0;
    const next = this.#goOn(caller, outcome);
    if (next === undefined) return undefined;
    this.#options.inFlight.remove(caller);
    this.#employ(caller.delivery, next);
    return undefined;
  };

  /** Lets go whoever waits for idleness: the container stops. */
  close(): void {
    this.#idle.release();
  }

  /** Starts what may start. `worker`: the first record whose call answers with a promise is that one's. */
  #startAll(worker?: PoolWorker): Promise<BatchOutcome> | undefined {
    const { isGated, admission } = this.#options;
    // Asked before the clock is read: with all workers busy each handler that ends makes one start, and no more.
    while (this.#canStart() && !isGated()) {
      if (!this.#slice.allows()) return undefined;
      const delivery = this.#dispatcher.next(this.#ended.size)!;
      if (admission !== undefined && !this.#admits(admission, delivery)) continue;
      const call = this.#start(delivery);
      if (call === undefined) continue;
      if (worker === undefined) {
        this.#employ(delivery, call);
        continue;
      }
      worker.delivery = delivery;
      return call;
    }
    return undefined;
  }

  #employ(delivery: Delivery, call: Promise<BatchOutcome>, goOn = this.#goOn): void {
    const worker = new PoolWorker(delivery, goOn);
    this.#options.inFlight.add(worker);
    this.#options.watchdog.watch();
    worker.waitFor(call);
  }

  /**
   * No worker idles for book-keeping: where nothing else may start, what has ended is settled now and may free more.
   */
  #canStart(): boolean {
    if (this.#dispatcher.canStartBeside(this.#ended.size)) return true;
    if (this.#ended.size === 0) return false;
    this.settleEnded();
    return this.#dispatcher.canStart;
  }

  #admits(rule: AdmissionRule, delivery: Delivery): boolean {
    const { turnedAway, partitions, clock } = this.#options;
    const admission = rule(delivery.record);
    if (admission === undefined) return true;
    if (admission.action === 'skip') {
      this.#options.progress.skipped(delivery);
      return false;
    }
    if (admission.action === 'hand-over') {
      turnedAway.handOver(delivery, admission.recoverer, admission.isOrdered ?? true);
      return false;
    }
    // Timers may fire a little early: the record is asked about again then, and is never early itself.
    const now = clock.now();
    if (admission.until <= now) return true;
    turnedAway.postpone(delivery, Math.min(admission.until - now, ASK_AGAIN_MS));
    const { quietUntil } = admission;
    if (quietUntil !== undefined) partitions.quieten(delivery, Math.min(quietUntil - now, ASK_AGAIN_MS + ANSWER_MS));
    return false;
  }

  /** Undefined when the handler has answered already. */
  #start(delivery: Delivery): Promise<BatchOutcome> | undefined {
    const { counters, loopWatch } = this.#options;
    counters.invoked++;
    delivery.begin(this.#slice.now);
    loopWatch.starts(delivery);
    if (delivery.isRejected) {
      delivery.isRejected = false;
      this.#settle(delivery, { status: 'failed', error: poolFull(delivery) });
      return undefined;
    }
    const outcome = this.#call(delivery);
    if (isPromise(outcome)) return outcome;
    this.#settle(delivery, outcome);
    return undefined;
  }

  #call(delivery: Delivery): BatchOutcome | Promise<BatchOutcome> {
    const { handler } = this.#options.endpoint;
    try {
      return handler.kind === 'record'
        ? handler.invoke(delivery.record, delivery)
        : handler.invoke(delivery.batch!, delivery);
    } catch (error) {
      return { status: 'failed', error };
    }
  }

  /** The handler has ended, and its worker is free: the call that it goes on with. */
  readonly #goOn: GoOn = (worker, outcome) => {
    const { delivery } = worker;
    const { inFlight, steering, clock, onBroken } = this.#options;
    let next: Promise<BatchOutcome> | undefined;
    this.#isPumping = true;
    try {
      steering?.took(clock.monotonic() - delivery.startedAt);
      if (this.#mayWait(outcome) && this.#ended.takes(delivery, outcome)) this.wake();
      else this.#settle(delivery, outcome);
      next = this.#startAll(worker);
    } catch (error) {
      onBroken(error);
    }
    this.#isPumping = false;
    if (next !== undefined) return next;
    inFlight.remove(worker);
    this.#lookIdle();
    return undefined;
  };

  /** What becomes of a failure may forbid the next start: several workers are past that, a single one is not. */
  #mayWait({ status }: BatchOutcome): boolean {
    if (!this.#options.settlesLate || this.#drains.size > 0) return false;
    return status !== 'failed' || this.#dispatcher.workers > 1;
  }

  /** Keeps the books of all that have ended by now. */
  settleEnded(): void {
    for (let ended = this.#ended.take(); ended !== undefined; ended = this.#ended.take()) {
      this.#settle(ended, ended.failure ?? DONE);
    }
  }

  #settle(delivery: Delivery, outcome: BatchOutcome): void {
    if (delivery.partition.isDropped) this.#ignore(delivery);
    else this.#pass(delivery, outcome);
    this.settled();
  }

  /** Something that a drain waits for has ended. */
  settled(): void {
    if (this.#drains.size > 0) for (const look of this.#drains) look();
  }

  #pass(delivery: Delivery, given: BatchOutcome): void {
    const { progress } = this.#options;
    const outcome = delivery.abortCause === undefined ? given : afterAbort(delivery, given);
    switch (outcome.status) {
      case 'done':
        if (outcome.duplicates !== undefined) this.#duplicates(outcome.duplicates);
        if (delivery.nackDelayMs === undefined) progress.returned(delivery);
        else this.#nacked(delivery, delivery.nackDelayMs);
        break;
      case 'skipped':
        if (outcome.duplicates === undefined) this.#options.counters.filtered += delivery.batch?.length ?? 1;
        else this.#duplicates(outcome.duplicates);
        progress.skipped(delivery);
        break;
      case 'failed':
        this.#leaveBehind(delivery, delivery.finishedAhead);
        this.#failed(delivery, outcome.error, false);
        break;
      case 'failed-at':
        this.#failedAt(delivery, outcome);
        break;
    }
  }

  #duplicates(records: readonly KafkaRecord[]): void {
    const { counters, events, index } = this.#options;
    counters.duplicates += records.length;
    events.emit({ type: 'duplicates', consumer: index, records });
  }

  #failedAt(delivery: Delivery, { index, error, isOpenBefore = false }: FailedAt): void {
    const size = delivery.batch?.length ?? 0;
    if (!(Number.isInteger(index) && index >= 0 && index < size)) {
      this.#failed(delivery, error, false);
      return;
    }
    const isOpen = isOpenBefore && delivery.partition.ackDesk !== undefined;
    this.#leaveBehind(delivery, Math.max(index, delivery.finishedAhead), isOpen);
    this.#failed(delivery, error, true);
  }

  #failed(delivery: Delivery, error: unknown, atHead: boolean): void {
    const { failures } = this.#options;
    if (isInterruption(delivery)) failures.interrupted(delivery);
    else failures.failed(delivery, error, atHead);
  }

  #nacked(delivery: Delivery, delayMs: number): void {
    this.#leaveBehind(delivery, delivery.finishedAhead);
    this.#options.failures.nacked(delivery, delayMs);
  }

  /** The first `count` records of a batch are finished (or left to their acknowledgment), the rest of it runs again. */
  #leaveBehind(delivery: Delivery, count: number, isOpen = false): void {
    if (delivery.batch === undefined || count <= 0 || count >= delivery.batch.length) return;
    if (!isOpen) this.#options.progress.finishedFirst(delivery, count);
    delivery.trim(count);
  }

  /** The partition was given up meanwhile: its next owner has the record, this result changes nothing. */
  #ignore(delivery: Delivery): void {
    const { partitions, counters, progress } = this.#options;
    counters.stale++;
    progress.abandoned(delivery);
    partitions.leftoverEnded(delivery.record.topic, delivery.record.partition);
  }
}

type FailedAt = Extract<BatchOutcome, { readonly status: 'failed-at' }>;

function isPromise(outcome: BatchOutcome | Promise<BatchOutcome>): outcome is Promise<BatchOutcome> {
  return typeof (outcome as { then?: unknown }).then === 'function';
}

/** Past max.poll.interval.ms a record has failed, whatever its handler says in the end. */
function afterAbort(delivery: Delivery, outcome: BatchOutcome): BatchOutcome {
  if (delivery.abortCause !== 'slow' || outcome.status === 'failed' || outcome.status === 'failed-at') return outcome;
  const failed: Outcome = { status: 'failed', error: delivery.abortReason };
  return failed;
}

/** It failed because it was told to end. */
function isInterruption(delivery: Delivery): boolean {
  return delivery.abortCause === 'rebalance' || delivery.abortCause === 'stop';
}

function poolFull({ record, partition }: Delivery): NestdawError {
  const message =
    `${namesOf([partition])} offset ${record.offset} is beyond the budget of its partition: the pool does not keep up ` +
    'with what comes (overflow: reject)';
  return new NestdawError('KAFKA_POOL_FULL', message, { retriable: true });
}
