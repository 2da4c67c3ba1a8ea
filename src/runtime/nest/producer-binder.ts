import { type DiscoveryService, type MetadataScanner } from '@nestjs/core';
import { NestdawError } from '../../common/errors.js';
import { DEFAULT_CONNECTION } from '../../decorators/inject-kafka-template.js';
import { PRODUCER_BINDING } from '../../decorators/metadata-keys.js';
import { type ProducerBinding, type ProducerOptions } from '../../decorators/producer.js';
import { type Environment } from '../config/environment.js';
import { type Mistake } from '../config/mistakes.js';
import { type KafkaTemplate } from '../template/kafka-template.js';
import { type RecordKey } from '../template/serializers.js';
import { producerOf } from './metadata-accessor.js';
import { eachHost, type MethodHost } from './method-hosts.js';

// Gives the instances of an application the binding through which their `@Producer` methods send. An instance carries
// its binding itself, so that two applications in one process do not meet.

export interface ProducerConnection {
  readonly template: KafkaTemplate;
  readonly environment: Environment;
}

interface SendPlan {
  readonly topic: string;
  readonly keyOf: (result: unknown) => RecordKey;
  readonly template: KafkaTemplate;
}

export class ProducerBinder {
  readonly #connectionOf: (name: string) => ProducerConnection;
  readonly #plans = new Map<object, SendPlan>();
  readonly #bound = new Set<object>();

  constructor(connectionOf: (name: string) => ProducerConnection) {
    this.#connectionOf = connectionOf;
  }

  /** Binds every `@Producer` method found; adds to `mistakes` what is impossible. Harmless when repeated. */
  bind(discovery: DiscoveryService, scanner: MetadataScanner, mistakes: Mistake[]): void {
    for (const host of eachHost(discovery)) {
      for (const name of scanner.getAllMethodNames(host.prototype)) {
        const method = (host.prototype as Record<string, object>)[name]!;
        const options = producerOf(method);
        if (!options) continue;
        this.#plan(method, `${host.type.name}.${name}`, options, mistakes);
        this.#attach(host, mistakes);
      }
    }
  }

  /** Takes the bindings off again: the methods are plain ones afterwards. */
  unbind(): void {
    for (const holder of this.#bound) delete (holder as Record<symbol, unknown>)[PRODUCER_BINDING];
    this.#bound.clear();
  }

  #plan(method: object, where: string, options: ProducerOptions, mistakes: Mistake[]): void {
    if (this.#plans.has(method)) return;
    try {
      const { template, environment } = this.#connectionOf(options.connection ?? DEFAULT_CONNECTION);
      const topic = environment.resolvePlaceholders(options.topic);
      if (topic === '') throw new Error('the topic is empty; name one');
      this.#plans.set(method, { topic, template, keyOf: keyReader(where, options.key) });
    } catch (error) {
      mistakes.push({ origin: `@Producer of ${where}`, problem: (error as Error).message });
    }
  }

  /** Scoped instances come and go, so their class's prototype carries the binding for them. */
  #attach({ instances, prototype, type }: MethodHost, mistakes: Mistake[]): void {
    for (const holder of instances ?? [prototype]) {
      if (this.#bound.has(holder)) continue;
      if (!instances && Object.hasOwn(holder, PRODUCER_BINDING)) {
        const problem = 'is not a singleton, and another running application uses it; inject a KafkaTemplate instead';
        mistakes.push({ origin: `@Producer of ${type.name}`, problem });
        continue;
      }
      Object.defineProperty(holder, PRODUCER_BINDING, { value: this.#binding, configurable: true });
      this.#bound.add(holder);
    }
  }

  readonly #binding: ProducerBinding = async (method, result) => {
    const value = await result;
    if (value === undefined) return value;
    const plan = this.#plans.get(method) ?? this.#latePlan(method);
    await plan.template.send(plan.topic, plan.keyOf(value), value);
    return value;
  };

  /** A method that no class shows any more, called by an override through `super`. */
  #latePlan(method: object): SendPlan {
    const mistakes: Mistake[] = [];
    const name = (method as { readonly name: string }).name;
    this.#plan(method, name, producerOf(method)!, mistakes);
    if (mistakes[0]) throw new NestdawError('KAFKA_CONFIG_INVALID', `${mistakes[0].origin}: ${mistakes[0].problem}`);
    return this.#plans.get(method)!;
  }
}

function keyReader(where: string, key: ProducerOptions['key']): (result: unknown) => RecordKey {
  if (key === undefined) return () => null;
  if (typeof key === 'function') return key;
  const path = key.split('.');
  return (result) => {
    let value: unknown = result;
    for (const property of path) value = (value as Record<string, unknown> | null | undefined)?.[property];
    if (value !== undefined) return value as RecordKey;
    throw new NestdawError(
      'KAFKA_SERIALIZATION_FAILED',
      `the result of ${where} has no property ${key}, which @Producer takes the record's key from`,
    );
  };
}
