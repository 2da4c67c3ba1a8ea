import { type Timer } from '../../../common/clock.js';
import { messageOf, NestdawError, refusalBehind } from '../../../common/errors.js';
import { type Deferred, deferred } from '../../../common/lifecycle.js';
import { TopicPartitionMap } from '../../../common/topic-partition.js';
import { type CommitOffset } from '../../client/consumer-client.js';
import { type CommitPolicy } from '../../dispatch/commit-policy.js';
import { encodeGapMap } from '../../dispatch/gap-map.js';
import { type OffsetRange } from '../../dispatch/offset-range.js';
import { type ConsumerContext } from '../consumer-context.js';
import { type ConsumerInterceptors } from '../delivery/consumer-interceptors.js';
import { type CommitOptions, type CommitTarget } from '../listener-consumer.js';
import { sentenceOf } from '../log-text.js';
import { type PartitionState, type RecordsInHand } from '../partitions/partition-state.js';
import { coordinates, type PartitionTable } from '../partitions/partition-table.js';
import { type TransactionSpans } from '../spans/transaction-spans.js';
import { type CommitFirst } from './commit-first.js';
import { type CoveredRecords, type ExactCommit, mustWait, type PlannedCommit, plannedCommit } from './exact-commit.js';
import { type RecordKeeper } from './record-account.js';

// Commits what the trackers say, one request at a time. A request asked for while one is under way becomes the next
// one, so an older offset can never arrive after a newer one, and a failed commit is simply part of the next.

const RETRY_MS = 1_000;
/** OFFSET_METADATA_TOO_LARGE: the brokers take less than Kafka's default. */
const METADATA_TOO_LARGE = 12;
/** For the last commit, when handlers used up the time to stop. */
const LAST_COMMIT_MS = 2_000;

export interface CommitterOptions extends ConsumerContext {
  readonly partitions: PartitionTable;
  readonly policy: CommitPolicy;
  readonly gapMap: boolean;
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
  #wanted = false;
  #waiters: Array<Deferred<void>> = [];
  /** Those that wait for the commit under way. */
  #served: Array<Pick<Deferred<void>, 'reject'>> = [];
  /** What user code named, in the order of the calls. */
  #exact: ExactCommit[] = [];
  #isRunning = false;
  #retry: Timer | undefined;
  #last: Timer | undefined;
  #closed = false;
  /** The time to stop is over. */
  #isLate = false;
  #idleWaiters: Array<() => void> = [];
  /** Characters that a map may have; fewer once the brokers refused one. */
  #mostMap = Number.POSITIVE_INFINITY;

