import 'reflect-metadata';
import { type KafkaListenerOptions } from './listener-options.js';
import { KAFKA_LISTENERS } from './metadata-keys.js';
import { methodUnder } from './method-under.js';

// @KafkaListener: a method, or a class with @KafkaHandler methods, says which topics it handles, and how. Metadata
// only; a running application finds it.

/**
 * Makes a provider's or controller's method a listener of Kafka records (Spring: `@KafkaListener`). Several on one
 * method make several listeners. Pipes, guards, interceptors and filters apply, the global ones too. Decorators of
 * your own may be composed of it with Nest's `applyDecorators`.
 *
 * The method is called with the payload, or with what its parameters' decorators ask for; it may be synchronous or
 * return a promise, and a record is finished when that is. What it throws makes the record failed.
 *
 * On a class its `@KafkaHandler` methods share one listener: each record goes to the one that takes its payload's type.
 *
 * @throws {TypeError} on properties and accessors, which are no methods
 * @throws {NestdawError} KAFKA_CONFIG_INVALID at start, naming class, method and parameter, for anything impossible.
 */
export function KafkaListener(options: KafkaListenerOptions): ClassDecorator & MethodDecorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor) => {
    const holder = name === undefined ? target : methodUnder('KafkaListener', target, name, descriptor);
    const before = (Reflect.getOwnMetadata(KAFKA_LISTENERS, holder) ?? []) as KafkaListenerOptions[];
    // Decorators run from the last to the first: putting each in front keeps the order of the source.
    Reflect.defineMetadata(KAFKA_LISTENERS, [options, ...before], holder);
  };
}
