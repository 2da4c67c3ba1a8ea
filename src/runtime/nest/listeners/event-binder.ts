import { type DiscoveryService, type MetadataScanner } from '@nestjs/core';
import { messageOf } from '../../../common/errors.js';
import { type Mistake } from '../../config/mistakes.js';
import { CONTAINER_EVENT_TYPES } from '../../listener/container-events.js';
import { type ContainerRegistry, type ListenerEvent } from '../../listener/container-registry.js';
import { containerEventsOf } from '../metadata-accessor.js';
import { eachHost } from '../method-hosts.js';
import { type RuntimeTools } from '../runtime-tools.js';

// Calls the `@OnContainerEvent` methods of an application.

type EventMethod = (event: ListenerEvent) => unknown;

interface Bound {
  readonly where: string;
  readonly types: ReadonlySet<string>;
  readonly listeners: ReadonlySet<string> | undefined;
  readonly call: EventMethod;
}

export class EventBinder {
  readonly #registry: ContainerRegistry;
  readonly #tools: Readonly<RuntimeTools>;
  #end: () => void = () => undefined;

  constructor(registry: ContainerRegistry, tools: Readonly<RuntimeTools>) {
    this.#registry = registry;
    this.#tools = tools;
  }

  bind(discovery: DiscoveryService, scanner: MetadataScanner, mistakes: Mistake[]): void {
    const bound: Bound[] = [];
    for (const { prototype, type, instances } of eachHost(discovery)) {
      for (const name of scanner.getAllMethodNames(prototype)) {
        const where = `${type.name}.${name}`;
        for (const { types, listeners } of containerEventsOf((prototype as Record<string, object>)[name]!)) {
          const unknown = types.filter((event) => !CONTAINER_EVENT_TYPES.has(event));
          if (unknown.length > 0) {
            const problem = `@OnContainerEvent knows no event ${unknown.join(', ')}; known: ${[...CONTAINER_EVENT_TYPES].join(', ')}`;
            mistakes.push({ origin: where, problem });
          }
          const instance = instances?.[0] as Record<string, EventMethod> | undefined;
          if (!instance) {
            mistakes.push({
              origin: where,
              problem: '@OnContainerEvent needs one instance; make the provider a singleton',
            });
            continue;
          }
          const call: EventMethod = (event) => instance[name]!(event);
          bound.push({ where, types: new Set(types), listeners: listeners && new Set(listeners), call });
        }
      }
    }
    if (bound.length > 0) this.#end = this.#registry.onEvent((event) => this.#pass(event, bound));
  }

  unbind(): void {
    this.#end();
  }

  #pass(event: ListenerEvent, bound: readonly Bound[]): void {
    for (const { where, types, listeners, call } of bound) {
      if (types.size > 0 && !types.has(event.type)) continue;
      if (listeners && !listeners.has(event.listener)) continue;
      // Told, not asked: a method that fails, now or later, changes nothing for the container.
      try {
        Promise.resolve(call(event)).catch((error: unknown) => this.#failed(where, event, error));
      } catch (error) {
        this.#failed(where, event, error);
      }
    }
  }

  #failed(where: string, event: ListenerEvent, error: unknown): void {
    this.#tools.logger.error(
      `${where} failed at event '${event.type}' of ${event.listener}: ${messageOf(error)}`,
      error,
    );
  }
}
