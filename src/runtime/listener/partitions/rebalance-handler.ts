import { NestdawError } from '../../../common/errors.js';
import { type TopicPartition } from '../../../common/topic-partition.js';
import { type AssignedPartition, type RebalanceListener } from '../../client/consumer-client.js';
import { decodeGapMap } from '../../dispatch/gap-map.js';
import { type Committer } from '../commits/committer.js';
import { type ConsumerContext } from '../consumer-context.js';
import { type AbortCause } from '../delivery/delivery.js';
import { type DeliveryRunner } from '../delivery/delivery-runner.js';
import { type InFlightTable } from '../delivery/in-flight-table.js';
import { namesOf } from '../log-text.js';
import { type OwnerQueue } from './owner-queue.js';
import { type PartitionControl } from './partition-control.js';
import { type PartitionOpener } from './partition-opener.js';
import { type PartitionState } from './partition-state.js';
import { coordinates, type PartitionTable } from './partition-table.js';
import { type RebalanceCallbacks } from './rebalance-callbacks.js';

// What becomes of partitions when the group moves them.
//
//   revoked    start nothing new, wait for what runs (its signal fires only at the deadline), commit, keep the rest
//   assigned   kept ones go on where they were; revoked ones that did not come back are given up; new ones begin
//   lost       no commit is possible: fire the signals, give up

export interface RebalanceHandlerOptions extends ConsumerContext {
  readonly partitions: PartitionTable;
  readonly inFlight: InFlightTable;
  readonly runner: DeliveryRunner;
  readonly committer: Committer;
  readonly opener: PartitionOpener;
  readonly control: PartitionControl;
  readonly callbacks: RebalanceCallbacks;
  readonly owner: OwnerQueue;
  /**
   * Records that have come are committed already: they are handled before their partitions go, as far as they can be.
   */
  readonly isFirst: boolean;
  /** All records of a topic in their order: more than one partition cannot keep that. */
  readonly isTopicOrdered: boolean;
  /** Text of the application stands beside its offsets, with a map behind it or alone. */
  readonly hasOwnMetadata: boolean;
  readonly isPaused: () => boolean;
}

export class RebalanceHandler implements RebalanceListener {
  readonly #options: RebalanceHandlerOptions;
  #isStopping = false;

  constructor(options: RebalanceHandlerOptions) {
    this.#options = options;
  }

  /** The consumer is about to leave: drains and commits everything, before its client revokes it. */
  async leave(deadline: AbortSignal): Promise<void> {
    const { partitions, callbacks } = this.#options;
    callbacks.end();
    const states = partitions.list();
    await this.drain(states, deadline, 'stop');
    this.#isStopping = true;
    await callbacks.departing('onPartitionsRevokedBeforeCommit', coordinates(states), deadline);
  }

  async onAssigned(added: readonly AssignedPartition[], kept: readonly AssignedPartition[]): Promise<void> {
    const { partitions, events, index, consumer, committer, isPaused, runner, control, callbacks, owner } =
      this.#options;
    const { isTopicOrdered, listener } = this.#options;
    if (isTopicOrdered) requireFirstPartitions(listener, [...added, ...kept]);
    const begun: AssignedPartition[] = [...added];
    for (const partition of kept) {
      const state = partitions.get(partition.topic, partition.partition);
      if (state) this.#keep(state);
      else begun.push(partition);
    }
    for (const state of partitions.list()) if (state.isRevoked) this.#giveUp(state);
    for (const partition of begun) this.#begin(partition);
    if (isPaused() && begun.length > 0) consumer.pause(coordinates(begun), 'user');
    for (const partition of begun) control.applyPause(partition);
    await callbacks.assigned(begun);
    await owner.drained();
    // What the callbacks sought is known: the first records may come while their start is committed.
    consumer.prefetch?.();
    events.emit({ type: 'assigned', consumer: index, added: coordinates(added), kept: coordinates(kept) });
    runner.wake();
    // What finished between revocation and now could not be committed then.
    if (kept.length > 0) committer.request();
    // A position that came from auto.offset.reset is committed before its first record: should the partition move
    // before anything was finished, its next owner would otherwise reset again, past records under `latest`.
    if (begun.some(({ source }) => source !== 'committed')) await committer.commitNow().catch(() => undefined);
  }

