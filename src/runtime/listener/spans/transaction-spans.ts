import { sleep, type Timer } from '../../../common/clock.js';
import { hasCode, refusalBehind } from '../../../common/errors.js';
import { type CommitOffset, type RebalanceListener } from '../../client/consumer-client.js';
import { type KeyDispatcher } from '../../dispatch/key-dispatcher.js';
import { type ConsumerContext } from '../consumer-context.js';
import { type Delivery } from '../delivery/delivery.js';
import { type ListenerEndpoint } from '../listener-endpoint.js';
import { sentenceOf } from '../log-text.js';
import { type PartitionState } from '../partitions/partition-state.js';
import { type SpanFailures } from './span-failures.js';
import { spanHandler } from './span-handler.js';
import { type OpenSpanProducer, type SpanProducer } from './span-producer.js';
import { type SpanRollback, type SpanStart } from './span-rollback.js';

// A consumer's records in transactions. A span is what one transaction covers: everything that was started since the
// last commit. At its end nothing new starts, what runs finishes, then offsets and sends are committed together; when
// any of it fails, the transaction is aborted and all of the span runs again, from where its partitions stood.
//
//   open ──first record──▶ in work ──commit asked for──▶ ending: drained ──▶ committed ──▶ open
//                                                           └─ something failed ─▶ rolled back ─▶ open

/** Starts handlers, and knows when none runs. */
export interface SpanRunner {
  drained(isDone: () => boolean, deadline: AbortSignal): Promise<void>;
  wake(): void;
}

export interface TransactionSpansOptions extends ConsumerContext {
  readonly open: OpenSpanProducer;
  readonly dispatcher: KeyDispatcher<Delivery>;
  readonly runner: () => SpanRunner;
  readonly rollback: SpanRollback;
  readonly failures: SpanFailures;
  /** `max.poll.records`. */
  readonly mostRecords: number;
  /** Asks the committer to end the span. */
  readonly requestEnd: () => void;
  /** The producer cannot go on. */
  readonly onFatal: (error: unknown) => void;
}

/** Whether the brokers refused these offsets for the length of their metadata, which is shortened then. */
export type RefusesMaps = (offsets: readonly CommitOffset[], error: unknown) => boolean;

/** A transaction is ended after this share of its time-out, however many records it has. */
const LONGEST_SHARE = 3;
const REOPEN_MS = 1_000;

export class TransactionSpans {
  readonly #options: TransactionSpansOptions;
  readonly #touched = new Map<PartitionState, SpanStart>();
  #last: PartitionState | undefined;
  #first: Delivery | undefined;
  #beganAt = 0;
  #producer: SpanProducer | undefined;
  #isOpen = false;
  #isLost = false;
  #isClosed = false;
  #isBroken = false;
  #mostRecords: number;
  #giveUp = new AbortController();
  #deadline: AbortSignal | undefined;
  #timer: Timer | undefined;
  readonly #stopped = new AbortController();

  constructor(options: TransactionSpansOptions) {
    this.#options = options;
    this.#mostRecords = options.mostRecords;
  }

  /** Records that a poll may bring. */
  get mostRecords(): number {
    return this.#mostRecords;
  }

  /** Nothing may start: there is no transaction, or it ends. */
  get isGated(): boolean {
    return !this.#isOpen || this.#isLost || this.#options.failures.hasAny;
  }

  /** The endpoint with a handler that runs in the open transaction. */
  wrap(endpoint: ListenerEndpoint): ListenerEndpoint {
    const { failures } = this.#options;
    return {
      ...endpoint,
      handler: spanHandler(endpoint.handler, {
        ledger: failures.ledger,
        join: (delivery) => this.#join(delivery),
        run: (work) => this.#producer!.run(work),
        logger: this.#options.logger,
        onRecovered: (recovery) => failures.recovered(recovery),
        onRecoveryFailed: (recovery, error) => failures.recoveryFailed(recovery, error),
      }),
    };
  }

  /** The listener with what the span has to know of rebalances. */
  watching(inner: RebalanceListener): RebalanceListener {
    return {
      onAssigned: (added, kept) => inner.onAssigned(added, kept),
      onRevoked: async (partitions, deadline) => {
        this.endBy(deadline);
        await inner.onRevoked(partitions, deadline);
      },
      onLost: async (partitions) => {
        // Somebody else may have the records by now: what was sent for them must not become visible.
        if (this.#touched.size > 0) {
          this.#isLost = true;
          this.#giveUp.abort();
          this.#options.requestEnd();
        }
        await inner.onLost(partitions);
      },
    };
  }

