import { type OutgoingRecord } from '../../common/record.js';
import { type ProducerMetricValues } from '../client/producer-client.js';
import { type PlainError } from './plain-error.js';
import { type SendPack } from './send-codec.js';

// What crosses between a thread that sends by a producer of the application, and that producer.

/** What a thread asks for, and is answered when it is done. */
export type ProducerRequest =
  /** Which one the thread means by its number; how it takes sends is told before the answer. */
  | { readonly do: 'open'; readonly connection: string; readonly name: string | undefined }
  | { readonly do: 'flush' }
  | { readonly do: 'count partitions'; readonly topic: string }
  | { readonly do: 'describe partitions'; readonly topic: string };

export type FromSendingThread =
  | {
      readonly type: 'send';
      readonly producer: number;
      /** In the order of the sends. */
      readonly pack: SendPack;
      /** Keys and values as they were, one entry a record, where the producer wants them. */
      readonly given: readonly CrossedGiven[] | undefined;
      /** What the thread counts for them. */
      readonly bytes: number;
    }
  | {
      readonly type: 'ask producer';
      readonly producer: number;
      readonly request: number;
      readonly body: ProducerRequest;
    }
  | {
      readonly type: 'resume producer';
      readonly producer: number;
      readonly topic: string | undefined;
      readonly partition: number | undefined;
    };

/** Key and value before serialization; undefined where nobody gave them, `serialized` where they cannot cross. */
export type CrossedGiven = OutgoingRecord['given'] | 'serialized';

export type ToSendingThread =
  | {
      readonly type: 'producer answers';
      readonly request: number;
      readonly error: PlainError | undefined;
      readonly value: unknown;
    }
  | {
      readonly type: 'sent';
      readonly producer: number;
      /** Of all that the thread has sent, the part that has come in, in its own count of bytes. */
      readonly taken: number;
      readonly results: SendResultPack | undefined;
      readonly failures: readonly SendFailure[];
      /** What has changed. */
      readonly terms: Partial<ProducerTerms>;
    };

/** How a producer takes the sends of a thread. */
export interface ProducerTerms {
  readonly hasRoom: boolean;
  readonly wantsGiven: boolean;
  /** Bytes that may be on their way to the producer while the thread says that it has room. */
  readonly window: number;
  /** Bytes that may be on their way at all. */
  readonly bufferMemory: number;
  /** As `toPlainValue` makes it of `StoppedDelivery`s. */
  readonly stopped: unknown;
  readonly metrics: ProducerMetricValues;
}

/**
 * Records that are stored, by partition: index of the topic, partition, count, and for each record its slot, offset and
 * timestamp.
 */
export interface SendResultPack {
  readonly topics: readonly string[];
  readonly numbers: Float64Array<ArrayBuffer>;
}

/** Records that failed with the same error. */
export interface SendFailure {
  readonly error: PlainError;
  readonly slots: readonly number[];
}
