import 'reflect-metadata';
import { type KafkaHandlerOptions } from './listener-options.js';
import { KAFKA_HANDLER } from './metadata-keys.js';
import { methodUnder } from './method-under.js';

/**
 * One method of a class with `@KafkaListener` (Spring: `@KafkaHandler`). Types of parameters do not exist when the
 * program runs, so a record finds its method in this order:
 *
 * 1. A tombstone goes to the method with `tombstone`.
 * 2. The type's name, from the type header (`__TypeId__`, as Spring's serializers write it) or else the payload's
 *    property `type`, is looked up among the methods' `type`s; a method that gives none is known by the name of its
 *    payload class. Of a Java class name the last part is enough. A class of `KafkaModule.forRoot({ types })` that no
 *    method has goes to the method of its nearest base class, as an instance of itself.
 * 3. The methods' `is` functions are asked; more than one that says true fails the record.
 * 4. The method with `isDefault`; without one the record fails, for good.
 */
export function KafkaHandler(options: KafkaHandlerOptions = {}): MethodDecorator {
  return (target, name, descriptor?: PropertyDescriptor) => {
    Reflect.defineMetadata(KAFKA_HANDLER, options, methodUnder('KafkaHandler', target, name, descriptor));
  };
}