  /** From `deadline` on the end of a span waits for no handler: it is rolled back instead. */
  endBy(deadline: AbortSignal): void {
    this.#deadline = deadline;
    if (deadline.aborted) this.#giveUp.abort();
    else deadline.addEventListener('abort', () => this.#deadline === deadline && this.#giveUp.abort(), { once: true });
  }

  /** Opens the producer, in the background, for as long as that takes; nothing starts before. */
  start(): void {
    void this.#start();
  }

  async #start(): Promise<void> {
    const { open, clock, logger, listener } = this.#options;
    for (let tries = 1; !this.#isClosed; tries++) {
      try {
        this.#producer = await open();
        if (this.#isClosed) this.#producer.close();
        else await this.#begin();
        return;
      } catch (error) {
        if ((error as { retriable?: unknown }).retriable !== true) {
          if (!this.#isClosed) this.#break(error);
          return;
        }
        if (tries === 1) logger.warn(`listener '${listener}': no transactional producer yet: ${sentenceOf(error)}`);
        await sleep(clock, REOPEN_MS, this.#stopped.signal);
      }
    }
  }

  /**
   * The span is to end: waits for what runs. `commit`: offsets and sends go together. `plain`: there is no span, only
   * offsets. `none`: it was rolled back.
   */
  async settle(): Promise<'commit' | 'plain' | 'none'> {
    const { dispatcher, runner, failures } = this.#options;
    if (this.#isBroken) return 'none';
    if (this.#touched.size === 0 && !failures.hasAny) return 'plain';
    await runner().drained(() => dispatcher.running === 0, this.#giveUp.signal);
    if (!failures.hasAny && !this.#isLost && dispatcher.running === 0 && !this.#hasLostPartition()) return 'commit';
    await this.#rollBack();
    return 'none';
  }

  /** False: the transaction was rolled back instead. `refusesMaps`: why, for a reason that does not come again. */
  async commit(offsets: readonly CommitOffset[], refusesMaps: RefusesMaps): Promise<boolean> {
    const { consumer, failures } = this.#options;
    const group = consumer.groupMetadata?.();
    if (!group) {
      await this.#rollBack();
      return false;
    }
    try {
      await this.#producer!.commit(offsets, group);
    } catch (error) {
      if (!(await this.#isCommittedAfterAll(error, offsets, refusesMaps))) return false;
    }
    failures.committed();
    await this.#begin();
    return true;
  }

  /**
   * The span cannot end yet, with what is finished out of order: it goes on. At the end of its poll it can; when a poll
   * takes so long that this might come too late, the next ones bring less.
   */
  extend(): void {
    if (this.#isLong() && this.#mostRecords > 1) this.#shortenPolls();
    this.#askLater();
  }

  #askLater(): void {
    const { clock, requestEnd } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.schedule(this.#producer!.timeoutMs / LONGEST_SHARE, requestEnd);
  }

  #shortenPolls(): void {
    const { logger, listener } = this.#options;
    this.#mostRecords = Math.floor(this.#mostRecords / 2);
    logger.warn(
      `listener '${listener}': what is finished out of order does not fit the offsets' metadata, so a transaction has to ` +
        `cover its poll, and this one takes long: polls bring ${this.#mostRecords} records at most from now on`,
    );
  }

  #isLong(): boolean {
    return this.#options.clock.monotonic() - this.#beganAt >= this.#producer!.timeoutMs / LONGEST_SHARE;
  }

  /** The end of the consumer: what is open is aborted. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#isOpen = false;
    this.#stopped.abort();
    this.#timer?.cancel();
    const producer = this.#producer;
    this.#producer = undefined;
    if (!producer) return;
    if (this.#touched.size > 0) {
      await producer.abort().catch((error: unknown) => {
        const { logger, listener } = this.#options;
        const what = `listener '${listener}': the transaction that is open could not be aborted: ${sentenceOf(error)}`;
        logger.warn(`${what} The broker does so after its time-out; until then readers wait behind it.`);
      });
    }
    producer.close();
  }

  #join(delivery: Delivery): void {
    const state = delivery.partition;
    if (state === this.#last) return;
    this.#last = state;
    if (this.#touched.size === 0) this.#opened(delivery);
    if (this.#touched.has(state)) return;
    const { tracker } = state;
    this.#touched.set(state, { position: tracker.committableOffset, finished: tracker.finishedRanges() });
  }

  #opened(delivery: Delivery): void {
    this.#first = delivery;
    this.#beganAt = this.#options.clock.monotonic();
    this.#askLater();
  }

  async #begin(): Promise<void> {
    this.#timer?.cancel();
    this.#touched.clear();
    this.#last = this.#first = undefined;
    this.#isLost = false;
    if (this.#giveUp.signal.aborted && !this.#deadline?.aborted) this.#giveUp = new AbortController();
    if (this.#isClosed) return;
    await this.#producer!.begin();
    this.#isOpen = true;
    this.#options.runner().wake();
  }

  #hasLostPartition(): boolean {
    for (const state of this.#touched.keys()) if (state.isDropped && !state.isSought) return true;
    return false;
  }

  async #rollBack(): Promise<void> {
    const { rollback, failures, logger, listener } = this.#options;
    this.#isOpen = false;
    try {
      await this.#producer!.abort();
    } catch (error) {
      if (hasCode(error, 'KAFKA_PRODUCER_FENCED') && !this.#isOverdue()) {
        this.#break(error);
        return;
      }
      logger.warn(`listener '${listener}': an abort failed, a new producer follows: ${sentenceOf(error)}`);
      if (!(await this.#replace())) return;
    }
    await rollback.run(this.#touched, failures.takeDecisions());
    await this.#begin();
  }

  async #isCommittedAfterAll(
    error: unknown,
    offsets: readonly CommitOffset[],
    refusesMaps: RefusesMaps,
  ): Promise<boolean> {
    const { failures, logger, listener } = this.#options;
    this.#isOpen = false;
    if (hasCode(error, 'KAFKA_TRANSACTION_UNDECIDED')) {
      logger.warn(`listener '${listener}': ${sentenceOf(error)} A new producer finds out.`);
      if (!(await this.#replace())) return false;
      if (await this.#isCommitted(offsets)) return true;
    } else if (hasCode(error, 'KAFKA_PRODUCER_FENCED') && !this.#isOverdue()) {
      this.#break(error);
      return false;
    } else if (!isOfTheGroup(error) && !refusesMaps(offsets, error) && this.#first) {
      // Nobody's failure in particular: the first record of the span counts it.
      failures.blame(this.#first, error, true);
    } else {
      logger.warn(`listener '${listener}': a transaction could not be committed: ${sentenceOf(error)} It runs again.`);
    }
    await this.#rollBack();
    return false;
  }

  #break(error: unknown): void {
    this.#isBroken = true;
    this.#isOpen = false;
    this.#options.onFatal(error);
  }

  /** It ran longer than the broker allows, which then fences it: that is no other process. */
  #isOverdue(): boolean {
    return this.#options.clock.monotonic() - this.#beganAt >= (this.#producer?.timeoutMs ?? Number.POSITIVE_INFINITY);
  }

  /** Another producer under the same id. False when there can be none. */
  async #replace(): Promise<boolean> {
    const { clock } = this.#options;
    while (!this.#isClosed) {
      try {
        await this.#producer!.replace();
        return true;
      } catch (error) {
        if ((error as { retriable?: unknown }).retriable !== true) {
          this.#break(error);
          return false;
        }
        await sleep(clock, REOPEN_MS, this.#stopped.signal);
      }
    }
    return false;
  }

  /** Asks until it is answered: taken for one that did not happen, everything would be sent twice. */
  async #isCommitted(offsets: readonly CommitOffset[]): Promise<boolean> {
    const { consumer, clock, logger, listener } = this.#options;
    const [one] = offsets;
    if (!one || !consumer.committedOffsets) return false;
    for (let tries = 1; !this.#isClosed; tries++) {
      try {
        const found = (await consumer.committedOffsets([one])).get(one.topic, one.partition);
        if (!found) return false;
        return found.offset > one.offset || (found.offset === one.offset && found.metadata === (one.metadata ?? ''));
      } catch (error) {
        const what = `listener '${listener}': the group does not say what was committed: ${sentenceOf(error)}`;
        if (tries === 1) logger.warn(`${what} It is asked again.`);
        await sleep(clock, REOPEN_MS, this.#stopped.signal);
      }
    }
    return false;
  }
}

/** Whether a commit was refused because the group moved on, which says nothing about the records. */
function isOfTheGroup(error: unknown): boolean {
  const code = refusalBehind(error);
  return code === 22 || code === 25 || code === 27 || code === 82;
}
