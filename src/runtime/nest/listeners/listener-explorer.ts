import { type DiscoveryService, type MetadataScanner, ModuleRef } from '@nestjs/core';
import { type KafkaListenerOptions } from '../../../decorators/listener-options.js';
import { type Mistake } from '../../config/mistakes.js';
import { reportUnknownOptions } from '../declarations/known-options.js';
import {
  type DiscoveredListener,
  type Findings,
  type HandlerMethod,
  type ListenerDeclaration,
} from '../declarations/listener-declaration.js';
import { type HandlerTarget } from '../handlers/method-call.js';
import {
  externalOffsetsOf,
  handlerOf,
  idempotentOf,
  isDltHandler,
  listenersOf,
  parametersOf,
  retryableOf,
  sequenceOf,
} from '../metadata-accessor.js';
import { eachHost, type MethodHost } from '../method-hosts.js';
import { type ListenerFactory } from './listener-factory.js';
import { isRebalanceMethod } from './rebalance-listeners.js';

// Finds `@KafkaListener` on methods and classes. Mistakes name class and method; all of them are found before anything
// starts.

export class ListenerExplorer {
  readonly #discovery: DiscoveryService;
  readonly #scanner: MetadataScanner;
  readonly #factory: ListenerFactory;

  constructor(discovery: DiscoveryService, scanner: MetadataScanner, factory: ListenerFactory) {
    this.#discovery = discovery;
    this.#scanner = scanner;
    this.#factory = factory;
  }

  explore(findings: Findings): DiscoveredListener[] {
    const found: DiscoveredListener[] = [];
    for (const declaration of this.declarations(findings.mistakes)) {
      found.push(...this.#factory.create(declaration, findings));
    }
    return found;
  }

  /** What the classes declare, in the order of the providers. */
  *declarations(mistakes: Mistake[]): Generator<ListenerDeclaration> {
    for (const host of eachHost(this.#discovery)) yield* this.#declarations(host, mistakes);
  }

  *#declarations(host: MethodHost, mistakes: Mistake[]): Generator<ListenerDeclaration> {
    const names = this.#scanner.getAllMethodNames(host.prototype);
    const instance = host.instances?.[0];
    const dltHandler = dltHandlerOf(host, names, mistakes);
    const ofAll = retryableOf(host.type);
    const declaration = (
      where: string,
      given: KafkaListenerOptions,
      source: ListenerDeclaration['source'],
      holder: object,
      retryable = ofAll,
    ) => {
      reportUnknownOptions(where, given, [], mistakes);
      const options = { ...guardsOf(holder), ...given };
      return { where, options, source, host: instance, retryable, dltHandler, isDeclared: true };
    };
    const ofClass = listenersOf(host.type);
    reportScopedCallbacks(host, names, ofClass.length > 0, mistakes);
    const handlers = names.filter((name) => handlerOf(methodOf(host, name)) !== undefined);
    if (handlers.length > 0 && ofClass.length === 0) {
      mistakes.push({
        origin: `${host.type.name}.${handlers[0]}`,
        problem:
          '@KafkaHandler belongs to a class with @KafkaListener; put it on the class, or @KafkaListener on the method',
      });
    }
    for (const options of ofClass) {
      const methods = handlers.map((name) => ({
        ...handlerMethod(host, name),
        options: handlerOf(methodOf(host, name))!,
      }));
      yield declaration(host.type.name, options, { kind: 'class', methods }, host.type);
    }
    for (const name of names) {
      const retryable = retryableOf(methodOf(host, name));
      const listeners = listenersOf(methodOf(host, name));
      if (retryable && listeners.length === 0) {
        const problem = '@RetryableTopic belongs to a listener; put @KafkaListener on the method too';
        mistakes.push({ origin: `${host.type.name}.${name}`, problem });
      }
      for (const options of listeners) {
        const where = `${host.type.name}.${name}`;
        const source = { kind: 'method' as const, ...handlerMethod(host, name) };
        yield declaration(where, options, source, methodOf(host, name), retryable);
      }
    }
  }
}

function dltHandlerOf(host: MethodHost, names: readonly string[], mistakes: Mistake[]): HandlerMethod | undefined {
  const [first, second] = names.filter((name) => isDltHandler(methodOf(host, name)));
  if (second !== undefined) {
    const problem = `@DltHandler stands on ${first} as well; a class has one method for its dead letters`;
    mistakes.push({ origin: `${host.type.name}.${second}`, problem });
  }
  return first === undefined ? undefined : handlerMethod(host, first);
}

/** What the guards beside `@KafkaListener` say; what it says itself counts more. */
function guardsOf(holder: object): Partial<KafkaListenerOptions> {
  const [idempotent, offsets, sequence] = [idempotentOf(holder), externalOffsetsOf(holder), sequenceOf(holder)];
  return {
    ...(idempotent === undefined ? {} : { idempotent }),
    ...(offsets === undefined ? {} : { offsets }),
    ...(sequence === undefined ? {} : { sequence }),
  };
}

/** Instances of a scoped provider come with a record and go with it; partitions do not. */
function reportScopedCallbacks(
  host: MethodHost,
  names: readonly string[],
  listens: boolean,
  mistakes: Mistake[],
): void {
  if (host.instances) return;
  const callback = names.find((name) => isRebalanceMethod(name, methodOf(host, name)));
  if (callback === undefined) return;
  if (!listens && !names.some((name) => listenersOf(methodOf(host, name)).length > 0)) return;
  mistakes.push({
    origin: `${host.type.name}.${callback}`,
    problem:
      'rebalance callbacks need one instance; make the provider a singleton, or name another one: rebalanceListener',
  });
}

function methodOf({ prototype }: MethodHost, name: string): object {
  return (prototype as Record<string, object>)[name]!;
}

function handlerMethod(host: MethodHost, name: string): HandlerMethod {
  return { target: targetOf(host, name), parameters: parametersOf(host.prototype, name) };
}

function targetOf({ wrapper, type, prototype, instances }: MethodHost, method: string): HandlerTarget {
  if (instances) return { instance: instances[0]!, type, method, scoped: undefined };
  const moduleRef = wrapper.host!.getProviderByKey(ModuleRef).instance;
  const pattern = Object.create(prototype) as object;
  return { instance: pattern, type, method, scoped: { token: wrapper.token, moduleRef, inquirerId: wrapper.id } };
}
