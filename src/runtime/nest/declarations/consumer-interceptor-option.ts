import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Mistake } from '../../config/mistakes.js';
import { type ConsumerInterceptor } from '../../listener/delivery/consumer-interceptors.js';
import { configsOf, simpleName, unknownClass } from '../named-classes.js';
import { type ProviderLookup } from '../provider-lookup.js';

// `interceptor.classes` of consumers: the providers that it names.

const KEY = 'consumer.properties.interceptor.classes';
const WANTED = 'a class with onConsume(records) or onCommit(offsets) and list it in the providers of a module';

/** Configured, in their order; a name that is no provider's, or not of an interceptor, is a mistake. */
export function consumerInterceptorsOf(
  properties: KafkaProperties,
  lookup: ProviderLookup,
  mistakes: Mistake[],
): ConsumerInterceptor[] {
  return properties.get(KEY).flatMap((name) => {
    const found = lookup.named(simpleName(name)) as ConsumerInterceptor | undefined;
    if (typeof found?.onConsume === 'function' || typeof found?.onCommit === 'function') {
      found.configure?.(configsOf(properties, 'consumer'));
      return [found];
    }
    mistakes.push(unknownClass(properties, KEY, name, WANTED));
    return [];
  });
}
