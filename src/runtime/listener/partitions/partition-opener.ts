import { type TopicPartition } from '../../../common/topic-partition.js';
import { type KeyDispatcher } from '../../dispatch/key-dispatcher.js';
import { type OffsetRange } from '../../dispatch/offset-range.js';
import { OffsetTracker } from '../../dispatch/offset-tracker.js';
import { type Delivery } from '../delivery/delivery.js';
import { type PartitionBudget } from './partition-budget.js';
import { type AckDesk, type CallableConsumer, PartitionState } from './partition-state.js';

// Makes the state of a partition that begins at a position: after an assignment, or after a seek.

export interface PartitionOpenerOptions {
  readonly dispatcher: KeyDispatcher<Delivery>;
  readonly ackDesk: AckDesk | undefined;
  readonly budget: PartitionBudget;
}

export interface PartitionStart extends TopicPartition {
  readonly epoch: number;
  readonly position: number;
  /** Finished ranges above the position that a committed gap map tells. */
  readonly finished: readonly OffsetRange[];
}

export class PartitionOpener {
  readonly #options: PartitionOpenerOptions;

  constructor(options: PartitionOpenerOptions) {
    this.#options = options;
  }

  open({ topic, partition, epoch, position, finished }: PartitionStart, consumer: CallableConsumer): PartitionState {
    const { dispatcher, ackDesk, budget } = this.#options;
    const tracker = new OffsetTracker({ position, finished, limit: budget.uncommitted });
    return new PartitionState({ topic, partition, epoch, queue: dispatcher.open(), tracker, ackDesk, consumer });
  }
}
