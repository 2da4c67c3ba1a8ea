// The public door: Kafka for Nest applications. The broker has a door of its own (`nestdaw/broker`), and so has what
// tests use (`nestdaw/testing`).

/** Delays between deliveries, for error handlers. */
export { type Backoff, type ExponentialBackoffOptions, exponentialBackoff, fixedBackoff } from './common/backoff.js';
/** Errors: recognise one by its `code`, with `hasCode`, never by its class. */
export { BatchListenerFailedError } from './common/batch-error.js';
export type { ErrorClass } from './common/error-class.js';
export { hasCode, NestdawError, type NestdawErrorCode } from './common/errors.js';
export { KafkaHeaders } from './common/kafka-headers.js';
export type { Logger } from './common/logger.js';
export type {
  ListenerMetadata,
  OffsetAndMetadataProvider,
  OffsetMetadataFunction,
} from './common/offset-metadata.js';
/** Records as listeners receive them raw. */
export type { KafkaRecord, RecordHeader } from './common/record.js';
export type { SeekTarget } from './common/seek-target.js';
export type { TopicPartition } from './common/topic-partition.js';
/** Decorators: listeners, producers, parameters, injection. */
export {
  Ack,
  type BackOffOptions,
  type BatchOptions,
  type BlockingRetryOptions,
  Consumer,
  type ContainerErrorHandler,
  type ContainerEventSubscription,
  type ContainerOptions,
  Context,
  DEFAULT_CONNECTION,
  type DeserializerReference,
  DltHandler,
  ExternalOffsets,
  type ExternalOffsetsOptions,
  type FailedCall,
  type FilteredRecord,
  getDeadLettersToken,
  getKafkaAdminToken,
  getKafkaTemplateToken,
  getKafkaTransactionManagerToken,
  getRangeReaderToken,
  Header,
  type HeaderOptions,
  Headers,
  Idempotent,
  type IdempotentOptions,
  type IdempotentWindow,
  type InboxOptions,
  type InitialOffset,
  InjectKafkaAdmin,
  InjectKafkaTemplate,
  InjectKafkaTransactionManager,
  type InterceptorReference,
  type KafkaContainerOptions,
  KafkaHandler,
  type KafkaHandlerOptions,
  KafkaListener,
  type KafkaListenerOptions,
  Key,
  type ListenerAckMode,
  type ListenerBudget,
  type ListenerErrorFunction,
  type ListenerErrorHandler,
  type ListenerOrder,
  type ListenerPool,
  type ListenerRate,
  Message,
  type MessageIdFunction,
  OnContainerEvent,
  OnPartitionsAssigned,
  OnPartitionsLost,
  OnPartitionsRevokedAfterCommit,
  OnPartitionsRevokedBeforeCommit,
  Outbox,
  type OutboxOptions,
  type ParameterPipe,
  Payload,
  type PayloadClass,
  type ProducedHeader,
  Producer,
  type ProducerOptions,
  type PropertyPath,
  type ProviderReference,
  type ReadFunction,
  type RebalanceOptions,
  Record,
  type RecordFilter,
  type RecordPredicate,
  RecordToSend,
  type RecordToSendParts,
  type ReplyQuestion,
  type ReplyTopicFunction,
  RetryableTopic,
  type RetryableTopicOptions,
  type RetryListenerOptions,
  type RetryListenerReference,
  SendTo,
  type SendToOptions,
  SequenceGuard,
  type SequenceGuardOptions,
  Signal,
  Sql,
  type SteeredWorkers,
  type TopicPartitions,
  Transactional,
  type TransactionalOptions,
} from './decorators/index.js';
/** Topics, configs, offsets and groups of a cluster. */
export type { ConfigEntry, ConfigOrigin, ConfigOwner } from './runtime/client/admin/config-admin.js';
export type {
  GroupDescription,
  GroupListing,
  GroupMemberDescription,
  GroupOffset,
} from './runtime/client/admin/group-admin.js';
export { type GroupLag, KafkaAdmin } from './runtime/client/admin/kafka-admin.js';
export type { LogDir } from './runtime/client/admin/log-dir-admin.js';
export {
  NewTopic,
  NewTopics,
  TopicBuilder,
  type TopicBuilding,
  type TopicOptions,
} from './runtime/client/admin/new-topic.js';
export type { PartitionOffset } from './runtime/client/admin/offset-admin.js';
export type { TopicDescription } from './runtime/client/admin/topic-admin.js';
/** Assignment strategies of one's own: `assignors` of the module. */
export type {
  Assignor,
  AssignorMember,
  GroupAssignment,
  OwnedPartitions,
} from './runtime/client/consumer/assignors/assignor.js';
/** Transactions. */
export type { GroupMetadata } from './runtime/client/consumer-client.js';
export type { KafkaPartitioner, PartitionerCluster } from './runtime/client/producer/partitioner.js';
/** Sending. */
export type {
  ProducerClient,
  ProducerMetricValues,
  RecordMetadata,
  StoppedDelivery,
  TopicPartitionInfo,
} from './runtime/client/producer-client.js';
export {
  RangeReader,
  type RangeReadOptions,
  type RangeReport,
  type RecordRange,
} from './runtime/client/range-reader.js';
/**
 * Configuration as it is in force: `properties.get('consumer.max-poll-records')`, `environment.get('orders.topic')`.
 */
