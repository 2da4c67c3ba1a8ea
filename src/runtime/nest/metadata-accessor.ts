import 'reflect-metadata';
import { type ExternalOffsetsOptions } from '../../decorators/external-offsets.js';
import { type IdempotentOptions } from '../../decorators/idempotent.js';
import { type KafkaHandlerOptions, type KafkaListenerOptions } from '../../decorators/listener-options.js';
import {
  CONTAINER_EVENTS,
  CUSTOM_PARAMETER,
  DLT_HANDLER,
  KAFKA_HANDLER,
  KAFKA_IDEMPOTENT,
  KAFKA_LISTENERS,
  KAFKA_OFFSETS,
  KAFKA_PRODUCER,
  KAFKA_SEND_TO,
  KAFKA_SENDERS,
  KAFKA_SEQUENCE,
  PARAMETER_KINDS,
  PARAMETERS,
  type ParameterKind,
  REBALANCE_SUBSCRIPTIONS,
  RETRYABLE_TOPIC,
  TRANSACTIONAL,
} from '../../decorators/metadata-keys.js';
import { type ContainerEventSubscription } from '../../decorators/on-container-event.js';
import { type RebalanceSubscription } from '../../decorators/on-partitions.js';
import { type HeaderOptions } from '../../decorators/parameters.js';
import { type ProducerOptions, type SenderProperty } from '../../decorators/producer.js';
import { type RetryableTopicOptions } from '../../decorators/retryable-topic.js';
import { type SendToMetadata } from '../../decorators/send-to.js';
import { type SequenceGuardOptions } from '../../decorators/sequence-guard.js';
import { type TransactionalOptions } from '../../decorators/transactional.js';

// The only reader of what decorators wrote, ours and Nest's.

/** Any class, abstract ones too. */
export type AnyClass = abstract new (...args: never[]) => unknown;

/** One decorated parameter of a method. */
export interface ParameterMetadata {
  readonly index: number;
  /** `custom`: made by Nest's createParamDecorator. `foreign`: a decorator that means nothing to a listener. */
  readonly kind: ParameterKind | 'custom' | 'foreign';
  /** The name given to the decorator, such as a header's. */
  readonly data: unknown;
  readonly hasPipes: boolean;
  /** Nest's own entry and its key, to be handed on. */
  readonly entry: ParameterEntry;
  readonly key: string;
  /** The declared type, as the compiler emitted it; undefined where it emitted none. */
  readonly metatype: unknown;
}

export interface MethodParameters {
  readonly decorated: readonly ParameterMetadata[];
  /** Parameters that the method has, decorated or not. */
  readonly count: number;
  /** Declared types by index, as the compiler emitted them; empty where it emitted none. */
  readonly types: readonly unknown[];
}

/** An entry as Nest keeps it. */
export interface ParameterEntry {
  readonly index: number;
  readonly data?: unknown;
  readonly pipes?: readonly unknown[];
  readonly schema?: unknown;
  /** What `@Header` was told beside the name. */
  readonly options?: HeaderOptions;
}

const KINDS_BY_NUMBER = new Map(
  Object.entries(PARAMETER_KINDS).map(([kind, number]) => [number as number, kind as ParameterKind]),
);

/** Options of each `@KafkaListener` on a method's function, or on a class; empty when there is none. */
export function listenersOf(holder: object): readonly KafkaListenerOptions[] {
  return (Reflect.getMetadata(KAFKA_LISTENERS, holder) ?? []) as readonly KafkaListenerOptions[];
}

/** What `@OnPartitionsAssigned` and its like say on a method's function. */
export function rebalanceSubscriptionsOf(method: object): readonly RebalanceSubscription[] {
  return (Reflect.getMetadata(REBALANCE_SUBSCRIPTIONS, method) ?? []) as readonly RebalanceSubscription[];
}

/** What `@ExternalOffsets` says on a method's function, or on a class. */
export function externalOffsetsOf(holder: object): ExternalOffsetsOptions | undefined {
  return Reflect.getMetadata(KAFKA_OFFSETS, holder) as ExternalOffsetsOptions | undefined;
}

/** What `@SequenceGuard` says on a method's function, or on a class. */
export function sequenceOf(holder: object): SequenceGuardOptions | undefined {
  return Reflect.getMetadata(KAFKA_SEQUENCE, holder) as SequenceGuardOptions | undefined;
}

/** What `@Idempotent` says on a method's function, or on a class. */
export function idempotentOf(holder: object): IdempotentOptions | undefined {
  return Reflect.getMetadata(KAFKA_IDEMPOTENT, holder) as IdempotentOptions | undefined;
}

/** Options of `@KafkaHandler` on a method's function. */
export function handlerOf(method: object): KafkaHandlerOptions | undefined {
  return Reflect.getMetadata(KAFKA_HANDLER, method) as KafkaHandlerOptions | undefined;
}

/** What each `@OnContainerEvent` on a method's function wants; empty when there is none. */
export function containerEventsOf(method: object): readonly ContainerEventSubscription[] {
  return (Reflect.getMetadata(CONTAINER_EVENTS, method) ?? []) as readonly ContainerEventSubscription[];
}

/** Options of `@RetryableTopic` on a method's function, or on a class. */
export function retryableOf(holder: object): RetryableTopicOptions | undefined {
  return Reflect.getMetadata(RETRYABLE_TOPIC, holder) as RetryableTopicOptions | undefined;
}

/** Whether `@DltHandler` stands on a method's function. */
export function isDltHandler(method: object): boolean {
  return Reflect.getMetadata(DLT_HANDLER, method) === true;
}

export function producerOf(method: object): ProducerOptions | undefined {
  return Reflect.getMetadata(KAFKA_PRODUCER, method) as ProducerOptions | undefined;
}

/** Properties of a class that want a sender. */
export function sendersOf(prototype: object): readonly SenderProperty[] {
  return (Reflect.getMetadata(KAFKA_SENDERS, prototype) ?? []) as readonly SenderProperty[];
}

/** Options of `@Transactional` on a method's function. */
export function transactionalOf(method: object): TransactionalOptions | undefined {
  return Reflect.getMetadata(TRANSACTIONAL, method) as TransactionalOptions | undefined;
}

/** What `@SendTo` says on a method's function or on a class. */
export function sendToOf(holder: object): SendToMetadata | undefined {
  return Reflect.getMetadata(KAFKA_SEND_TO, holder) as SendToMetadata | undefined;
}

export function parametersOf(prototype: object, name: string): MethodParameters {
  const types = Reflect.getMetadata('design:paramtypes', prototype, name) as unknown[] | undefined;
  const entries = (Reflect.getMetadata(PARAMETERS, prototype.constructor, name) ?? {}) as Record<
    string,
    ParameterEntry
  >;
  const decorated = Object.entries(entries).map(([key, entry]) => ({
    index: entry.index,
    data: entry.data,
    kind: kindOf(key),
    hasPipes: (entry.pipes?.length ?? 0) > 0 || entry.schema !== undefined,
    entry,
    key,
    metatype: types?.[entry.index],
  }));
  const method = (prototype as Record<string, unknown>)[name] as { readonly length: number };
  const last = decorated.reduce((most, { index }) => Math.max(most, index + 1), 0);
  return { decorated, count: Math.max(types?.length ?? method.length, last), types: types ?? [] };
}

function kindOf(key: string): ParameterMetadata['kind'] {
  if (key.includes(CUSTOM_PARAMETER)) return 'custom';
  return KINDS_BY_NUMBER.get(Number(key.split(':')[0])) ?? 'foreign';
}
