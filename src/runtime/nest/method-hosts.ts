import { type DiscoveryService } from '@nestjs/core';
import { type AnyClass } from './metadata-accessor.js';

// Everything in an application that may carry decorated methods: providers and controllers, singletons or scoped.

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

export interface MethodHost {
  readonly wrapper: Wrapper;
  readonly type: AnyClass;
  readonly prototype: object;
  /** The instances, of a singleton one; undefined when they come and go (request scope, transient). */
  readonly instances: readonly object[] | undefined;
}

/** Each class instance once, under whatever tokens it is known. */
export function* eachHost(discovery: DiscoveryService): Generator<MethodHost> {
  const seen = new Set<object>();
  for (const wrapper of [...discovery.getProviders(), ...discovery.getControllers()]) {
    const host = hostOf(wrapper);
    if (!host) continue;
    const identity = host.instances?.[0] ?? wrapper;
    if (seen.has(identity)) continue;
    seen.add(identity);
    yield host;
  }
}

function hostOf(wrapper: Wrapper): MethodHost | undefined {
  if (wrapper.isAlias) return undefined;
  if (wrapper.isTransient || !wrapper.isDependencyTreeStatic()) return scopedHost(wrapper);
  const instance = wrapper.instance as object | null;
  if (typeof instance !== 'object' || instance === null) return undefined;
  const prototype = Object.getPrototypeOf(instance) as object | null;
  const type = prototype?.constructor;
  if (!prototype || prototype === Object.prototype || typeof type !== 'function') return undefined;
  return { wrapper, type: type as unknown as AnyClass, prototype, instances: [instance] };
}

/** A factory's products are not known before it runs, so only classes can be looked at. */
function scopedHost(wrapper: Wrapper): MethodHost | undefined {
  const type = wrapper.metatype as AnyClass | null;
  if (wrapper.isNotMetatype || typeof type !== 'function' || typeof type.prototype !== 'object') return undefined;
  return { wrapper, type, prototype: type.prototype as object, instances: undefined };
}
