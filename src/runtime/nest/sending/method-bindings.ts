import { type DiscoveryService, type MetadataScanner } from '@nestjs/core';
import { type Mistake } from '../../config/mistakes.js';
import { eachHost, type MethodHost } from '../method-hosts.js';

// What a decorator that wraps methods looks up on their instance: the binding of the running application. An instance
// carries it itself, so that two applications in one process do not meet.

export interface DecoratedMethod<O> {
  readonly method: object;
  /** `OrderService.place`, for messages. */
  readonly where: string;
  readonly options: O;
}

export interface MethodBindingsOptions<O> {
  /** The decorator's name, for messages. */
  readonly decorator: string;
  /** Property that carries the binding. */
  readonly key: symbol;
  readonly binding: unknown;
  /** The options that the decorator left on a method; undefined for one that is not decorated. */
  readonly optionsOf: (method: object) => O | undefined;
  /** What to use instead where a binding is impossible. */
  readonly instead: string;
}

export class MethodBindings<O> {
  readonly #options: MethodBindingsOptions<O>;
  readonly #bound = new Set<object>();

  constructor(options: MethodBindingsOptions<O>) {
    this.#options = options;
  }

  /** Binds what is decorated, and returns it; adds to `mistakes` what is impossible. Harmless when repeated. */
  bind(discovery: DiscoveryService, scanner: MetadataScanner, mistakes: Mistake[]): DecoratedMethod<O>[] {
    const found: DecoratedMethod<O>[] = [];
    for (const host of eachHost(discovery)) {
      for (const name of scanner.getAllMethodNames(host.prototype)) {
        const method = (host.prototype as Record<string, object>)[name]!;
        const options = this.#options.optionsOf(method);
        if (options === undefined) continue;
        found.push({ method, where: `${host.type.name}.${name}`, options });
        this.#attach(host, mistakes);
      }
    }
    return found;
  }

  /** Takes the bindings off again: the methods are plain ones afterwards. */
  unbind(): void {
    for (const holder of this.#bound) delete (holder as Record<symbol, unknown>)[this.#options.key];
    this.#bound.clear();
  }

  /** Scoped instances come and go, so their class's prototype carries the binding for them. */
  #attach({ instances, prototype, type }: MethodHost, mistakes: Mistake[]): void {
    const { decorator, key, binding, instead } = this.#options;
    for (const holder of instances ?? [prototype]) {
      if (this.#bound.has(holder)) continue;
      if (!instances && Object.hasOwn(holder, key)) {
        const problem = `is not a singleton, and another running application uses it; inject ${instead} instead`;
        mistakes.push({ origin: `${decorator} of ${type.name}`, problem });
        continue;
      }
      Object.defineProperty(holder, key, { value: binding, configurable: true });
      this.#bound.add(holder);
    }
  }
}
