import { type Clock } from '../../common/clock.js';
import { type Logger } from '../../common/logger.js';
import { type KafkaRecord } from '../../common/record.js';
import { type TopicPartition } from '../../common/topic-partition.js';
import { type ProducerClient } from '../client/producer-client.js';
import { type DelayPort } from './delayed-send.js';
import { type KafkaTemplate } from './kafka-template.js';
import { type Serializer } from './serdes/serde.js';
import { type TemplateTransactions } from './template-transactions.js';

// What a template is made with.

/** A record to look up. */
export interface RecordPosition extends TopicPartition {
  /** 0 or more. */
  readonly offset: number;
}

/** Reads single records; those that are not there are left out. */
export type RecordReader = (positions: readonly RecordPosition[], timeoutMs: number) => Promise<KafkaRecord[]>;

export interface KafkaTemplateOptions {
  /** The producer; asked at every send, since a template may be injected before its connection is open. */
  readonly producer: () => ProducerClient;
  /**
   * The producer for what is no send of the application: questions, and records that are passed on. Default: the same;
   * with transactions it serves outside of them too.
   */
  readonly passing?: () => ProducerClient;
  readonly defaultTopic?: string | undefined;
  /** Transactions of its connection. Default: there are none. */
  readonly transactions?: TemplateTransactions | undefined;
  readonly keySerializer?: Serializer;
  readonly valueSerializer?: Serializer;
  /** What `receive` reads with. */
  readonly reader?: RecordReader;
  /** The templates of named producers, for `withProducer`. */
  readonly named?: (name: string) => KafkaTemplate;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Takes records that are sent later. */
  readonly delays?: DelayPort;
}
