import { classNameOf } from '../../../common/class-name.js';
import { messageOf } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { type ProviderReference } from '../../../decorators/provider-reference.js';
import { type KafkaPartitioner } from '../../client/producer/partitioner.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Mistake } from '../../config/mistakes.js';
import { type KafkaTemplate } from '../../template/kafka-template.js';
import { type ProducerInterceptor } from '../../template/producer-interceptor.js';
import { type ProducerListener } from '../../template/producer-listener.js';
import { type SendObserver } from '../../template/send-observer.js';
import { configsOf, simpleName, unknownClass } from '../named-classes.js';
import { type ProviderLookup } from '../provider-lookup.js';

// What applications put into the way of sends: interceptors, listeners, observers, a partitioner. Named by the
// configuration or given to the module; providers are found once the application has all of them.

/** Extensions that `KafkaModule.forRoot` takes; a class stands for the provider of that class. */
export interface SendExtensionOptions {
  /**
   * Chooses partitions for records without one of their own, instead of `partitioner.class`: a provider, an object with
   * `partition(topic, key, keyBytes, value, valueBytes, cluster)`, or that function.
   */
  readonly partitioner?: ProviderReference<KafkaPartitioner> | KafkaPartitioner['partition'];
  /** Called in this order, behind those of `interceptor.classes`. */
  readonly producerInterceptors?: ReadonlyArray<ProviderReference<ProducerInterceptor>>;
  /** Told how each send ended. */
  readonly producerListeners?: ReadonlyArray<ProviderReference<ProducerListener>>;
  /** Watch sends, for traces and meters. `template.observation-enabled=false` switches them off. */
  readonly sendObservers?: ReadonlyArray<ProviderReference<SendObserver>>;
}

export const BUILT_IN_PARTITIONERS: readonly string[] = ['default', 'sticky', 'round-robin', 'random'];

const OBSERVING = 'template.observation-enabled';
const PARTITIONER = 'a class with partition(topic, key, keyBytes, value, valueBytes, cluster)';

/** A template, and the properties of the producer that it sends with. */
export interface Sending {
  readonly template: KafkaTemplate;
  readonly properties: KafkaProperties;
}

export class SendExtensions {
  readonly #options: SendExtensionOptions;
  readonly #properties: KafkaProperties;
  /** Those in use: producers share them. */
  readonly #partitioners = new Set<KafkaPartitioner>();
  #given: KafkaPartitioner | undefined;
  #providers: ProviderLookup | undefined;

  constructor(options: SendExtensionOptions, properties: KafkaProperties) {
    this.#options = options;
    this.#properties = properties;
  }