export type { ConfigName, ConfigValue } from './runtime/config/config-keys.js';
export { Environment } from './runtime/config/environment.js';
export { KafkaProperties } from './runtime/config/kafka-properties.js';
export { PROPERTY_OVERRIDES } from './runtime/config/property-overrides.js';
export type { DeadLetter, DeadLetterState } from './runtime/dead-letters/dead-letter.js';
export type { DeadLetterFilter } from './runtime/dead-letters/dead-letter-filter.js';
/** Failed records: what becomes of them, and dead letters. */
export {
  type DeadLetterDestination,
  type DeadLetterPublishingOptions,
  DeadLetterPublishingRecoverer,
} from './runtime/dead-letters/dead-letter-publishing-recoverer.js';
export {
  type DeadLetterSelection,
  DeadLetters,
  type ReplayOptions,
  type ReplayReport,
  type ReplayTarget,
} from './runtime/dead-letters/dead-letters.js';
export type { HeaderToAdd } from './runtime/dead-letters/failure-headers.js';
export {
  DEAD_LETTER_HEADERS,
  type FailureHeaderNames,
  RETRY_TOPIC_HEADERS,
} from './runtime/dead-letters/header-names.js';
export type { RecordSender } from './runtime/dead-letters/record-sender.js';
/** Stores of message ids, for `@Idempotent`. */
export type { ClaimAnswer, Claimant, DedupStore, DedupWindow, IdGroup } from './runtime/dedup/dedup-store.js';
export { MemoryDedupStore } from './runtime/dedup/memory-dedup-store.js';
export { type RedisDedupOptions, RedisDedupStore } from './runtime/dedup/redis-dedup-store.js';
export { type SqlDedupOptions, SqlDedupStore, sqlDedupTable } from './runtime/dedup/sql-dedup-store.js';
export type { AckMode } from './runtime/dispatch/commit-policy.js';
export type { Order } from './runtime/dispatch/key-dispatcher.js';
/** The module. */
export { KafkaModule, type KafkaModuleAsyncOptions, type KafkaModuleOptions } from './runtime/kafka.module.js';
export { ConsumerRecords } from './runtime/listener/consumer-records.js';
/** Listener containers at run time: start, stop, pause, resume, look at. */
export type { ContainerDescription, ThreadDescription } from './runtime/listener/container-description.js';
export type { ContainerEvent } from './runtime/listener/container-events.js';
export { ContainerGroup } from './runtime/listener/container-group.js';
export { ContainerRegistry, type ListenerEvent } from './runtime/listener/container-registry.js';
export type { ConsumerInterceptor } from './runtime/listener/delivery/consumer-interceptors.js';
export type { BatchInterceptor, RecordInterceptor } from './runtime/listener/delivery/interceptors.js';
export type { RateLimit } from './runtime/listener/delivery/rate-limit.js';
export {
  type DefaultErrorHandlerOptions,
  defaultErrorHandler,
  delegatingErrorHandler,
  type ErrorHandler,
  type FailureDecision,
  type FailurePolicy,
  type FailureRules,
  loggingErrorHandler,
  stoppingErrorHandler,
} from './runtime/listener/failures/error-handler.js';
export type { ErrorMatch } from './runtime/listener/failures/error-match.js';
export type { Failure } from './runtime/listener/failures/failure.js';
export type { Recoverer, RecovererFunction, RecovererTools } from './runtime/listener/failures/recoverer.js';
export type { RetryListener } from './runtime/listener/failures/retry-listener.js';
export type { StopReason } from './runtime/listener/failures/stop-reason.js';
export type { CommitOptions, CommitTarget, ListenerConsumer } from './runtime/listener/listener-consumer.js';
export { ListenerContainer } from './runtime/listener/listener-container.js';
export type { Acknowledgment, ListenerEndpoint, Outcome } from './runtime/listener/listener-endpoint.js';
export type { KafkaRebalanceListener, PartitionPosition } from './runtime/listener/partitions/rebalance-callbacks.js';
export type { HotPartition } from './runtime/listener/watches/hot-partition.js';
export type { ClientFactories } from './runtime/nest/connection/connection-options.js';
/** What guards, interceptors and filters find in `switchToRpc().getContext()`. */
export { KafkaListenerContext } from './runtime/nest/handlers/listener-context.js';
export { KafkaListenerEvents } from './runtime/nest/listeners/listener-events.js';
export {
  type FunctionListener,
  KafkaListenerRegistrar,
  type MethodListener,
  type RetryableListenerOptions,
} from './runtime/nest/listeners/listener-registrar.js';
/** Requests and replies. */
export {
  type AggregatingTemplateSettings,
  provideAggregatingReplyingKafkaTemplate,
  provideReplyingKafkaTemplate,
  type ReplyingTemplateSettings,
} from './runtime/nest/replies/provide-replying-template.js';
/** Turns what a listener throws into a reply for who asked. */
export { replyWithError } from './runtime/nest/replies/reply-with-error.js';
/** The outbox: messages that commit with the application's own rows. */
export {
  type KafkaOutboxAsyncOptions,
  KafkaOutboxModule,
  type KafkaOutboxOptions,
} from './runtime/nest/sending/kafka-outbox.module.js';
export type { SendExtensionOptions } from './runtime/nest/sending/send-extensions.js';
export type { TopicSender } from './runtime/nest/sending/topic-sender.js';
/** Nest's own `@EventPattern` and `@MessagePattern` handlers, served by listener containers. */
export { MicroserviceContext } from './runtime/nest/strategy/microservice-context.js';
export { type KafkaClientSettings, NestdawClient, provideKafkaClient } from './runtime/nest/strategy/nestdaw-client.js';
export { NestdawStrategy } from './runtime/nest/strategy/nestdaw-strategy.js';
export type { PatternListenerOptions } from './runtime/nest/strategy/pattern-table.js';
export type { ThreadsOptions } from './runtime/nest/threads/threads-options.js';
/** Stores of offsets, for `@ExternalOffsets`. */
export { FileOffsetStore } from './runtime/offsets/file-offset-store.js';
export type { OffsetStore, OffsetToStore, StoredOffset } from './runtime/offsets/offset-store.js';
export { type RedisOffsetOptions, RedisOffsetStore } from './runtime/offsets/redis-offset-store.js';
export { type SqlOffsetOptions, SqlOffsetStore, sqlOffsetTable } from './runtime/offsets/sql-offset-store.js';
export type { OutboxRelayState } from './runtime/outbox/outbox-relay.js';
export type { OutboxBacklog } from './runtime/outbox/outbox-store.js';
export { outboxTables } from './runtime/outbox/outbox-tables.js';
export { type OutboxState, OutboxTemplate } from './runtime/outbox/outbox-template.js';
export { type RedisRunner, type RedisScript, redisRunner } from './runtime/redis/redis-scripts.js';
/** Retry topics, and where records wait for their time. */
export type { DelayedMessage, DelayStore } from './runtime/retry/delays/delay-store.js';
export { sqlDelayTable } from './runtime/retry/delays/delay-tables.js';
export { type SqlDelayOptions, SqlDelayStore } from './runtime/retry/delays/sql-delay-store.js';
export { RetryHeaders } from './runtime/retry/retry-headers.js';
export {
  RetryTopicConfiguration,
  RetryTopicConfigurationBuilder,
} from './runtime/retry/retry-topic-configuration.js';
/** SQL over the client that the application has, for what commits together with the application's own rows. */
export { currentSqlTransaction } from './runtime/sql/current-transaction.js';
export { sqlDatabase } from './runtime/sql/sql-client.js';
export type {
  SqlDatabase,
  SqlDialect,
  SqlResult,
  SqlRow,
  SqlRunner,
  SqlStatement,
  SqlTransaction,
} from './runtime/sql/sql-database.js';
export type { DelayedSend, DelayOptions } from './runtime/template/delayed-send.js';
export {
  KafkaTemplate,
  type KafkaTemplateOptions,
  type RecordParts,
  type RecordPosition,
  type RecordReader,
} from './runtime/template/kafka-template.js';
export type { ProducerInterceptor } from './runtime/template/producer-interceptor.js';
export type { ProducerListener } from './runtime/template/producer-listener.js';
export {
  type KafkaMessage,
  type ProducerRecord,
  type SendResult,
  withHeaders,
} from './runtime/template/producer-record.js';
export {
  type AggregatedReplies,
  AggregatingReplyingKafkaTemplate,
  type ReleaseStrategy,
} from './runtime/template/replies/aggregating-replying-kafka-template.js';
export {
  type Reply,
  type ReplyErrorChecker,
  ReplyFailedError,
  type ReplyFuture,
} from './runtime/template/replies/reply.js';
export type { RequestOptions } from './runtime/template/replies/reply-exchange.js';
export { ReplyingKafkaTemplate } from './runtime/template/replies/replying-kafka-template.js';
export {
  RoutingKafkaTemplate,
  type RoutingTemplateOptions,
  type TopicRoute,
} from './runtime/template/routing-kafka-template.js';
export type { SendAllResult } from './runtime/template/send-all.js';
export type { ObservedSend, SendObservation, SendObserver } from './runtime/template/send-observer.js';
export {
  type AvroSchema,
  AvroSerde,
  type AvroSerdeOptions,
  avroSerde,
  type SubjectStrategy,
} from './runtime/template/serdes/avro/avro-serde.js';
export type { SchemaRegistryOptions } from './runtime/template/serdes/avro/schema-registry.js';
export {
  headerDeserializer,
  headerSerializer,
  type TopicDelegates,
  topicDeserializer,
  topicSerializer,
  typeSerializer,
  type ValueType,
} from './runtime/template/serdes/delegating-serdes.js';
/** What turns keys and values into bytes and back. */
export { type JsonSerializerOptions, jsonSerializer } from './runtime/template/serdes/json-serde.js';
export { type JsonClass, JsonTypes, type JsonTypeTable } from './runtime/template/serdes/json-types.js';
export { OutgoingHeaders } from './runtime/template/serdes/outgoing-headers.js';
export { DeserializationError } from './runtime/template/serdes/refusals.js';
export type {
  Deserializer,
  KafkaDeserializer,
  KafkaSerializer,
  Serde,
  SerdeProperties,
  Serializer,
  SerializerReference,
} from './runtime/template/serdes/serde.js';
export { Serdes } from './runtime/template/serdes/serdes.js';
export type { HeadersInput, HeaderValue, RecordKey } from './runtime/template/serializers.js';
export type { TemplateHealth, TemplateProblem } from './runtime/template/template-health.js';
export { KafkaTransaction, type OffsetOwner, type TransactionOffset } from './runtime/template/transaction.js';
export {
  KafkaTransactionManager,
  type Propagation,
  type TransactionOptions,
} from './runtime/template/transaction-manager.js';
