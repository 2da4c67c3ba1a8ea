import 'reflect-metadata';
import { KAFKA_LISTENERS } from './metadata-keys.js';

// @KafkaListener: a method says which topics it handles, and how. Metadata only; a running application finds it.

/** When finished work is committed. Spring's names: `ContainerProperties.AckMode`. */
export type ListenerAckMode = 'RECORD' | 'BATCH' | 'TIME' | 'COUNT' | 'COUNT_TIME' | 'MANUAL' | 'MANUAL_IMMEDIATE';

/** Which records must not overtake each other. */
export type ListenerOrder = 'partition' | 'key' | 'none';

/** A class that payloads are turned into. */
export type PayloadClass = abstract new (...args: never[]) => unknown;

/**
 * What a listener method declares. Every string may hold placeholders, `${orders.topic}` or `${orders.topic:orders}`,
 * filled from the application's configuration at start; numbers and booleans may be given as such strings too.
 */
export interface KafkaListenerOptions {
  /**
   * Name in the container registry, unique in the application. Default `Class.method`. Like in Spring, an id given
   * here is also the consumer group when `groupId` is absent.
   */
  readonly id?: string;
  /** Topics to subscribe to; one string may hold several, separated by commas. At least one. */
  readonly topics: string | readonly string[];
  /** Consumer group (Kafka `group.id`). Default: `id`, then `kafka.consumer.group-id`; none of them is an error. */
  readonly groupId?: string;
  /** Consumers that this listener opens in its group, 1 to 1000. Default `kafka.listener.concurrency`, 1. */
  readonly concurrency?: number | string;
  /**
   * Handlers of one consumer that may run at the same time, 1 to 10000. Default: absent, each consumer handles its
   * records one after another.
   */
  readonly workers?: number | string;
  /**
   * With `workers`: records of one partition (`partition`), of one key (`key`) or none at all stay in order. Default
   * `partition`.
   */
  readonly order?: ListenerOrder;
  /** When offsets are committed. Default `kafka.listener.ack-mode`, `BATCH`. Case and `-`/`_` do not matter. */
  readonly ackMode?: ListenerAckMode | (string & {});
  /** True: the method receives arrays, all records of a poll at once. Default `kafka.listener.type` = `batch`. */
  readonly batch?: boolean | string;
  /** False: created, but not started with the application. Default `kafka.listener.auto-startup`, true. */
  readonly autoStartup?: boolean | string;
  /** Name of the connection. Default `default`. */
  readonly connection?: string;
  /** Class of the payload where the parameter's own type does not tell: interfaces, elements of a batch's array. */
  readonly payload?: PayloadClass;
  /** Kafka consumer properties for this listener alone, over the configured ones: `{ 'max.poll.records': '50' }`. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Makes a provider's or controller's method a listener of Kafka records (Spring: `@KafkaListener`). Several on one
 * method make several listeners. Pipes, guards, interceptors and filters apply, the global ones too.
 *
 * The method is called with the payload, or with what its parameters' decorators ask for; it may be synchronous or
 * return a promise, and a record is finished when that is. What it throws makes the record failed.
 *
 * @throws {NestdawError} KAFKA_CONFIG_INVALID at start, naming class, method and parameter, for anything impossible.
 */
export function KafkaListener(options: KafkaListenerOptions): MethodDecorator {
  return (_target, _name, descriptor: PropertyDescriptor) => {
    const method = descriptor.value as object;
    const before = (Reflect.getOwnMetadata(KAFKA_LISTENERS, method) ?? []) as KafkaListenerOptions[];
    // Decorators run from the last to the first: putting each in front keeps the order of the source.
    Reflect.defineMetadata(KAFKA_LISTENERS, [options, ...before], method);
  };
}
