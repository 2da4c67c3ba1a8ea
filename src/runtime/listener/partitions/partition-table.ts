import { type Clock } from '../../../common/clock.js';
import { type TopicPartition, TopicPartitionMap } from '../../../common/topic-partition.js';
import { type ConsumerClient } from '../../client/consumer-client.js';
import { type KeyDispatcher } from '../../dispatch/key-dispatcher.js';
import { type MemoryBudget } from '../../dispatch/memory-budget.js';
import { type ArrivalWatch, type RecordKeeper } from '../commits/record-account.js';
import { type Delivery } from '../delivery/delivery.js';
import { type HoldReason, type PartitionState } from './partition-state.js';

// The partitions that one consumer of a container owns, and everything that keeps one of them from flowing: holds at
// the dispatcher (nothing starts) and back pressure at the consumer (nothing is fetched).

export interface PartitionTableOptions {
  readonly clock: Clock;
  readonly keeper?: RecordKeeper | undefined;
  readonly arrivals?: ArrivalWatch | undefined;
  readonly rejects?: boolean;
  /** Of all consumers of the container. */
  readonly memory: MemoryBudget;
}

export class PartitionTable {
  readonly #states = new TopicPartitionMap<PartitionState>();
  /** Handlers of given-up partitions that still run. */
  readonly #leftovers = new TopicPartitionMap<number>();
  readonly #dispatcher: KeyDispatcher<Delivery>;
  readonly #consumer: ConsumerClient;
  readonly #clock: Clock;
  readonly #keeper: RecordKeeper | undefined;
  readonly #arrivals: ArrivalWatch | undefined;
  readonly #rejects: boolean;
  readonly #memory: MemoryBudget;

  /** `rejects`: what is beyond the queue's budget fails, so that only unfinished work above the commits is bounded. */
  constructor(
    dispatcher: KeyDispatcher<Delivery>,
    consumer: ConsumerClient,
    { clock, keeper, arrivals, rejects = false, memory }: PartitionTableOptions,
  ) {
    this.#clock = clock;
    this.#arrivals = arrivals;
    this.#keeper = keeper;
    this.#rejects = rejects;
    this.#memory = memory;
    this.#dispatcher = dispatcher;
    this.#consumer = consumer;
  }

  get(topic: string, partition: number): PartitionState | undefined {
    return this.#states.get(topic, partition);
  }

  values(): IterableIterator<PartitionState> {
    return this.#states.values();
  }

