import 'reflect-metadata';
import { KAFKA_PRODUCER, PRODUCER_BINDING } from './metadata-keys.js';

// @Producer: what a method returns is sent. The decorator wraps the method with a look-up of the running
// application's binding on the instance, and nothing else: a method taken off its instance early (by a router, a
// gateway, a scheduler) sends as well, and a plain `new Service()` in a unit test runs the plain method.

/** What a producing method declares. Strings may hold placeholders, `${orders.topic}`. */
export interface ProducerOptions<T = any> {
  /** Topic that the method's result is sent to. */
  readonly topic: string;
  /**
   * Key of the record: a property of the result (`customerId`, `customer.id`), or a function of the result. Default:
   * no key, the partition is chosen by the producer. A string, a number (as decimal text) or bytes.
   */
  readonly key?: string | ((result: T) => string | number | Uint8Array | null);
  /** Name of the connection. Default `default`. */
  readonly connection?: string;
}

/** Sends one method's result; put on instances by a running application. */
export type ProducerBinding = (method: object, result: unknown) => Promise<unknown>;

type AsyncMethod = (...args: any[]) => Promise<any>;

/**
 * What the method's promise resolves to is sent as JSON (strings and bytes as they are), and the caller's promise
 * resolves with it once the record is acknowledged. A failed delivery rejects the caller's promise with
 * KAFKA_DELIVERY_FAILED, KAFKA_BUFFER_FULL, KAFKA_RECORD_TOO_LARGE or KAFKA_SERIALIZATION_FAILED. `undefined` sends
 * nothing, `null` a tombstone. Spring knows this as `@SendTo`.
 */
export function Producer<T = any>(options: ProducerOptions<T>) {
  return <M extends AsyncMethod>(
    _target: object,
    _name: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    const method = descriptor.value as M;
    const producing = function (this: Record<symbol, unknown> | undefined, ...args: unknown[]): unknown {
      const binding = this?.[PRODUCER_BINDING] as ProducerBinding | undefined;
      const result: unknown = method.apply(this, args);
      return binding ? binding(producing, result) : result;
    };
    Object.defineProperty(producing, 'name', { value: method.name, configurable: true });
    Object.defineProperty(producing, 'length', { value: method.length, configurable: true });
    // Guards, routes and listeners declared below this decorator sit on the method; Nest will look at the wrapper.
    for (const key of Reflect.getOwnMetadataKeys(method)) {
      Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), producing);
    }
    Reflect.defineMetadata(KAFKA_PRODUCER, options, producing);
    descriptor.value = producing as unknown as M;
  };
}
