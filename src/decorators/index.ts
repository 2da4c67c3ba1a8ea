// Everything a class can say about itself.

export { DEFAULT_CONNECTION } from '../common/connection-name.js';
export type {
  ContainerErrorHandler,
  ContainerOptions,
  InterceptorReference,
  ListenerBudget,
  ListenerRate,
  RetryListenerReference,
  SteeredWorkers,
} from './container-options.js';
export { ExternalOffsets, type ExternalOffsetsOptions } from './external-offsets.js';
export type { FilteredRecord } from './filtered-record.js';
export {
  Idempotent,
  type IdempotentOptions,
  type IdempotentWindow,
  type MessageIdFunction,
} from './idempotent.js';
export {
  getDeadLettersToken,
  getKafkaAdminToken,
  getKafkaTemplateToken,
  getKafkaTransactionManagerToken,
  getRangeReaderToken,
  InjectKafkaAdmin,
  InjectKafkaTemplate,
  InjectKafkaTransactionManager,
} from './inject-kafka-template.js';
export type { KafkaContainerOptions } from './kafka-container-options.js';
export { KafkaHandler } from './kafka-handler.js';
export { KafkaListener } from './kafka-listener.js';
export type {
  BatchOptions,
  DeserializerReference,
  FailedCall,
  InboxOptions,
  InitialOffset,
  KafkaHandlerOptions,
  KafkaListenerOptions,
  ListenerAckMode,
  ListenerErrorFunction,
  ListenerErrorHandler,
  ListenerOrder,
  ListenerPool,
  PayloadClass,
  ReadFunction,
  RecordFilter,
  RecordPredicate,
  TopicPartitions,
} from './listener-options.js';
export { type ContainerEventSubscription, OnContainerEvent } from './on-container-event.js';
export {
  OnPartitionsAssigned,
  OnPartitionsLost,
  OnPartitionsRevokedAfterCommit,
  OnPartitionsRevokedBeforeCommit,
  type RebalanceOptions,
} from './on-partitions.js';
export { Outbox, type OutboxOptions } from './outbox.js';
export {
  Ack,
  Consumer,
  Context,
  Header,
  type HeaderOptions,
  Headers,
  Key,
  Message,
  type ParameterPipe,
  Payload,
  Record,
  Signal,
  Sql,
} from './parameters.js';
export { Producer, type ProducerOptions, type PropertyPath } from './producer.js';
export type { ProviderReference } from './provider-reference.js';
export { type ProducedHeader, RecordToSend, type RecordToSendParts } from './record-to-send.js';
export type { ReplyQuestion, ReplyTopicFunction } from './reply-topic.js';
export {
  type BackOffOptions,
  type BlockingRetryOptions,
  DltHandler,
  RetryableTopic,
  type RetryableTopicOptions,
  type RetryListenerOptions,
} from './retryable-topic.js';
export { SendTo, type SendToOptions } from './send-to.js';
export { SequenceGuard, type SequenceGuardOptions } from './sequence-guard.js';
export { Transactional, type TransactionalOptions } from './transactional.js';
