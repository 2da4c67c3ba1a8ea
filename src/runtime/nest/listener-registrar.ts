import 'reflect-metadata';
import { NestdawError } from '../../common/errors.js';
import { type KafkaListenerOptions } from '../../decorators/listener-options.js';
import { PARAMETER_KINDS } from '../../decorators/metadata-keys.js';
import { type ContainerRegistry } from '../listener/container-registry.js';
import { type ListenerContainer } from '../listener/listener-container.js';
import { type KafkaListenerContext } from './listener-context.js';
import { type HandlerMethod } from './listener-factory.js';
import { type ListenerHost } from './listener-host.js';
import { type AnyClass, type MethodParameters, parametersOf } from './metadata-accessor.js';

// Listeners made while the application runs: topics that become known late, one listener per tenant, tools.

/** A listener that is a function: called with the payload (an array under `batch`) and the context of the call. */
export interface FunctionListener<T = any> extends KafkaListenerOptions {
  /** Name in the container registry; default `function`, numbered. */
  readonly id?: string;
  readonly handler: (payload: T, context: KafkaListenerContext) => unknown;
}

/** A listener that is a method; its parameters may be decorated as under `@KafkaListener`. */
export interface MethodListener extends KafkaListenerOptions {
  readonly instance: object;
  readonly method: string;
}

/** What a function's two parameters stand for. */
const FUNCTION_PARAMETERS: MethodParameters = {
  count: 2,
  types: [Object, Object],
  decorated: (['payload', 'context'] as const).map((kind, index) => ({
    index,
    kind,
    data: undefined,
    hasPipes: false,
    entry: { index, data: undefined, pipes: [] },
    key: `${PARAMETER_KINDS[kind]}:${index}`,
    metatype: Object,
  })),
};

/** Adds listeners to a running application, and takes them out again; injectable. */
export class KafkaListenerRegistrar {
  readonly #host: ListenerHost;
  readonly #registry: ContainerRegistry;

  constructor(host: ListenerHost, registry: ContainerRegistry) {
    this.#host = host;
    this.#registry = registry;
  }

  /**
   * Makes a container of it, as `@KafkaListener` would, and puts it into the registry. In a running application it is
   * started, unless `autoStartup` is false, and the promise resolves when it has its partitions; before, from
   * `onModuleInit` on, it starts with the others.
   *
   * @throws {NestdawError} KAFKA_CONFIG_INVALID with every mistake; then nothing is registered.
   */
  async register(listener: FunctionListener | MethodListener): Promise<ListenerContainer> {
    const { where, method } = 'handler' in listener ? ofFunction(listener) : ofMethod(listener);
    const container = this.#host.add({
      where,
      options: listener,
      source: { kind: 'method', ...method },
      host: method.target.instance,
    });
    if (this.#host.isStarted) {
      await this.#host.makeTopics([container]);
      if (container.endpoint.autoStartup) await container.start();
    }
    return container;
  }

  /** Stops a listener and forgets it; its id is free again. Undefined when there is none. */
  async unregister(id: string, connection?: string): Promise<ListenerContainer | undefined> {
    const container = this.#registry.find(id, connection);
    if (!container) return undefined;
    await container.stop();
    this.#registry.unregister(id, connection);
    return container;
  }
}

interface Described {
  readonly where: string;
  readonly method: HandlerMethod;
}

function ofFunction({ handler }: FunctionListener): Described {
  class Handler {
    handle = handler;
  }
  const target = { instance: new Handler(), type: Handler as AnyClass, method: 'handle', scoped: undefined };
  return { where: 'function', method: { target, parameters: FUNCTION_PARAMETERS } };
}

function ofMethod({ instance, method }: MethodListener): Described {
  const prototype = Object.getPrototypeOf(instance) as object;
  const type = prototype.constructor as unknown as AnyClass;
  if (typeof (instance as Record<string, unknown>)[method] !== 'function') {
    throw new NestdawError('KAFKA_CONFIG_INVALID', `${type.name} has no method ${method}`);
  }
  const target = { instance, type, method, scoped: undefined };
  return { where: `${type.name}.${method}`, method: { target, parameters: parametersOf(prototype, method) } };
}
