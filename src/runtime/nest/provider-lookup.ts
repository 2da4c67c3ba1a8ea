import { type DiscoveryService, type ModuleRef } from '@nestjs/core';
import { type ProviderReference } from '../../decorators/provider-reference.js';
import { type Mistake } from '../config/mistakes.js';

// Things that a decorator names: a provider by class, token or name, or the thing itself.

/** What to look for, for messages. */
export interface Wanted {
  /** `@KafkaListener of OrderListener.handle`. */
  readonly origin: string;
  readonly option: string;
  /** What the configuration names, where it does: a decorator's reference is told as it is. */
  readonly value?: string;
  /** `a function, or a provider with accepts(record)`. */
  readonly allowed: string;
}

export class ProviderLookup {
  readonly #moduleRef: Pick<ModuleRef, 'get'>;
  readonly #discovery: Pick<DiscoveryService, 'getProviders'>;

  constructor(moduleRef: Pick<ModuleRef, 'get'>, discovery: Pick<DiscoveryService, 'getProviders'>) {
    this.#moduleRef = moduleRef;
    this.#discovery = discovery;
  }

  /** The provider of that token, or whose class has that name; undefined when there is none. */
  named(name: string): unknown {
    const byToken = this.#provider(name);
    if (byToken !== undefined) return byToken;
    const found = this.#discovery.getProviders().find(({ metatype }) => metatype?.name === name);
    return found?.instance as unknown;
  }

  /** The named provider, or the thing itself; undefined with a mistake when there is none. */
  find(reference: ProviderReference<object>, wanted: Wanted, mistakes: Mistake[]): unknown {
    if (typeof reference === 'object' && reference !== null) return reference;
    const isClass = typeof reference === 'function' && /^class\b/.test(Function.prototype.toString.call(reference));
    if (typeof reference === 'function' && !isClass && !this.#provider(reference)) return reference;
    const found = this.#provider(reference as string);
    if (found !== undefined) return found;
    const name = typeof reference === 'function' ? reference.name : String(reference);
    const problem = `there is no provider ${name}; list it in the providers of a module, or give ${wanted.allowed}`;
    mistakes.push({ ...whereOf(wanted), problem });
    return undefined;
  }

  /**
   * The method of that name of a provider, bound, or a plain function. Undefined with a mistake for anything else.
   */
  functionOf(
    reference: ProviderReference<object> | undefined,
    method: string,
    wanted: Wanted,
    mistakes: Mistake[],
  ): ((...args: any[]) => unknown) | undefined {
    if (reference === undefined) return undefined;
    const found = this.find(reference, wanted, mistakes);
    if (found === undefined) return undefined;
    const own = (found as Record<string, unknown>)[method];
    if (typeof own === 'function') return own.bind(found) as (...args: unknown[]) => unknown;
    if (typeof found === 'function') return found as (...args: unknown[]) => unknown;
    const name = (found as object).constructor?.name ?? typeof found;
    mistakes.push({ ...whereOf(wanted), problem: `${name} has no method ${method}; give ${wanted.allowed}` });
    return undefined;
  }

  #provider(token: unknown): unknown {
    try {
      return this.#moduleRef.get(token as string, { strict: false });
    } catch {
      return undefined;
    }
  }
}

function whereOf({ origin, option, value }: Wanted): Omit<Mistake, 'problem'> {
  return { origin, key: option, ...(value === undefined ? {} : { value }) };
}
