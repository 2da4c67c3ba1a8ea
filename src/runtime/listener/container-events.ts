import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type KafkaRecord } from '../../common/record.js';
import { type TopicPartition } from '../../common/topic-partition.js';
import { type CommitOffset, type ConsumerEvent, type Refusal } from '../client/consumer-client.js';
import { type ArrivalReport } from './commits/record-account.js';
import { type FailureDecision } from './failures/error-handler.js';
import { type StopReason } from './failures/stop-reason.js';

// What happens in a container, for logs, metrics, health and tests. `consumer` is the index of the consumer.

export type ContainerEvent =
  /** Its consumers are about to be opened. */
  | { readonly type: 'starting'; readonly consumers: number }
  | { readonly type: 'started'; readonly consumers: number }
  /** It could not start; `stopped` follows. */
  | { readonly type: 'start-failed'; readonly error: unknown }
  /** Login or rights were refused; it starts again after so long. */
  | {
      readonly type: 'auth-retry';
      readonly reason: Refusal;
      readonly error: unknown;
      readonly afterMs: number;
    }
  /** It has started again after it was refused. */
  | { readonly type: 'auth-retry-successful' }
  | {
      readonly type: 'assigned';
      readonly consumer: number;
      readonly added: readonly TopicPartition[];
      readonly kept: readonly TopicPartition[];
    }
  | { readonly type: 'revoked'; readonly consumer: number; readonly partitions: readonly TopicPartition[] }
  | { readonly type: 'lost'; readonly consumer: number; readonly partitions: readonly TopicPartition[] }
  /** Running handlers were waited for; `unfinished` of them had not ended at the deadline. */
  | { readonly type: 'drained'; readonly consumer: number; readonly ms: number; readonly unfinished: number }
  | { readonly type: 'committed'; readonly consumer: number; readonly offsets: readonly CommitOffset[] }
  | {
      readonly type: 'commit-failed';
      readonly consumer: number;
      readonly offsets: readonly CommitOffset[];
      readonly error: unknown;
    }
  | {
      readonly type: 'failed';
      readonly consumer: number;
      readonly record: KafkaRecord;
      readonly error: unknown;
      readonly attempt: number;
      readonly decision: FailureDecision;
    }
  /** A failed record was taken over, to another topic say, and is finished. */
  | {
      readonly type: 'recovered';
      readonly consumer: number;
      readonly record: KafkaRecord;
      readonly error: unknown;
      readonly attempt: number;
    }
  /** Taking it over failed; the record is unfinished and comes again. */
  | {
      readonly type: 'recovery-failed';
      readonly consumer: number;
      readonly record: KafkaRecord;
      readonly error: unknown;
    }
  /** Records that had been handled before, told by their ids; the handler did not get them again. */
  | { readonly type: 'duplicates'; readonly consumer: number; readonly records: readonly KafkaRecord[] }
  /** A transaction was aborted; the records of these partitions that it covered are delivered again. */
  | { readonly type: 'rolled-back'; readonly consumer: number; readonly partitions: readonly TopicPartition[] }
  /** Numbers of a producer are missing, come twice or come late; see `@SequenceGuard`. */
  | ({ readonly type: 'sequence'; readonly consumer: number } & ArrivalReport)
  /** A handler nears or passed max.poll.interval.ms. */
  | {
      readonly type: 'slow';
      readonly consumer: number;
      readonly record: KafkaRecord;
      readonly ms: number;
      readonly aborted: boolean;
    }
  /** Nothing of a partition was finished for max.poll.interval.ms, and there is something to do; told once. */
  | {
      readonly type: 'stalled';
      readonly consumer: number;
      readonly partition: TopicPartition;
      readonly ms: number;
      /** Offsets between the committable one and the end of the log. */
      readonly lag: number;
      /** Offset of the oldest record that is not finished. */
      readonly oldest: number;
    }
  /** Records that are not handled yet have used up 80 % of their topic's retention.ms: they will soon be deleted. */
  | {
      readonly type: 'retention-near';
      readonly consumer: number;
      readonly partition: TopicPartition;
      readonly position: number;
      /** How many offsets from the position on are that old. */
      readonly records: number;
      readonly retentionMs: number;
    }
  /** Something held the event loop for more than a third of session.timeout.ms while handlers of these records ran. */
  | {
      readonly type: 'loop-held';
      readonly consumer: number;
      readonly records: readonly KafkaRecord[];
      readonly ms: number;
    }
  /** Positions were moved by `seek`. */
  | {
      readonly type: 'sought';
      readonly consumer: number;
      readonly partition: TopicPartition;
      readonly from: number;
      readonly to: number;
    }
  /** No record has come for a while; again and again as long as that lasts. */
  | {
      readonly type: 'idle';
      readonly consumer: number;
      readonly ms: number;
      readonly partitions: readonly TopicPartition[];
      readonly isPaused: boolean;
    }
  | { readonly type: 'no-longer-idle'; readonly consumer: number; readonly ms: number }
  /** The same for one partition; `isPaused` when it is paused, alone or with the whole listener. */
  | {
      readonly type: 'partition-idle';
      readonly consumer: number;
      readonly ms: number;
      readonly partition: TopicPartition;
      readonly isPaused: boolean;
    }
  | {
      readonly type: 'partition-no-longer-idle';
      readonly consumer: number;
      readonly ms: number;
      readonly partition: TopicPartition;
    }
  /** A worker thread of the listener is ready. */
  | { readonly type: 'thread-started'; readonly thread: string }
  /** A worker thread is gone that nobody asked to end: how many records failed with it, and how many run again. */
  | {
      readonly type: 'thread-died';
      readonly thread: string;
      readonly error: Error;
      readonly failed: number;
      readonly requeued: number;
    }
  /** A pool that steers itself has another number of workers. */
  | { readonly type: 'resized'; readonly consumer: number; readonly from: number; readonly to: number }
  | { readonly type: 'stopping' }
  | { readonly type: 'paused'; readonly by: 'user' | 'error'; readonly partitions: readonly TopicPartition[] }
  | { readonly type: 'resumed'; readonly partitions: readonly TopicPartition[] }
  /** With the cause when it did not stop on request. */
  | { readonly type: 'stopped'; readonly reason: StopReason; readonly cause: unknown }
  /** Something the consumer tells: joins, resets of a position, lost connections. */
  | { readonly type: 'client'; readonly consumer: number; readonly event: ConsumerEvent };

/** Every type of event, by name. */
export const CONTAINER_EVENT_TYPES: ReadonlySet<string> = new Set<ContainerEvent['type']>([
  'starting',
  'started',
  'start-failed',
  'auth-retry',
  'auth-retry-successful',
  'assigned',
  'revoked',
  'lost',
  'drained',
  'committed',
  'commit-failed',
  'failed',
  'recovered',
  'recovery-failed',
  'duplicates',
  'sequence',
  'rolled-back',
  'slow',
  'stalled',
  'retention-near',
  'loop-held',
  'sought',
  'idle',
  'no-longer-idle',
  'partition-idle',
  'partition-no-longer-idle',
  'thread-started',
  'thread-died',
  'paused',
  'resumed',
  'resized',
  'stopping',
  'stopped',
  'client',
]);

export type ContainerEventListener = (event: ContainerEvent) => void;

export class ContainerEvents {
  readonly #listeners = new Set<ContainerEventListener>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Calls `listener` for every event, in order; the returned function ends that. */
  on(listener: ContainerEventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A listener that throws must not disturb the container. */
  emit(event: ContainerEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#logger.error(`a listener of container event '${event.type}' threw: ${messageOf(error)}`, error);
      }
    }
  }
}
