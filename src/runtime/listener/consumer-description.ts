import { type Clock } from '../../common/clock.js';
import { type ContainerCounters } from './container-counters.js';
import { type ConsumerDescription, type PartitionDescription } from './container-description.js';
import { type Delivery } from './delivery/delivery.js';
import { type PartitionState } from './partitions/partition-state.js';

// What a consumer beside its container knows about itself, as plain data.

interface Described {
  readonly clientId: string | undefined;
  readonly workers: number;
  readonly running: number;
  /** Of all that runs, what was called first. */
  readonly oldestInFlight: Delivery | undefined;
  readonly counters: ContainerCounters;
  partitions(): readonly PartitionState[];
  lagOf(state: PartitionState): number;
}

/** A consumer beside its container. */
export function describeConsumer(consumer: Described, index: number, clock: Clock): ConsumerDescription {
  const oldest = consumer.oldestInFlight;
  return {
    index,
    clientId: consumer.clientId,
    workers: consumer.workers,
    running: consumer.running,
    oldest: oldest && {
      topic: oldest.record.topic,
      partition: oldest.record.partition,
      offset: oldest.record.offset,
      ms: clock.monotonic() - oldest.startedAt,
    },
    partitions: consumer.partitions().map((state) => describePartition(state, consumer.lagOf(state))),
    counters: { ...consumer.counters },
  };
}

function describePartition(state: PartitionState, lag: number): PartitionDescription {
  const { tracker, queue } = state;
  return {
    topic: state.topic,
    partition: state.partition,
    position: tracker.position,
    committable: tracker.committableOffset,
    committed: state.committedOffset < 0 ? undefined : state.committedOffset,
    lag,
    received: state.received,
    unfinished: tracker.unfinished,
    running: queue.running,
    lanes: queue.lanes,
    retrying: state.waiting.size,
    parked: state.parked.size,
    finishedAbove: tracker.finishedAbove,
    bytes: queue.bytes,
    isBackpressured: state.isBackpressured,
    isShortOfMemory: state.isShortOfMemory,
    holds: [...state.holds],
  };
}