  async onRevoked(revoked: readonly TopicPartition[], deadline: AbortSignal): Promise<void> {
    const { partitions, events, index, committer, callbacks, isFirst } = this.#options;
    const states = this.#statesOf(revoked);
    if (!isFirst) for (const state of states) partitions.hold(state, 'rebalance');
    events.emit({ type: 'revoked', consumer: index, partitions: coordinates(revoked) });
    if (!this.#isStopping) {
      await this.drain(states, deadline, 'rebalance');
      await callbacks.departing('onPartitionsRevokedBeforeCommit', coordinates(revoked), deadline);
    }
    // The committer has logged a failure; whoever gets the partitions starts from the commit before.
    await committer.commitNow().catch(() => undefined);
    // As they are now: a callback may have moved one.
    for (const state of this.#statesOf(revoked)) state.isRevoked = true;
    await callbacks.departing(
      'onPartitionsRevokedAfterCommit',
      coordinates(revoked),
      this.#isStopping ? undefined : deadline,
    );
  }

  async onLost(lost: readonly TopicPartition[]): Promise<void> {
    const { events, index, logger, listener, callbacks } = this.#options;
    for (const state of this.#statesOf(lost)) {
      this.#abort(state, 'rebalance');
      this.#giveUp(state);
    }
    logger.warn(
      `listener '${listener}': membership was lost, and with it ${namesOf(lost)}. Nothing of them can be committed; ` +
        'what was not committed is delivered again.',
    );
    events.emit({ type: 'lost', consumer: index, partitions: coordinates(lost) });
    await callbacks.departing('onPartitionsLost', coordinates(lost));
  }

  /** Waits until no handler of `states` runs; at the deadline fires the signals of those that do, and waits no more. */
  async drain(states: readonly PartitionState[], deadline: AbortSignal, cause: AbortCause): Promise<void> {
    const { runner, clock, events, index, logger, listener, isFirst } = this.#options;
    // A record on its way to a recoverer is work as well: given up now it would be handled twice.
    const waitedFor = () => states.reduce((sum, state) => sum + this.#waitedForOf(state), 0);
    const start = clock.monotonic();
    await runner.drained(() => waitedFor() === 0, deadline);
    const unfinished = states.reduce((sum, { queue, handedOver }) => sum + queue.running + handedOver, 0);
    const ms = clock.monotonic() - start;
    if (unfinished > 0) {
      logger.warn(
        `listener '${listener}': ${unfinished} handler(s) of ${namesOf(states)} still ran after ${Math.round(ms)} ms; ` +
          'their signals fire now, their records are not committed and will be delivered again.',
      );
      for (const state of states) this.#abort(state, cause);
    }
    if (isFirst) this.#tellLost(states);
    events.emit({ type: 'drained', consumer: index, ms, unfinished });
  }

  /** What was committed before it was handled, and will not be. */
  #tellLost(states: readonly PartitionState[]): void {
    const { logger, listener } = this.#options;
    const lost = states.filter(({ holds }) => !holds.has('commit'));
    const count = lost.reduce((sum, { queue }) => sum + queue.records - queue.running, 0);
    if (count === 0) return;
    logger.error(
      `listener '${listener}': ${count} record(s) of ${namesOf(lost)} were committed and are never handled: there was ` +
        'no time left for them (ackMode AT_MOST_ONCE).',
    );
  }

  #waitedForOf({ queue, handedOver }: PartitionState): number {
    const { isFirst, isPaused } = this.#options;
    return handedOver + (isFirst && !queue.isHeld && !isPaused() ? queue.records : queue.running);
  }

  #keep(state: PartitionState): void {
    state.isRevoked = false;
    this.#options.partitions.unhold(state, 'rebalance');
  }

  #giveUp(state: PartitionState): void {
    this.#options.partitions.drop(state);
  }

  #begin({ topic, partition, assignmentEpoch, position, metadata, source }: AssignedPartition): void {
    const { partitions, opener, control, logger, listener, hasOwnMetadata } = this.#options;
    const before = partitions.get(topic, partition);
    if (before) this.#giveUp(before);
    const finished = source === 'committed' ? decodeGapMap(position, metadata) : [];
    if (finished === undefined && !hasOwnMetadata) {
      logger.warn(
        `listener '${listener}': the metadata committed with ${topic}-${partition} at ${position} is not a gap map of ` +
          'this library; records after it are delivered again, and the next commit replaces it.',
      );
    }
    const start = { topic, partition, epoch: assignmentEpoch, position, finished: finished ?? [] };
    const state = opener.open(start, control);
    if (source === 'committed') {
      state.committedOffset = position;
      state.committedVersion = state.tracker.version;
    }
    partitions.add(state);
  }

  #abort(state: PartitionState, cause: AbortCause): void {
    const { inFlight } = this.#options;
    for (const delivery of inFlight.ofPartition(state)) {
      if (delivery.partition !== state) continue;
      const name = namesOf([state]);
      const why = cause === 'stop' ? 'the container stops' : 'the partition is taken away';
      const reason = new NestdawError(
        cause === 'stop' ? 'KAFKA_STOPPED' : 'KAFKA_REBALANCED',
        `${name} offset ${delivery.record.offset}: ${why}; the record is not committed and will be delivered again`,
      );
      delivery.abort(cause, reason);
    }
  }

  #statesOf(partitions: readonly TopicPartition[]): PartitionState[] {
    return partitions.flatMap(({ topic, partition }) => this.#options.partitions.get(topic, partition) ?? []);
  }
}

function requireFirstPartitions(listener: string, assigned: readonly TopicPartition[]): void {
  const other = assigned.find(({ partition }) => partition > 0);
  if (other === undefined) return;
  throw new NestdawError(
    'KAFKA_CONFIG_INVALID',
    `listener '${listener}': order 'topic' is kept in a topic of one partition alone, but ${other.topic} has partition ` +
      `${other.partition} as well: read a topic of one partition, or choose order 'partition' or 'key'`,
  );
}
