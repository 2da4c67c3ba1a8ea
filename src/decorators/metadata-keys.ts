// Keys under which decorators leave what they know. `Symbol.for`, so that the ES and the CommonJS build, which may be
// loaded side by side, find each other's metadata.

/** On a method's function, or on a class: `KafkaListenerOptions[]`, one per `@KafkaListener`. */
export const KAFKA_LISTENERS = Symbol.for('nestdaw:listeners');

/** On a method's function: `KafkaHandlerOptions` of `@KafkaHandler`. */
export const KAFKA_HANDLER = Symbol.for('nestdaw:handler');

/** On a method's function, or on a class: `RetryableTopicOptions` of `@RetryableTopic`. */
export const RETRYABLE_TOPIC = Symbol.for('nestdaw:retryable-topic');

/** On a method's function: true where it takes dead letters. */
export const DLT_HANDLER = Symbol.for('nestdaw:dlt-handler');

/** On a method's function: `ContainerEventSubscription[]`, one per `@OnContainerEvent`. */
export const CONTAINER_EVENTS = Symbol.for('nestdaw:container-events');

/** On a method's function: `RebalanceSubscription[]`, one per `@OnPartitionsAssigned` and its like. */
export const REBALANCE_SUBSCRIPTIONS = Symbol.for('nestdaw:rebalance-subscriptions');

/** On a method's function, or on a class: `SendToMetadata` of `@SendTo`. */
export const KAFKA_SEND_TO = Symbol.for('nestdaw:send-to');
/** On a method's function, or on a class: `ExternalOffsetsOptions` of `@ExternalOffsets`. */
export const KAFKA_OFFSETS = Symbol.for('nestdaw:offsets');

/** On a method's function, or on a class: `SequenceGuardOptions` of `@SequenceGuard`. */
export const KAFKA_SEQUENCE = Symbol.for('nestdaw:sequence');

/** On a method's function, or on a class: `IdempotentOptions` of `@Idempotent`. */
export const KAFKA_IDEMPOTENT = Symbol.for('nestdaw:idempotent');

/** On a method's function: `ProducerOptions` of `@Producer`. */
export const KAFKA_PRODUCER = Symbol.for('nestdaw:producer');

/** On a prototype: `SenderProperty[]`, one per `@Producer` on a property. */
export const KAFKA_SENDERS = Symbol.for('nestdaw:senders');

/** Property of an instance (or, for scoped providers, a prototype): the `ProducerBinding` of a running application. */
export const PRODUCER_BINDING = Symbol.for('nestdaw:producer-binding');

/** On a method's function: `TransactionalOptions` of `@Transactional`. */
export const TRANSACTIONAL = Symbol.for('nestdaw:transactional');

/**
 * Property of an instance (or, for scoped providers, a prototype): the `TransactionBinding` of a running application.
 */
export const TRANSACTION_BINDING = Symbol.for('nestdaw:transaction-binding');

/** On a method's function: `OutboxOptions` of `@Outbox`. */
export const KAFKA_OUTBOX = Symbol.for('nestdaw:outbox');

/** Property of an instance (or, for scoped providers, a prototype): the `OutboxBinding` of a running application. */
export const OUTBOX_BINDING = Symbol.for('nestdaw:outbox-binding');

/**
 * Nest's own key for parameter metadata. A private key would lose pipes given as classes: Nest's scanner registers
 * those from this key only.
 */
export const PARAMETERS = '__routeArguments__';

/** What `createParamDecorator` puts into the keys of its entries. */
export const CUSTOM_PARAMETER = '__customRouteArgs__';

/**
 * Kinds of parameters. The payload's number is that of a request body, and of `@Payload()` from
 * `@nestjs/microservices`: pipes see it as `body`, where `ValidationPipe` and its like act by default. `context` is
 * the number of `@Ctx()` there. The others are ours alone and reach pipes as `custom`.
 */
export const PARAMETER_KINDS = {
  payload: 3,
  context: 6,
  key: 9101,
  header: 9102,
  headers: 9103,
  acknowledgment: 9104,
  record: 9105,
  signal: 9106,
  consumer: 9107,
  message: 9108,
  sql: 9150,
} as const;

export type ParameterKind = keyof typeof PARAMETER_KINDS;