  constructor(options: CommitterOptions) {
    this.#options = options;
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
    { unfinished = 'refuse' }: CommitOptions,
  ): Promise<readonly CommitOffset[]> {
    if (this.#isLate) return Promise.reject(tooLate());
    const waiter = deferred<readonly CommitOffset[]>();
    this.#exact.push({ targets, hand, unfinished, waiter });
    this.#begin();
    return waiter.promise;
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
    const waiters = [...this.#served, ...this.#waiters, ...this.#exact.map(({ waiter }) => waiter)];
    this.#served = this.#waiters = [];
    this.#exact = [];
    for (const waiter of waiters) waiter.reject(tooLate());
    this.#releaseIdle();
  }

  /** Settles when no commit is under way. */
  whenIdle(): Promise<void> {
    if (!this.isBusy || this.#isLate) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#last?.cancel();
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    while (this.#wanted || this.#exact.length > 0) {
      if (this.#exact.length > 0) await this.#commitNamed();
      else await this.#commitFinished();
    }
    this.#isRunning = false;
    this.#releaseIdle();
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

  /** What user code named, in one request, up to a second offset of a partition. Each call is refused by itself. */
  async #commitNamed(): Promise<void> {
    this.#options.settleEnded();
    const planned = new TopicPartitionMap<PlannedCommit>();
    const taken: Array<{ readonly waiter: ExactCommit['waiter']; readonly offsets: readonly CommitOffset[] }> = [];
    for (let one = this.#exact[0]; one && !mustWait(one, planned); one = this.#exact[0]) {
      try {
        const own = this.#plan(one);
        for (const plan of own) planned.set(plan.state.topic, plan.state.partition, plan);
        taken.push({ waiter: one.waiter, offsets: own.map(offsetOf) });
      } catch (error) {
        this.#options.logger.error(`listener '${this.#options.listener}': ${messageOf(error)}`);
        one.waiter.reject(error);
      }
      this.#exact.shift();
    }
    this.#served = taken.map(({ waiter }) => waiter);
    const failure = await this.#store([...planned.values()]);
    this.#served = [];
    for (const { waiter, offsets } of taken) {
      if (failure) waiter.reject(failure.error);
      else waiter.resolve(offsets);
    }
  }

  #plan(one: ExactCommit): PlannedCommit[] {
    const { partitions, gapMap, commits } = this.#options;
    if (!commits) return [];
    const mapOf = (state: PartitionState, offset: number): string => {
      const above = state.tracker.finishedRanges().filter(({ from }) => from > offset);
      return this.#mapOf(offset, above) ?? '';
    };
    const targets: readonly CommitTarget[] =
      one.targets ?? coordinates(partitions.list().filter(({ isRevoked }) => !isRevoked));
    return targets.flatMap((target) => {
      const state = partitions.get(target.topic, target.partition);
      return plannedCommit(target, one, state, gapMap ? mapOf : undefined) ?? [];
    });
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

  #releaseIdle(): void {
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
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
      else if (await spans!.commit(offsets, this.#refusesMaps)) this.#committed(offsets, pending);
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
      if (this.#shortensMaps(offsets, error)) return this.#commitOnce();
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
    let isWhole = true;
    for (const state of this.#options.partitions.values()) {
      if (state.isRevoked) continue;
      const { tracker, topic, partition } = state;
      const offset = tracker.committableOffset;
      const version = tracker.version;
      const moved = offset > Math.max(state.committedOffset, state.committedBackAt);
      if (!moved && (!this.#options.gapMap || version === state.committedVersion)) continue;
      let metadata = '';
      if (this.#options.gapMap) {
        const map = this.#mapOf(offset, tracker.finishedRanges());
        if (map === undefined) isWhole = false;
        // At the same offset the smaller map that stands there is still true, and better than none.
        if (map === undefined && !moved) continue;
        metadata = map ?? '';
      }
      offsets.push({ topic, partition, offset, metadata });
      pending.push({ state, offset, version });
    }
    return isWhole;
  }

  #mapOf(offset: number, ranges: readonly OffsetRange[]): string | undefined {
    const map = encodeGapMap(offset, ranges);
    return map !== undefined && map.length <= this.#mostMap ? map : undefined;
  }

  /** True when the brokers refused maps for their length: shorter ones, or none, let the offsets be committed. */
  #shortensMaps(offsets: readonly CommitOffset[], error: unknown): boolean {
    const longest = longestRefused(offsets, error);
    if (longest === 0) return false;
    this.#mostMap = Math.floor(longest / 2);
    const most = `what is finished out of order is committed up to ${this.#mostMap} from now on, a crash repeats the rest`;
    this.#warnOfMaps(longest, most);
    return true;
  }

  /** True when the brokers refused a transaction's maps for their length: none are sent from now on. */
  readonly #refusesMaps = (offsets: readonly CommitOffset[], error: unknown): boolean => {
    const longest = longestRefused(offsets, error);
    if (longest === 0) return false;
    this.#mostMap = 0;
    this.#warnOfMaps(longest, 'transactions end where nothing is finished out of order from now on, and so cover more');
    return true;
  };

  #warnOfMaps(longest: number, consequence: string): void {
    const { listener, logger } = this.#options;
    logger.warn(
      `listener '${listener}': the brokers take no metadata of ${longest} characters (offset.metadata.max.bytes, 4096 by ` +
        `default): ${consequence}`,
    );
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

function offsetOf({ state, offset, metadata }: PlannedCommit): CommitOffset {
  const { topic, partition } = state;
  return { topic, partition, offset, metadata };
}

/** Length of the longest metadata where the brokers refused it for that; else 0. */
function longestRefused(offsets: readonly CommitOffset[], error: unknown): number {
  if (refusalBehind(error) !== METADATA_TOO_LARGE) return 0;
  return Math.max(...offsets.map(({ metadata = '' }) => metadata.length));
}

function tooLate(): NestdawError {
  const message = 'the container has stopped before the commit was acknowledged: its records may be delivered again';
  return new NestdawError('KAFKA_STOPPED', message);
}
