import { type Clock } from '../../../common/clock.js';
import { NestdawError } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { type Cluster } from '../../client/cluster/cluster.js';
import { KafkaProducer } from '../../client/producer/kafka-producer.js';
import { type ProducerOptions, producerSettings } from '../../client/producer/producer-options.js';
import { type ProducerClient } from '../../client/producer-client.js';
import { type Environment } from '../../config/environment.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Mistake } from '../../config/mistakes.js';
import { checkProducer, type Findings } from '../../config/rules.js';
import { KafkaTemplate, type KafkaTemplateOptions } from '../../template/kafka-template.js';
import { type SharedProducer } from '../../threads/shared-producer.js';
import { type ProviderLookup } from '../provider-lookup.js';
import { type SendExtensionOptions, SendExtensions, type Sending } from '../sending/send-extensions.js';
import { type SerializerPair } from '../serdes/serde-resolver.js';
import { inOrder, producerOptions } from './client-options.js';
import { producerRequest } from './cluster-request.js';
import { type ProducerOfApplication } from './connection-options.js';
import { ConnectionSharedProducer } from './connection-shared-producer.js';
import { LiveProducer } from './live-producer.js';
import { namedProducers } from './named-producers.js';

// The producers of a connection, the plain one and those with names, and the templates over them.

export interface ConnectionProducersOptions {
  readonly connection: string;
  readonly properties: KafkaProperties;
  readonly environment: Environment;
  readonly extensions: SendExtensionOptions;
  /** The serializers that a producer's properties name. */
  readonly serializers: (properties: KafkaProperties) => SerializerPair;
  readonly openCluster: (properties: KafkaProperties) => Cluster;
  /** Whether the application is about to make a topic. */
  readonly isExpected: (topic: string) => boolean;
  /** Another client, for tests. */
  readonly factory: ((properties: KafkaProperties) => ProducerClient) | undefined;
  /** In a thread: where `producer.per-thread=false` finds its producers. */
  readonly ofApplication: ProducerOfApplication | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface NamedProducer {
  readonly properties: KafkaProperties;
  readonly producer: LiveProducer;
  readonly template: KafkaTemplate;
}

interface LiveRequest {
  readonly what: string;
  /** Of a named producer. */
  readonly name?: string;
  readonly properties: KafkaProperties;
  /** The one whose listeners hear of what stops. */
  readonly template?: () => KafkaTemplate | undefined;
  /** For one that is made for a purpose of its own. */
  readonly adapt?: (options: ProducerOptions) => ProducerOptions;
}

type TemplateParts = Omit<KafkaTemplateOptions, 'producer' | 'passing' | 'named' | 'transactions'>;
type OwnParts = Pick<KafkaTemplateOptions, 'producer' | 'passing' | 'transactions'>;

export class ConnectionProducers {
  readonly #options: ConnectionProducersOptions;
  readonly #extensions: SendExtensions;
  readonly #mistakes: Mistake[] = [];
  readonly #plain: LiveProducer;
  readonly #named = new Map<string, NamedProducer>();
  readonly #shared = new Map<string | undefined, ConnectionSharedProducer>();
  #template: KafkaTemplate | undefined;

  constructor(options: ConnectionProducersOptions) {
    this.#options = options;
    this.#extensions = new SendExtensions(options.extensions, options.properties);
    this.#plain = this.#live({ what: 'the producer', properties: options.properties, template: () => this.#template });
  }

  /** The plain one. Throws KAFKA_STOPPED before the start. */
  get client(): ProducerClient {
    return this.#plain.client;
  }

