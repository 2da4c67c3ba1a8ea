import 'reflect-metadata';
import { NestdawError } from '../../../common/errors.js';
import { type KafkaListenerOptions } from '../../../decorators/listener-options.js';
import { type RetryableTopicOptions } from '../../../decorators/retryable-topic.js';
import { type Mistake, throwIfAny } from '../../config/mistakes.js';
import { type ContainerRegistry } from '../../listener/container-registry.js';
import { type ListenerContainer } from '../../listener/listener-container.js';
import { reportUnknownOptions } from '../declarations/known-options.js';
import { type HandlerMethod } from '../declarations/listener-declaration.js';
import { functionMethod } from '../handlers/function-method.js';
import { type KafkaListenerContext } from '../handlers/listener-context.js';
import { type AnyClass, parametersOf } from '../metadata-accessor.js';
import { type ListenerHost } from './listener-host.js';

// Listeners made while the application runs: topics that become known late, one listener per tenant, tools.

/** Retry topics of a listener that is added at run time. */
export interface RetryableListenerOptions {
  /** What `@RetryableTopic` takes; `true` for its defaults. */
  readonly retryable?: RetryableTopicOptions | true;
  /** Gets its dead letters: payload and context. Default: they are logged. */
  readonly dltHandler?: (payload: any, context: KafkaListenerContext) => unknown;
}

/** A listener that is a function: called with the payload (an array under `batch`) and the context of the call. */
export interface FunctionListener<T = any> extends KafkaListenerOptions, RetryableListenerOptions {
  /** Name in the container registry; default `function`, numbered. */
  readonly id?: string;
  readonly handler: (payload: T, context: KafkaListenerContext) => unknown;
}

/** A listener that is a method; its parameters may be decorated as under `@KafkaListener`. */
export interface MethodListener extends KafkaListenerOptions, RetryableListenerOptions {
  readonly instance: object;
  readonly method: string;
}

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
   * What keeps it from starting (a topic that is missing under `missingTopicsFatal`, a login that is refused) rejects
   * too: it stays registered, in the state `failed`, to be started again or unregistered.
   *
   * @throws {NestdawError} KAFKA_CONFIG_INVALID with every mistake; then nothing is registered.
   */
  async register(listener: FunctionListener | MethodListener): Promise<ListenerContainer> {
    const { where, method } = described(listener);
    const mistakes: Mistake[] = [];
    reportUnknownOptions(where, listener, OWN_OPTIONS, mistakes);
    throwIfAny(mistakes);
    const { retryable, dltHandler } = listener;
    const containers = this.#host.add({
      where,
      options: listener,
      source: { kind: 'method', ...method },
      host: method.target.instance,
      retryable: retryable === true ? {} : retryable,
      dltHandler: dltHandler && functionMethod(dltHandler),
    });
    if (this.#host.isStarted) {
      await this.#host.makeTopics(containers);
      const wanted = containers.filter(({ endpoint }) => endpoint.autoStartup);
      await Promise.all(wanted.map((container) => container.start()));
    }
    return containers[0]!;
  }

  /**
   * Stops a listener, and those of its retry topics, and forgets them; the ids are free again. Undefined when there is
   * none.
   */
  async unregister(id: string, connection?: string): Promise<ListenerContainer | undefined> {
    const container = this.#registry.find(id, connection);
    if (!container) return undefined;
    const others = this.#registry
      .list()
      .filter(
        ({ endpoint }) => endpoint.mainListenerId === id && endpoint.connection === container.endpoint.connection,
      );
    await Promise.all([container, ...others].map((one) => one.stop()));
    for (const one of [container, ...others]) this.#registry.unregister(one.id, one.endpoint.connection);
    return container;
  }
}

interface Described {
  readonly where: string;
  readonly method: HandlerMethod;
}

/** What `register` takes beside the options of a listener. */
const OWN_OPTIONS = ['handler', 'instance', 'method', 'retryable', 'dltHandler'];

function described(listener: FunctionListener | MethodListener): Described {
  const { handler, instance } = listener as Partial<FunctionListener & MethodListener>;
  if (typeof handler === 'function' && instance === undefined) return ofFunction(listener as FunctionListener);
  if (typeof instance === 'object' && instance !== null && handler === undefined) {
    return ofMethod(listener as MethodListener);
  }
  const which = handler !== undefined && instance !== undefined ? 'both are given' : 'neither is given, or of a kind';
  throw new NestdawError(
    'KAFKA_CONFIG_INVALID',
    `a listener that is registered has a handler, a function, or an instance and the name of its method: ${which}`,
  );
}

function ofFunction({ handler }: FunctionListener): Described {
  return { where: 'function', method: functionMethod(handler) };
}

function ofMethod({ instance, method }: MethodListener): Described {
  const prototype = Object.getPrototypeOf(instance) as object;
  const type = prototype.constructor as unknown as AnyClass;
  if (typeof (instance as Record<string, unknown>)[method] !== 'function') {
    throw new NestdawError('KAFKA_CONFIG_INVALID', `${type.name} has no method ${method}`);
  }
  const target = { instance, type, method, scoped: undefined };
  return { where: `${type.name}.${method}`, method: { target, parameters: parametersOf(instance, method) } };
}
