import { type SeekTarget } from '../../common/seek-target.js';
import { type TopicPartition } from '../../common/topic-partition.js';
import { type CommitOffset } from '../client/consumer-client.js';
import { type ConsumerDescription } from '../listener/container-description.js';
import { type CommitOptions, type CommitTarget } from '../listener/listener-consumer.js';
import { type PlainError } from './plain-error.js';

// What crosses between a container and a consumer of it that lives in a thread of its own.

/** What a container asks for, and is answered when it is done. */
export type ConsumerRequest =
  | {
      readonly do: 'start';
      readonly workers: number;
      readonly isPaused: boolean;
      readonly pausedPartitions: readonly TopicPartition[];
    }
  /** Answered when nothing starts any more. */
  | { readonly do: 'pause' }
  | { readonly do: 'stop' }
  | {
      readonly do: 'seek';
      readonly target: Exclude<SeekTarget, (current: number) => number>;
      readonly partitions: readonly TopicPartition[] | undefined;
    }
  | {
      readonly do: 'commit';
      readonly targets: readonly CommitTarget[] | undefined;
      readonly options: CommitOptions | undefined;
    }
  /** Nothing: says that its event loop turns, and how things stand. */
  | { readonly do: 'look' };

export type ToConsumerThread =
  | { readonly type: 'ask'; readonly request: number; readonly body: ConsumerRequest }
  /** A stop that is under way waits no longer for handlers. */
  | { readonly type: 'deadline' }
  | { readonly type: 'resume' }
  | { readonly type: 'workers'; readonly count: number }
  /** A partition was paused or resumed somewhere: it goes with the partition. */
  | { readonly type: 'mark'; readonly topic: string; readonly partition: number; readonly isPaused: boolean }
  | { readonly type: 'rebalance' };

export type FromConsumerThread =
  | {
      readonly type: 'answer';
      readonly request: number;
      readonly error: PlainError | undefined;
      /** What a commit has committed. */
      readonly committed: readonly CommitOffset[];
    }
  /** How things stand; comes before events that change who has what, else a few times a second. */
  | { readonly type: 'status'; readonly status: ConsumerDescription }
  /** An event of the container, as `toPlainValue` makes it. */
  | { readonly type: 'event'; readonly event: unknown }
  | { readonly type: 'marked'; readonly topic: string; readonly partition: number; readonly isPaused: boolean }
  | { readonly type: 'fatal'; readonly error: PlainError };
