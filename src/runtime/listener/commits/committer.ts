import { type Timer } from '../../../common/clock.js';
import { NestdawError } from '../../../common/errors.js';
import { type Deferred, deferred, Waiters } from '../../../common/lifecycle.js';
import { type CommitOffset } from '../../client/consumer-client.js';
import { type CommitPolicy } from '../../dispatch/commit-policy.js';
import { type ConsumerContext } from '../consumer-context.js';
import { type ConsumerInterceptors } from '../delivery/consumer-interceptors.js';
import { type CommitOptions, type CommitTarget } from '../listener-consumer.js';
import { sentenceOf } from '../log-text.js';
import { type PartitionState, type RecordsInHand } from '../partitions/partition-state.js';
import { type PartitionTable } from '../partitions/partition-table.js';
import { type TransactionSpans } from '../spans/transaction-spans.js';
import { type CommitFirst } from './commit-first.js';
import { type CommitMetadata } from './commit-metadata.js';
import { type CoveredRecords, offsetOf, type PlannedCommit } from './exact-commit.js';
import { NamedCommits } from './named-commits.js';
import { type RecordKeeper } from './record-account.js';

// Commits what the trackers say, one request at a time. A request asked for while one is under way becomes the next
// one, so an older offset can never arrive after a newer one, and a failed commit is simply part of the next.

const RETRY_MS = 1_000;
/** For the last commit, when handlers used up the time to stop. */
const LAST_COMMIT_MS = 2_000;

export interface CommitterOptions extends ConsumerContext {
  readonly partitions: PartitionTable;
  readonly policy: CommitPolicy;
  readonly metadata: CommitMetadata;
  /** False: there is no group to commit for. */
  readonly commits: boolean;
  readonly keeper?: RecordKeeper | undefined;
  /** Offsets are committed in transactions, together with what handlers sent. */
  readonly spans?: TransactionSpans | undefined;
  /** What has ended by now counts as finished. */
  readonly settleEnded: () => void;
  /** Told of partitions whose commit is acknowledged. */
  readonly first?: CommitFirst | undefined;
  readonly interceptors?: ConsumerInterceptors | undefined;
  /** By the word of user code these records are finished: a commit that covers them is stored. */
  readonly covered: (state: PartitionState, offset: number, records: CoveredRecords) => void;
  /** Nothing is under way any more. */
  readonly onIdle: () => void;
}

interface PendingCommit {
  readonly state: PartitionState;
  readonly offset: number;
  readonly version: number;
}

export class Committer {
  readonly #options: CommitterOptions;
  readonly #named: NamedCommits;
  #wanted = false;
  #waiters: Array<Deferred<void>> = [];
  /** Those that wait for the commit under way. */
  #served: Array<Pick<Deferred<void>, 'reject'>> = [];
  #isRunning = false;
  #retry: Timer | undefined;
  #last: Timer | undefined;
  #closed = false;
  /** The time to stop is over. */
  #isLate = false;
  readonly #idle = new Waiters();
  /** Of the commit under way. */
  readonly #answered = new Waiters();

  constructor(options: CommitterOptions) {
    this.#options = options;
    this.#named = new NamedCommits(options);
  }

  get isBusy(): boolean {
    return this.#isRunning;
  }

  /** Commits soon, in the background. What finishes in the same turn rides along. */
  request(): void {
    this.#wanted = true;
    this.#begin();
  }