  /** A copy, for those who drop while they walk. */
  list(): PartitionState[] {
    return [...this.#states.values()];
  }

  add(state: PartitionState): void {
    this.#states.set(state.topic, state.partition, state);
    if (this.#leftovers.has(state.topic, state.partition)) this.hold(state, 'predecessor');
    state.share = this.#memory.open(state.queue, state, this.#makeRoom);
    if (state.share.isWatched) this.#makeRoom([state]);
  }

  /** Gives the partition up: what waits is forgotten (it is not committed), what runs is nobody's business any more. */
  drop(state: PartitionState): void {
    for (const timer of state.waiting.values()) timer.cancel();
    state.gathered?.timer.cancel();
    state.gathered = undefined;
    if (state.queue.running > 0) this.#addLeftovers(state, state.queue.running);
    // Their polls no longer wait for them; one that only waited for them was committed at revocation.
    const unstarted = new Set([...this.#dispatcher.drop(state.queue), ...state.waiting.keys(), ...state.parked]);
    for (const { poll } of unstarted) poll.remaining--;
    state.waiting.clear();
    state.parked.clear();
    this.#states.delete(state.topic, state.partition);
    this.#keeper?.forgotten(state.topic, state.partition);
    this.#arrivals?.forgotten(state.topic, state.partition);
    state.share?.close();
    state.share = undefined;
    // Should the partition come back, it comes back as a new one: none of our pauses may be left on it.
    if (state.isShortOfMemory) this.#consumer.resume([state], 'memory');
    this.#endQuiet(state);
    if (state.isBackpressured) this.#consumer.resume([state], 'backpressure');
    if (state.holds.has('error')) this.#consumer.resume([state], 'error');
    if (state.holds.has('user')) this.#consumer.resume([state], 'partition');
  }

  /** A handler of a given-up partition ended. */
  leftoverEnded(topic: string, partition: number): void {
    const left = (this.#leftovers.get(topic, partition) ?? 0) - 1;
    if (left > 0) {
      this.#leftovers.set(topic, partition, left);
      return;
    }
    this.#leftovers.delete(topic, partition);
    const successor = this.#states.get(topic, partition);
    if (successor) this.unhold(successor, 'predecessor');
  }

  hold(state: PartitionState, reason: HoldReason): void {
    state.holds.add(reason);
    this.#dispatcher.hold(state.queue);
  }

  unhold(state: PartitionState, reason: HoldReason): void {
    if (state.holds.delete(reason) && state.holds.size === 0) this.#dispatcher.unhold(state.queue);
  }

  /** Somebody paused it, or a record of it failed for good. */
  isPaused({ topic, partition }: TopicPartition): boolean {
    const holds = this.get(topic, partition)?.holds;
    return holds !== undefined && (holds.has('user') || holds.has('error'));
  }

  /** Records in the logs and in memory that are not handled, as far as fetches have told. */
  lag(): number {
    let lag = 0;
    for (const { highWatermark, tracker, queue } of this.#states.values()) {
      lag += Math.max(0, highWatermark - tracker.position) + queue.records;
    }
    return lag;
  }

  /** Nothing behind the delivery is due for so long: what is not polled yet stays with the broker. */
  quieten(delivery: Delivery, ms: number): void {
    const state = delivery.partition;
    if (state.quiet === undefined) {
      if (ms <= 0) return;
      this.#consumer.pause([state], 'not-due');
    } else if (state.quiet.by !== delivery) {
      return;
    }
    state.quiet?.timer.cancel();
    state.quiet = { by: delivery, timer: this.#clock.schedule(Math.max(0, ms), () => this.#endQuiet(state)) };
  }

  #endQuiet(state: PartitionState): void {
    if (state.quiet === undefined) return;
    state.quiet.timer.cancel();
    state.quiet = undefined;
    this.#consumer.resume([state], 'not-due');
  }

  /** Pauses or resumes the partition at the consumer when one of its budgets says so. */
  balance(state: PartitionState): void {
    if (state.isDropped) return;
    state.share?.update();
    const full = (state.queue.isFull && !this.#rejects) || state.tracker.isFull;
    if (full === state.isBackpressured) return;
    state.isBackpressured = full;
    this.#watch(state);
    if (full) this.#consumer.pause([state], 'backpressure');
    else this.#consumer.resume([state], 'backpressure');
  }

  /** The container's memory has become scarce, or has room again: pauses and resumes what that concerns. */
  readonly #makeRoom = (states: readonly PartitionState[]): void => {
    const [waiting, going]: [PartitionState[], PartitionState[]] = [[], []];
    for (const state of states) {
      this.#watch(state);
      const isShort = state.share?.isPaused === true;
      if (isShort === state.isShortOfMemory) continue;
      state.isShortOfMemory = isShort;
      (isShort ? waiting : going).push(state);
    }
    if (waiting.length > 0) this.#consumer.pause(waiting, 'memory');
    if (going.length > 0) this.#consumer.resume(going, 'memory');
  };

  #watch(state: PartitionState): void {
    state.isWatched = state.isBackpressured || state.share?.isWatched === true;
  }

  #addLeftovers(state: PartitionState, count: number): void {
    const before = this.#leftovers.get(state.topic, state.partition) ?? 0;
    this.#leftovers.set(state.topic, state.partition, before + count);
  }
}

/** Coordinates alone, without what hangs on them: events must not keep a partition's state alive. */
export function coordinates(partitions: Iterable<TopicPartition>): TopicPartition[] {
  return Array.from(partitions, ({ topic, partition }) => ({ topic, partition }));
}
