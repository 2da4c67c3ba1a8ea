import { type DiscoveryService, type MetadataScanner, ModuleRef } from '@nestjs/core';
import { messageOf } from '../../common/errors.js';
import { DEFAULT_CONNECTION } from '../../decorators/inject-kafka-template.js';
import { type KafkaListenerOptions } from '../../decorators/kafka-listener.js';
import { type Environment } from '../config/environment.js';
import { type KafkaProperties } from '../config/kafka-properties.js';
import { type Mistake } from '../config/mistakes.js';
import { type ListenerEndpoint } from '../listener/listener-endpoint.js';
import { type EndpointNumbers, endpointNumbers, listenerProperties } from './endpoint-options.js';
import { handlerPlan } from './handler-plan.js';
import { batchInvoker, type HandlerTarget, type NestParts, recordInvoker } from './listener-invoker.js';
import { listenersOf, parametersOf } from './metadata-accessor.js';
import { eachHost, type MethodHost } from './method-hosts.js';

// Finds `@KafkaListener` methods and makes an endpoint of each: placeholders filled, defaults from the configuration,
// the way to the method worked out. Mistakes name class and method; all of them are found before anything starts.

export interface ListenerConnection {
  readonly properties: KafkaProperties;
  readonly environment: Environment;
}

export interface DiscoveredListener {
  readonly endpoint: ListenerEndpoint;
  /** The connection's properties with those of the listener over them. */
  readonly properties: KafkaProperties;
}

export class ListenerExplorer {
  readonly #discovery: DiscoveryService;
  readonly #scanner: MetadataScanner;
  readonly #nest: NestParts;
  readonly #connectionOf: (name: string) => ListenerConnection;

  constructor(
    discovery: DiscoveryService,
    scanner: MetadataScanner,
    nest: NestParts,
    connectionOf: (name: string) => ListenerConnection,
  ) {
    this.#discovery = discovery;
    this.#scanner = scanner;
    this.#nest = nest;
    this.#connectionOf = connectionOf;
  }

  explore(mistakes: Mistake[], notices: string[]): DiscoveredListener[] {
    const found: DiscoveredListener[] = [];
    const ids = new Map<string, string>();
    for (const host of eachHost(this.#discovery)) {
      for (const name of this.#scanner.getAllMethodNames(host.prototype)) {
        const method = (host.prototype as Record<string, object>)[name]!;
        for (const options of listenersOf(method)) {
          const listener = this.#listener(host, name, options, ids, mistakes, notices);
          if (listener) found.push(listener);
        }
      }
    }
    return found;
  }

  #listener(
    host: MethodHost,
    method: string,
    options: KafkaListenerOptions,
    ids: Map<string, string>,
    mistakes: Mistake[],
    notices: string[],
  ): DiscoveredListener | undefined {
    const where = `${host.type.name}.${method}`;
    const before = mistakes.length;
    try {
      const connection = options.connection ?? DEFAULT_CONNECTION;
      const { environment, properties: common } = this.#connectionOf(connection);
      const properties = listenerProperties(where, options, common, environment, mistakes);
      const numbers = endpointNumbers(where, options, properties, environment, mistakes, notices);
      const id = uniqueId(numbers.id ?? where, numbers.id !== undefined, where, ids, mistakes);
      const handler = this.#handler(host, method, where, options, numbers, properties, mistakes, notices);
      if (mistakes.length > before) return undefined;
      const { batch: _batch, ...rest } = numbers;
      return { endpoint: { ...rest, id, connection, handler }, properties };
    } catch (error) {
      mistakes.push({ origin: where, problem: messageOf(error) });
      return undefined;
    }
  }

  #handler(
    host: MethodHost,
    method: string,
    where: string,
    options: KafkaListenerOptions,
    { batch, ackMode }: EndpointNumbers,
    properties: KafkaProperties,
    mistakes: Mistake[],
    notices: string[],
  ): ListenerEndpoint['handler'] {
    const parameters = parametersOf(host.prototype, method);
    const manualAck = ackMode === 'MANUAL' || ackMode === 'MANUAL_IMMEDIATE';
    const valueFormat = properties.get('consumer.value-deserializer');
    const plan = handlerPlan(
      {
        where,
        parameters,
        batch,
        manualAck,
        ackMode,
        payloadClass: options.payload,
        valueFormat: valueFormat === 'auto' ? 'json' : valueFormat,
        keysAsBytes: properties.get('consumer.key-deserializer') === 'bytes',
      },
      mistakes,
    );
    if (plan.converter && !options.payload && parameters.types.length === 0) {
      notices.push(
        `${where}: the compiler emitted no parameter types, so payloads stay plain objects; switch ` +
          'emitDecoratorMetadata on, or name the class with payload: in @KafkaListener',
      );
    }
    const canAcknowledge = ['acknowledgment', 'context', 'custom'];
    if (manualAck && !parameters.decorated.some(({ kind }) => canAcknowledge.includes(kind))) {
      notices.push(
        `${where}: the ack mode is ${ackMode}, but no parameter is @Ack(): nothing is committed unless an interceptor ` +
          'acknowledges; add the parameter, or take another ack mode',
      );
    }
    const target = this.#target(host, method);
    return batch
      ? { kind: 'batch', invoke: batchInvoker(target, plan, this.#nest) }
      : { kind: 'record', invoke: recordInvoker(target, plan, this.#nest) };
  }

  #target({ wrapper, type, prototype, instances }: MethodHost, method: string): HandlerTarget {
    if (instances) return { instance: instances[0]!, type, method, scoped: undefined };
    const moduleRef = wrapper.host!.getProviderByKey(ModuleRef).instance;
    const pattern = Object.create(prototype) as object;
    return { instance: pattern, type, method, scoped: { token: wrapper.token, moduleRef, inquirerId: wrapper.id } };
  }
}

/** Generated ids get a number when they repeat; ids that somebody chose must not. */
function uniqueId(id: string, chosen: boolean, where: string, ids: Map<string, string>, mistakes: Mistake[]): string {
  const other = ids.get(id);
  if (other !== undefined && chosen) {
    mistakes.push({ origin: where, problem: `the listener id ${id} is taken by ${other}; choose another` });
  }
  let unique = id;
  for (let number = 2; ids.has(unique); number++) unique = `${id}#${number}`;
  ids.set(unique, where);
  return unique;
}
