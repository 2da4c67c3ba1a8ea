import { type Clock } from '../../common/clock.js';
import { type Logger } from '../../common/logger.js';
import { type MemoryBudget } from '../dispatch/memory-budget.js';
import { type ConsumerDescription } from './container-description.js';
import { type ContainerEvents } from './container-events.js';
import { type ContainerSettings } from './container-settings.js';
import { type ListenerConsumer } from './listener-consumer.js';
import { type PausedPartitions } from './partitions/paused-partitions.js';

// One consumer of a container, as the container knows it: beside the container, or in a thread of its own.

export interface ConsumerRunner {
  /** What user code may ask of it and tell it. */
  readonly control: ListenerConsumer;
  /** Joins the group; resolves after the first assignment. */
  start(): Promise<void>;
  /** Starts nothing new, waits for running handlers up to the deadline, commits, leaves the group. */
  stop(deadline: AbortSignal): Promise<void>;
  /** Settles when nothing starts any more: at once, or with `pauseImmediate` false when what was polled is handled. */
  pause(): Promise<void>;
  /** Goes on, and runs again what had failed for good. */
  resume(): void;
  set workers(count: number);
  describe(): ConsumerDescription;
}

/** What a consumer gets from its container. */
export interface RunnerOptions {
  /** Number of the consumer in its container, from 0. */
  readonly index: number;
  readonly settings: ContainerSettings;
  readonly workers: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: ContainerEvents;
  readonly isPaused: () => boolean;
  /** Partitions that somebody paused, of all consumers of the container. */
  readonly pausedPartitions: PausedPartitions;
  /** What the partitions of all consumers may hold together. */
  readonly memory: MemoryBudget;
  /** The consumer cannot go on, or a decision was to stop the container. */
  readonly onFatal: (cause: unknown) => void;
}