  #begin(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  /** Resolves when everything finished by now is committed (or nothing was to be); rejects when that failed. */
  commitNow(): Promise<void> {
    if (this.#isLate) return Promise.reject(tooLate());
    const waiter = deferred();
    this.#waiters.push(waiter);
    this.request();
    return waiter.promise;
  }

  /**
   * Commits these partitions, or offsets of them; by default all that is finished. In the order of the calls: those
   * that wait for a commit under way share the next request, as long as they do not name two offsets of one partition.
   */
  commitExactly(
    targets: readonly CommitTarget[] | undefined,
    hand: RecordsInHand | undefined,
    options: CommitOptions,
  ): Promise<readonly CommitOffset[]> {
    if (this.#isLate) return Promise.reject(tooLate());
    const stored = this.#named.add(targets, hand, options);
    this.#begin();
    return stored;
  }

  /**
   * Soon after `deadline` nobody waits for a commit any more: a cluster that is away must not keep a stop from ending.
   * Not at once: what handlers finished at the last moment has to be committed yet.
   */
  endBy(deadline: AbortSignal): void {
    const end = (): void => {
      if (this.#closed) return;
      this.#last = this.#options.clock.schedule(LAST_COMMIT_MS, () => this.#end(), { keepAlive: true });
    };
    if (deadline.aborted) end();
    else deadline.addEventListener('abort', end, { once: true });
  }

  #end(): void {
    this.#isLate = true;
    const waiters = [...this.#served, ...this.#waiters];
    this.#served = this.#waiters = [];
    for (const waiter of waiters) waiter.reject(tooLate());
    this.#named.rejectAll(tooLate());
    this.#answered.release();
    this.#idle.release();
  }

  /** Settles when the commit under way now has its answer; what is asked for meanwhile is not waited for. */
  whenAnswered(): Promise<void> {
    if (!this.isBusy || this.#isLate) return Promise.resolve();
    return this.#answered.wait();
  }

  /** Settles when no commit is under way. */
  whenIdle(): Promise<void> {
    if (!this.isBusy || this.#isLate) return Promise.resolve();
    return this.#idle.wait();
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#last?.cancel();
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    while (this.#wanted || !this.#named.isEmpty) {
      if (this.#named.isEmpty) await this.#commitFinished();
      else await this.#commitNamed();
      this.#answered.release();
    }
    this.#isRunning = false;
    this.#idle.release();
    this.#options.onIdle();
  }

  async #commitFinished(): Promise<void> {
    this.#wanted = false;
    const served = this.#waiters;
    this.#served = served;
    this.#waiters = [];
    const failure = await this.#commitOnce();
    this.#served = [];
    for (const waiter of served) {
      if (failure) waiter.reject(failure.error);
      else waiter.resolve();
    }
  }

  /** What user code named, in one request. */
  async #commitNamed(): Promise<void> {
    this.#options.settleEnded();
    const request = this.#named.take();
    this.#served = [request];
    const failure = await this.#store(request.planned);
    this.#served = [];
    if (failure) request.reject(failure.error);
    else request.resolve();
  }

  async #store(planned: readonly PlannedCommit[]): Promise<{ error: unknown } | undefined> {
    const { consumer, covered } = this.#options;
    if (planned.length === 0) return undefined;
    const offsets = planned.map(offsetOf);
    const pending = planned.map(({ state, offset }) => ({ state, offset, version: state.tracker.version }));
    try {
      const saved = this.#options.keeper?.saved();
      if (saved) await saved;
      await consumer.commit(offsets);
    } catch (error) {
      this.#tellFailed(
        offsets,
        error,
        "It was asked for by name and is not tried again; the listener's own commits go on.",
      );
      return { error };
    }
    for (const { state, offset, covered: records } of planned) {
      if (offset < state.committedOffset) state.committedBackAt = state.tracker.committableOffset;
      if (records) covered(state, offset, records);
    }
    this.#told(offsets, pending);
    return undefined;
  }

  /** Gives the failure instead of throwing it. */
  async #commitOnce(): Promise<{ error: unknown } | undefined> {
    const { consumer, policy, spans } = this.#options;
    this.#options.settleEnded();
    const route = spans ? await spans.settle() : 'plain';
    if (route === 'none') return this.#rolledBack();
    const offsets: CommitOffset[] = [];
    const pending: PendingCommit[] = [];
    const isWhole = !this.#options.commits || this.#collect(offsets, pending);
    if (route === 'commit') {
      // Without the map what is finished above the offset would be done twice: the span goes on until it fits.
      if (!isWhole) spans!.extend();
      else if (await spans!.commit(offsets, this.#options.metadata.endFor)) this.#committed(offsets, pending);
      else return this.#rolledBack();
      return undefined;
    }
    const count = policy.pending;
    policy.begin();
    if (offsets.length === 0) return undefined;
    try {
      // Collected first: what is finished by now is also what the keeper has to know before.
      const saved = this.#options.keeper?.saved();
      if (saved) await saved;
      await consumer.commit(offsets);
    } catch (error) {
      policy.failed(count);
      if (this.#options.metadata.shortenFor(offsets, error)) return this.#commitOnce();
      this.#failed(offsets, error);
      return { error };
    }
    this.#committed(offsets, pending);
    return undefined;
  }

  #committed(offsets: readonly CommitOffset[], pending: readonly PendingCommit[]): void {
    const { policy, spans } = this.#options;
    if (spans) policy.begin();
    this.#told(offsets, pending);
  }

  #told(offsets: readonly CommitOffset[], pending: readonly PendingCommit[]): void {
    const { events, counters, index } = this.#options;
    counters.commits++;
    for (const { state, offset, version } of pending) {
      state.committedOffset = offset;
      state.committedVersion = version;
      this.#options.first?.committed(state);
    }
    this.#options.interceptors?.onCommit(offsets);
    events.emit({ type: 'committed', consumer: index, offsets });
  }

  /** What was finished in the transaction is unfinished again. */
  #rolledBack(): { error: unknown } {
    this.#options.policy.begin();
    const message = `listener '${this.#options.listener}': the transaction was aborted, its records run again`;
    return { error: new NestdawError('KAFKA_TRANSACTION_ABORTED', message, { retriable: true }) };
  }

  /** False when a map of finished ranges did not fit. */
  #collect(offsets: CommitOffset[], pending: PendingCommit[]): boolean {
    const { metadata: own } = this.#options;
    let isWhole = true;
    for (const state of this.#options.partitions.values()) {
      if (state.isRevoked) continue;
      const { tracker, topic, partition } = state;
      const offset = tracker.committableOffset;
      const version = tracker.version;
      const moved = offset > Math.max(state.committedOffset, state.committedBackAt);
      if (!moved && (!own.hasMaps || version === state.committedVersion)) continue;
      let metadata = own.text(state, offset);
      if (own.hasMaps) {
        const mapped = own.withMap(metadata, offset, tracker.finishedRanges());
        if (mapped === undefined) isWhole = false;
        // At the same offset the smaller map that stands there is still true, and better than none.
        if (mapped === undefined && !moved) continue;
        metadata = mapped ?? metadata;
      }
      offsets.push({ topic, partition, offset, metadata });
      pending.push({ state, offset, version });
    }
    return isWhole;
  }

  #failed(offsets: readonly CommitOffset[], error: unknown): void {
    this.#tellFailed(
      offsets,
      error,
      'Nothing is lost: it is part of the next commit, and delivered again should there be none.',
    );
    if (this.#closed) return;
    this.#retry?.cancel();
    this.#retry = this.#options.clock.schedule(RETRY_MS, () => this.request());
  }

  #tellFailed(offsets: readonly CommitOffset[], error: unknown, then: string): void {
    const { listener, index, logger, events, counters } = this.#options;
    counters.commitFailures++;
    const names = offsets.map(({ topic, partition, offset }) => `${topic}-${partition} at ${offset}`).join(', ');
    logger.error(`listener '${listener}': committing ${names} failed: ${sentenceOf(error)} ${then}`);
    events.emit({ type: 'commit-failed', consumer: index, offsets, error });
  }
}

function tooLate(): NestdawError {
  const message = 'the container has stopped before the commit was acknowledged: its records may be delivered again';
  return new NestdawError('KAFKA_STOPPED', message);
}
