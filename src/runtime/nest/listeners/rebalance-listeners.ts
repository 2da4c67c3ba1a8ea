import { type KafkaRebalanceListener, REBALANCE_CALLBACKS } from '../../listener/partitions/rebalance-callbacks.js';
import { rebalanceSubscriptionsOf } from '../metadata-accessor.js';

// What an object has to say in the rebalances of a listener: methods of `KafkaRebalanceListener` by name, and decorated
// ones.

/** None where it has no such methods. */
export function rebalanceListenersOf(host: object, listenerId: string): KafkaRebalanceListener[] {
  return [...(isRebalanceListener(host) ? [host] : []), ...decoratedOf(host, listenerId)];
}

/** Whether the object is told of any listener's rebalances. */
export function hasRebalanceMethods(host: object): boolean {
  return isRebalanceListener(host) || [...methodsOf(host)].some(isDecorated);
}

/** Whether the method is told of rebalances, by its name or by a decorator. */
export function isRebalanceMethod(name: string, method: object): boolean {
  return (REBALANCE_CALLBACKS as readonly string[]).includes(name) || isDecorated([name, method]);
}

function isRebalanceListener(host: object): host is KafkaRebalanceListener {
  return REBALANCE_CALLBACKS.some((name) => typeof (host as KafkaRebalanceListener)[name] === 'function');
}

/** A decorator that says what the method's name says already is left out: it would be called twice. */
function decoratedOf(host: object, listenerId: string): KafkaRebalanceListener[] {
  return [...methodsOf(host)].flatMap(([name, method]) =>
    rebalanceSubscriptionsOf(method)
      .filter(({ moment }) => moment !== name)
      .filter(({ listeners }) => listeners === undefined || listeners.includes(listenerId))
      .map(({ moment }) => ({ [moment]: method.bind(host) }) as KafkaRebalanceListener),
  );
}

type Method = (...args: unknown[]) => unknown;

/** Own ones and those of base classes, in the order in which classes declare them; an overridden one once. */
function* methodsOf(host: object): Iterable<[string, Method]> {
  const seen = new Set<string>(['constructor']);
  for (let at: object | null = host; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (seen.has(name) || typeof value !== 'function') continue;
      seen.add(name);
      yield [name, value as Method];
    }
  }
}

function isDecorated([, method]: readonly [string, object]): boolean {
  return rebalanceSubscriptionsOf(method).length > 0;
}
