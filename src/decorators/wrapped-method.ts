import 'reflect-metadata';

// A decorated method that does something around its call. Guards, routes and listeners declared below such a decorator
// sit on the method; Nest will look at the wrapper, so it carries what the method carried.

type AnyMethod = (...args: any[]) => any;

/** Around one call: the wrapper itself (which carries the metadata), the instance, and the call. */
export type Around = (wrapper: object, self: Record<symbol, unknown> | undefined, call: () => unknown) => unknown;

/** Replaces the descriptor's method by one that runs through `around`, and leaves `options` under `key` on it. */
export function wrapMethod(
  descriptor: TypedPropertyDescriptor<any>,
  key: symbol,
  options: unknown,
  around: Around,
): void {
  const method = descriptor.value as AnyMethod;
  const wrapper = function (this: Record<symbol, unknown> | undefined, ...args: unknown[]): unknown {
    return around(wrapper, this, () => method.apply(this, args));
  };
  Object.defineProperty(wrapper, 'name', { value: method.name, configurable: true });
  Object.defineProperty(wrapper, 'length', { value: method.length, configurable: true });
  for (const known of Reflect.getOwnMetadataKeys(method)) {
    Reflect.defineMetadata(known, Reflect.getOwnMetadata(known, method), wrapper);
  }
  Reflect.defineMetadata(key, options, wrapper);
  descriptor.value = wrapper;
}