  /** Says what is switched on and not there. */
  check(notices: string[]): void {
    const isObserved = (this.#options.sendObservers ?? []).length > 0;
    if (isObserved || this.#properties.get(OBSERVING) !== true) return;
    notices.push(
      `${this.#properties.originOf(OBSERVING)}: ${this.#properties.prefix}.${OBSERVING}=true: nobody is there to observe ` +
        'sends; give what makes spans and timings in KafkaModule.forRoot({ sendObservers: [...] })',
    );
  }

  /** Looks the providers up and puts them before the templates. Adds to `mistakes` what nobody knows. */
  bind(providers: ProviderLookup, sendings: readonly Sending[], mistakes: Mistake[]): void {
    this.#providers = providers;
    const { producerInterceptors = [], producerListeners = [], sendObservers = [] } = this.#options;
    const templates = sendings.map(({ template }) => template);
    const configs = configsOf(this.#properties, 'producer');
    this.#bindNamedInterceptors(providers, sendings, mistakes);
    const given = <T extends object>(
      references: ReadonlyArray<ProviderReference<T>>,
      option: string,
      allowed: string,
    ) =>
      references.flatMap((reference) => {
        const found = providers.find(reference, { origin: 'KafkaModule', option, allowed }, mistakes);
        return found === undefined ? [] : [found as T];
      });
    const allowed = 'an object with onSend(record)';
    for (const interceptor of given(producerInterceptors, 'producerInterceptors', allowed)) {
      interceptor.configure?.(configs);
      for (const template of templates) template.addProducerInterceptor(interceptor);
    }
    for (const listener of given(producerListeners, 'producerListeners', 'an object with onError(record, error)')) {
      for (const template of templates) template.addProducerListener(listener);
    }
    for (const observer of given(sendObservers, 'sendObservers', 'an object with begin(send)')) {
      if (this.#properties.get(OBSERVING) === false) break;
      for (const template of templates) template.addSendObserver(observer);
    }
    this.#bindPartitioners(providers, sendings, mistakes);
  }

  /** Ends partitioners, after the producers that use them. */
  close(logger: Logger): void {
    for (const partitioner of this.#partitioners) {
      try {
        partitioner.close?.();
      } catch (error) {
        logger.error(`partitioner ${classNameOf(partitioner)} failed at its end: ${messageOf(error)}`);
      }
    }
    this.#partitioners.clear();
  }

  /** Somebody's own partitioner for a producer with these properties; undefined for the built-in ones. */
  partitionerFor(properties: KafkaProperties, mistakes: Mistake[] = []): KafkaPartitioner | undefined {
    if (this.#options.partitioner !== undefined) return this.#given;
    const name = properties.get('producer.properties.partitioner.class');
    if (BUILT_IN_PARTITIONERS.includes(name)) return undefined;
    const found = this.#providers?.named(simpleName(name)) as KafkaPartitioner | undefined;
    if (typeof found?.partition === 'function') return found;
    mistakes.push(this.#unknown('producer.properties.partitioner.class', name, PARTITIONER, properties));
    return undefined;
  }

  /** Each configured once, with what its first producer is. */
  #bindNamedInterceptors(providers: ProviderLookup, sendings: readonly Sending[], mistakes: Mistake[]): void {
    const key = 'producer.properties.interceptor.classes';
    const configured = new Set<ProducerInterceptor>();
    for (const { template, properties } of sendings) {
      for (const name of properties.get(key)) {
        const interceptor = providers.named(simpleName(name)) as ProducerInterceptor | undefined;
        if (interceptor === undefined) {
          mistakes.push(this.#unknown(key, name, 'a class with onSend(record)', properties));
          continue;
        }
        if (!configured.has(interceptor)) interceptor.configure?.(configsOf(properties, 'producer'));
        configured.add(interceptor);
        template.addProducerInterceptor(interceptor);
      }
    }
  }

  #bindPartitioners(providers: ProviderLookup, sendings: readonly Sending[], mistakes: Mistake[]): void {
    const { partitioner } = this.#options;
    if (partitioner !== undefined) {
      const wanted = { origin: 'KafkaModule', option: 'partitioner', allowed: `${PARTITIONER}, or that function` };
      const found = providers.find(partitioner as ProviderReference<KafkaPartitioner>, wanted, mistakes);
      this.#given = (typeof found === 'function' ? { partition: found as KafkaPartitioner['partition'] } : found) as
        | KafkaPartitioner
        | undefined;
    }
    for (const { properties } of sendings) {
      const own = this.partitionerFor(properties, mistakes);
      if (own === undefined || this.#partitioners.has(own)) continue;
      this.#partitioners.add(own);
      own.configure?.(configsOf(properties, 'producer'));
    }
  }

  #unknown(
    name: 'producer.properties.partitioner.class' | 'producer.properties.interceptor.classes',
    value: string,
    wanted: string,
    properties: KafkaProperties,
  ): Mistake {
    const ours = name.includes('partitioner') ? `; ours are ${BUILT_IN_PARTITIONERS.join(', ')}` : '';
    return unknownClass(properties, name, value, `${wanted} and list it in the providers of a module${ours}`);
  }
}