  /** The plain producer's template; those of named ones stand behind its `withProducer`. */
  makeTemplate(parts: TemplateParts, own: OwnParts): KafkaTemplate {
    const named = (name: string) => this.#namedTemplate(name);
    const { properties, environment } = this.#options;
    for (const [name, other] of namedProducers(properties, environment, this.#mistakes)) {
      const find = () => this.#named.get(name)?.template;
      const producer = this.#live({ what: `producer ${name}`, name, properties: other, template: find });
      const serializers = this.#options.serializers(other);
      const template = new KafkaTemplate({ ...parts, ...serializers, named, producer: () => producer.client });
      this.#named.set(name, { properties: other, producer, template });
    }
    this.#template = new KafkaTemplate({ ...parts, named, ...own });
    return this.#template;
  }

  /** Finds keys that are none, and what is switched on without being there. */
  check(findings: Findings): void {
    findings.mistakes.push(...this.#mistakes);
    this.#extensions.check(findings.notices);
    for (const { properties } of this.#named.values()) checkProducer(properties, findings);
  }

  /**
   * Throws KAFKA_CONFIG_INVALID for settings that no rule of the configuration has found; one check for each producer.
   */
  *settingsChecks(): Generator<readonly [origin: string, check: () => unknown]> {
    yield ['producer', () => producerSettings(producerOptions(this.#options.properties))];
    for (const [name, { properties }] of this.#named) {
      yield [`producer ${name}`, () => producerSettings(producerOptions(properties))];
    }
  }

  /** Puts interceptors and the like before the templates, once the application has all its providers. */
  extend(providers: ProviderLookup, mistakes: Mistake[]): void {
    this.#extensions.bind(providers, this.#sendings(), mistakes);
  }

  /** What a producer with these properties is made with. */
  optionsOf(properties: KafkaProperties): ProducerOptions {
    const partitioner = this.#extensions.partitionerFor(properties);
    return { ...producerOptions(properties), ...(partitioner ? { partitioner } : {}) };
  }

  /** From its call on sends are taken; resolves when all are connected, or go on trying. */
  async start(): Promise<void> {
    await Promise.all(this.#all().map((producer) => producer.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all().map((producer) => producer.stop()));
  }

  #all(): LiveProducer[] {
    return [this.#plain, ...[...this.#named.values()].map(({ producer }) => producer)];
  }

  /** After the producers' end: what is counted is told, and interceptors end. */
  close(): void {
    const closed = new Set<object>();
    for (const { template } of this.#sendings()) {
      template.reportFailures();
      template.close(closed);
    }
    this.#extensions.close(this.#options.logger);
  }

  /** The plain producer's, then those of the named ones. */
  #sendings(): Sending[] {
    const plain = this.#template ? [{ template: this.#template, properties: this.#options.properties }] : [];
    return [...plain, ...this.#named.values()];
  }

  /** One of its own that lets nothing overtake a lost record; whoever asks for it starts and stops it. */
  makeInOrder(what: string): LiveProducer {
    return this.#live({ what, properties: this.#options.properties, adapt: inOrder });
  }

  /** The plain one or one with a name, for worker threads. */
  shared(name: string | undefined): SharedProducer {
    const known = this.#shared.get(name);
    if (known) return known;
    const template = name === undefined ? this.#template! : this.#namedTemplate(name);
    const { properties, producer } = this.#named.get(name!) ?? {
      properties: this.#options.properties,
      producer: this.#plain,
    };
    const shared = new ConnectionSharedProducer(
      () => producer.client,
      template.relay,
      properties.get('producer.buffer-memory'),
    );
    this.#shared.set(name, shared);
    return shared;
  }

  #live({ what, name, properties, template, adapt }: LiveRequest): LiveProducer {
    const { connection, factory, ofApplication, openCluster, isExpected, clock, logger } = this.#options;
    const changed = () => this.#shared.get(name)?.changed();
    const create = (): ProducerClient => {
      if (factory) return factory(properties);
      if (ofApplication && !adapt && !properties.get('producer.per-thread')) {
        return ofApplication(name, properties.get('template.close-timeout'));
      }
      const options = this.optionsOf(properties);
      return new KafkaProducer({
        cluster: openCluster(properties),
        clientId: producerRequest(properties).clientId,
        options: adapt?.(options) ?? options,
        isExpected,
        onStopped: (stopped) => {
          template?.()?.noteStopped(stopped);
          changed();
        },
        onResumed: changed,
        clock,
        logger,
      });
    };
    return new LiveProducer({ what, connection, create, clock, logger });
  }

  #namedTemplate(name: string): KafkaTemplate {
    const found = this.#named.get(name);
    if (found) return found.template;
    const { connection, properties } = this.#options;
    const known = [...this.#named.keys()].join(', ');
    const others = known ? `there are: ${known}` : `set ${properties.prefix}.producers.${name}.…`;
    throw new NestdawError(
      'KAFKA_CONFIG_INVALID',
      `there is no producer ${name} of connection ${connection}; ${others}`,
    );
  }
}
