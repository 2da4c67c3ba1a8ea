import 'reflect-metadata';
import { KAFKA_PRODUCER, KAFKA_SENDERS, PRODUCER_BINDING } from './metadata-keys.js';
import { type ProducedHeader } from './record-to-send.js';
import { wrapMethod } from './wrapped-method.js';

// @Producer: what a method returns is sent. The decorator wraps the method with a look-up of the running
// application's binding on the instance, and nothing else: a method taken off its instance early (by a router, a
// gateway, a scheduler) sends as well, and a plain `new Service()` in a unit test runs the plain method. On a property
// it leaves a note for the running application, which puts a sender there.

/** A property of what is sent, `customerId` or `customer.id`. */
export interface PropertyPath {
  readonly property: string;
}

/** What a producing method, or a sender, declares. Strings may hold placeholders, `${orders.topic}`. */
export interface ProducerOptions<T = any> {
  /** Topic of the records: a name, a property of the value, or a function of it. */
  readonly topic: string | PropertyPath | ((value: T) => string);
  /**
   * Key of the record: a property of the value (`customerId`, `customer.id`), or a function of it. Default: no key, the
   * partition is chosen by the producer. A string, a number (as decimal text) or bytes.
   */
  readonly key?: string | PropertyPath | ((value: T) => string | number | bigint | Uint8Array | null);
  /** Partition: a number, a placeholder that is one, a property of the value, or a function. Default: by the key. */
  readonly partition?: number | string | PropertyPath | ((value: T) => number | null | undefined);
  /** Headers by name: texts, properties of the value or functions of it; or one function for all. */
  readonly headers?:
    | Readonly<Record<string, ProducedHeader | PropertyPath | ((value: T) => ProducedHeader)>>
    | ((value: T) => Readonly<Record<string, ProducedHeader>>);
  /** Whether an array, a set or the like is several records, or one. Default true: several. */
  readonly splitIterables?: boolean;
  /** Name of the connection. Default `default`. */
  readonly connection?: string;
  /** Name of a producer of that connection, `kafka.producers.<name>.…`. Default: its plain one. */
  readonly producer?: string;
}

/** Sends one method's result; put on instances by a running application. */
export type ProducerBinding = (method: object, result: unknown) => unknown;

/** `@Producer` on a property: where a sender is wanted. */
export interface SenderProperty {
  readonly name: string | symbol;
  readonly options: ProducerOptions;
}

type ProducingMethod = (...args: any[]) => Promise<any> | AsyncIterable<any>;

/**
 * On a method: what its promise resolves to is sent, and the caller's promise resolves with it once the record is
 * acknowledged. Several values (an array, a set) are several records, in their order; `RecordToSend` says key, headers,
 * partition or time of one; `undefined` sends nothing, `null` a tombstone. A failed delivery rejects the caller's
 * promise with KAFKA_DELIVERY_FAILED, KAFKA_BUFFER_FULL, KAFKA_RECORD_TOO_LARGE or KAFKA_SERIALIZATION_FAILED.
 *
 * An async iterable, or an async generator method, sends while it is read: `await service.import()` sends all of it
 * with back-pressure and resolves with the count, `for await (const order of service.import())` gives each value once
 * it is acknowledged.
 *
 * On a property: puts a `TopicSender` there, from `onModuleInit` on: `@Producer({ topic: 'orders', key: 'id' }) private
 * readonly orders!: TopicSender<Order>`.
 *
 * Spring knows this as `@SendTo`.
 */
export function Producer<T = any>(options: ProducerOptions<T>) {
  return <M extends ProducingMethod>(
    target: object,
    name: string | symbol,
    descriptor?: TypedPropertyDescriptor<M>,
  ): void => {
    if (descriptor?.value === undefined) noteSender(target, { name, options });
    else wrapMethod(descriptor, KAFKA_PRODUCER, options, sendResult);
  };
}

function noteSender(prototype: object, sender: SenderProperty): void {
  const inherited = (Reflect.getMetadata(KAFKA_SENDERS, prototype) ?? []) as readonly SenderProperty[];
  const others = inherited.filter(({ name }) => name !== sender.name);
  Reflect.defineMetadata(KAFKA_SENDERS, [...others, sender], prototype);
}

function sendResult(method: object, self: Record<symbol, unknown> | undefined, call: () => unknown): unknown {
  const binding = self?.[PRODUCER_BINDING] as ProducerBinding | undefined;
  const result = call();
  return binding ? binding(method, result) : result;
}
