import 'reflect-metadata';
import { CONTAINER_EVENTS } from './metadata-keys.js';

/** Which events a method wants. */
export interface ContainerEventSubscription {
  /** Types of events; empty for all. */
  readonly types: readonly string[];
  /** Ids of listeners; undefined for all. */
  readonly listeners: readonly string[] | undefined;
}

/**
 * Calls the method of a provider for events of listener containers, `idle` for example, with the `ListenerEvent`: what
 * happened, and the container. Several on one method add up. What the method throws is logged.
 *
 * @param types types of events; none means all
 * @param options `listener`: ids of the listeners; default all
 */
export function OnContainerEvent(
  types: string | readonly string[] = [],
  options: { readonly listener?: string | readonly string[] } = {},
): MethodDecorator {
  const subscription: ContainerEventSubscription = {
    types: listOf(types),
    listeners: options.listener === undefined ? undefined : listOf(options.listener),
  };
  return (_target, _name, descriptor: PropertyDescriptor) => {
    const method = descriptor.value as object;
    const before = (Reflect.getOwnMetadata(CONTAINER_EVENTS, method) ?? []) as ContainerEventSubscription[];
    Reflect.defineMetadata(CONTAINER_EVENTS, [subscription, ...before], method);
  };
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
