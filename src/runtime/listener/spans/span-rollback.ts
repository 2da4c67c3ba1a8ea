import { type TopicPartition } from '../../../common/topic-partition.js';
import { type OffsetRange } from '../../dispatch/offset-range.js';
import { type ConsumerContext } from '../consumer-context.js';
import { sentenceOf } from '../log-text.js';
import { type OwnerQueue } from '../partitions/owner-queue.js';
import { type PartitionOpener } from '../partitions/partition-opener.js';
import { type CallableConsumer, type PartitionState } from '../partitions/partition-state.js';
import { coordinates, type PartitionTable } from '../partitions/partition-table.js';
import { type SpanDecision } from './span-failures.js';

// After an aborted transaction: every partition that it touched goes back to where the span found it, and is read
// again from there; then what was decided about the failed records.

/** Where a partition stood when the span first touched it. */
export interface SpanStart {
  readonly position: number;
  readonly finished: readonly OffsetRange[];
}

/** What handlers may ask of the consumer, and the pauses that they have asked for. */
export interface SpanControl extends CallableConsumer {
  applyPause(partition: TopicPartition): void;
}

export interface SpanRollbackOptions extends ConsumerContext {
  readonly partitions: PartitionTable;
  readonly opener: () => PartitionOpener;
  readonly control: () => SpanControl;
  readonly owner: OwnerQueue;
  /** Something may start again. */
  readonly wake: () => void;
  /** The decision is to stop the container. */
  readonly stopContainer: (cause: unknown) => void;
}

export class SpanRollback {
  readonly #options: SpanRollbackOptions;

  constructor(options: SpanRollbackOptions) {
    this.#options = options;
  }

  /** Resolves when it is done; positions do not move while polled records are on their way. */
  run(touched: ReadonlyMap<PartitionState, SpanStart>, decisions: readonly SpanDecision[]): Promise<void> {
    const { owner, events, index } = this.#options;
    return new Promise((resolve) => {
      owner.run(() => {
        const again = [...touched].filter(([state]) => !state.isDropped);
        for (const [state, start] of again) this.#reopen(state, start);
        this.#carryOut(decisions);
        events.emit({ type: 'rolled-back', consumer: index, partitions: coordinates(again.map(([state]) => state)) });
        resolve();
      });
    });
  }

  #reopen(old: PartitionState, { position, finished }: SpanStart): void {
    const { partitions, opener, control, consumer } = this.#options;
    const { topic, partition, firstEpoch: epoch } = old;
    partitions.drop(old);
    const state = opener().open({ topic, partition, epoch, position, finished }, control());
    state.committedOffset = old.committedOffset;
    state.committedVersion = state.tracker.version;
    state.isRevoked = old.isRevoked;
    partitions.add(state);
    if (old.holds.has('rebalance')) partitions.hold(state, 'rebalance');
    control().applyPause(state);
    consumer.seek(topic, partition, position);
  }

  #carryOut(decisions: readonly SpanDecision[]): void {
    const { partitions, stopContainer, logger, listener } = this.#options;
    const delays = new Map<PartitionState, number>();
    for (const { partition: tp, decision, error } of decisions) {
      const state = partitions.get(tp.topic, tp.partition);
      if (decision.action === 'stop-container') stopContainer(error);
      else if (state && decision.action === 'pause-partition') this.#park(state);
      else if (state && decision.action === 'retry' && decision.delayMs > 0) {
        delays.set(state, Math.max(decision.delayMs, delays.get(state) ?? 0));
      } else if (!state) {
        logger.debug?.(`listener '${listener}': the partition of a failed record is gone: ${sentenceOf(error)}`);
      }
    }
    for (const [state, delayMs] of delays) this.#delay(state, delayMs);
  }

  #park(state: PartitionState): void {
    const { partitions, consumer, events } = this.#options;
    if (state.holds.has('error')) return;
    partitions.hold(state, 'error');
    consumer.pause([state], 'error');
    events.emit({ type: 'paused', by: 'error', partitions: coordinates([state]) });
  }

  #delay(state: PartitionState, delayMs: number): void {
    const { partitions, clock, wake } = this.#options;
    partitions.hold(state, 'rollback');
    clock.schedule(delayMs, () => {
      if (state.isDropped) return;
      partitions.unhold(state, 'rollback');
      wake();
    });
  }
}
