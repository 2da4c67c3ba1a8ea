import { type DiscoveryService, type MetadataScanner } from '@nestjs/core';
import { DEFAULT_CONNECTION } from '../../../common/connection-name.js';
import { NestdawError } from '../../../common/errors.js';
import { PRODUCER_BINDING } from '../../../decorators/metadata-keys.js';
import { type ProducerBinding, type ProducerOptions } from '../../../decorators/producer.js';
import { type Environment } from '../../config/environment.js';
import { type Mistake } from '../../config/mistakes.js';
import { type KafkaTemplate } from '../../template/kafka-template.js';
import { producerOf, sendersOf } from '../metadata-accessor.js';
import { eachHost, type MethodHost } from '../method-hosts.js';
import { MethodBindings } from './method-bindings.js';
import { isSeveral, type SendPlan, sendPlan } from './send-plan.js';
import { isAsyncIterable, SentStream } from './sent-stream.js';
import { topicSender } from './topic-sender.js';

// Gives `@Producer` methods what they send through in the running application, and `@Producer` properties their
// senders.

export interface ProducerConnection {
  readonly template: KafkaTemplate;
  readonly environment: Environment;
}

export class ProducerBinder {
  readonly #connectionOf: (name: string) => ProducerConnection;
  readonly #plans = new Map<object, SendPlan>();
  readonly #bindings: MethodBindings<ProducerOptions>;

  constructor(connectionOf: (name: string) => ProducerConnection) {
    this.#connectionOf = connectionOf;
    this.#bindings = new MethodBindings({
      decorator: '@Producer',
      key: PRODUCER_BINDING,
      binding: this.#binding,
      optionsOf: producerOf,
      instead: 'a KafkaTemplate',
    });
  }

  /** Binds every `@Producer` method found; adds to `mistakes` what is impossible. Harmless when repeated. */
  bind(discovery: DiscoveryService, scanner: MetadataScanner, mistakes: Mistake[]): void {
    for (const host of eachHost(discovery)) this.#giveSenders(host, mistakes);
    for (const { method, where, options } of this.#bindings.bind(discovery, scanner, mistakes)) {
      this.#plan(method, where, options, mistakes);
    }
  }

  /** Takes the bindings off again: the methods are plain ones afterwards. */
  unbind(): void {
    this.#bindings.unbind();
  }

  #plan(method: object, where: string, options: ProducerOptions, mistakes: Mistake[]): void {
    if (this.#plans.has(method)) return;
    try {
      this.#plans.set(method, this.#planOf(where, options));
    } catch (error) {
      mistakes.push({ origin: `@Producer of ${where}`, problem: (error as Error).message });
    }
  }

  #planOf(where: string, options: ProducerOptions): SendPlan {
    const { template, environment } = this.#connectionOf(options.connection ?? DEFAULT_CONNECTION);
    const own = options.producer === undefined ? template : template.withProducer(options.producer);
    return sendPlan(where, options, own, environment);
  }

  /** Puts senders on the properties that want them. */
  #giveSenders({ instances, prototype, type }: MethodHost, mistakes: Mistake[]): void {
    for (const { name, options } of sendersOf(prototype)) {
      const where = `${type.name}.${String(name)}`;
      try {
        if (!instances) throw new Error('is on a class that is not a singleton; inject a KafkaTemplate instead');
        const value = topicSender(this.#planOf(where, options));
        for (const instance of instances) {
          Object.defineProperty(instance, name, { value, configurable: true, enumerable: true, writable: true });
        }
      } catch (error) {
        mistakes.push({ origin: `@Producer of ${where}`, problem: (error as Error).message });
      }
    }
  }

  readonly #binding: ProducerBinding = (method, result) => {
    const plan = this.#plans.get(method) ?? this.#latePlan(method);
    return isAsyncIterable(result) ? new SentStream(plan, result) : send(plan, result);
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

async function send(plan: SendPlan, result: unknown): Promise<unknown> {
  const value = await result;
  if (value === undefined) return value;
  // As the value of a promise the stream is awaited with it, and resolves with the count.
  if (isAsyncIterable(value)) return new SentStream(plan, value);
  if (plan.splitsIterables && isSeveral(value)) {
    // All are looked at before the first one is sent.
    const records = Array.from(value, (each) => plan.recordOf(each));
    await plan.template.sendAll(records);
  } else {
    await plan.template.send(plan.recordOf(value));
  }
  return value;
}
