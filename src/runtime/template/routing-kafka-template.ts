import { NestdawError } from '../../common/errors.js';
import { type TopicPartitionInfo } from '../client/producer-client.js';
import { type KafkaTemplate } from './kafka-template.js';
import {
  isMessage,
  type KafkaMessage,
  noTopic,
  type ProducerRecord,
  recordOfMessage,
  type SendResult,
} from './producer-record.js';
import { recordOf, type SendArguments } from './send-arguments.js';
import { type RecordKey } from './serializers.js';

/** A topic pattern, which describes the whole name, and who sends what matches it. */
export type TopicRoute<T> = readonly [pattern: RegExp | string, template: KafkaTemplate<T>];

/** Options of a `RoutingKafkaTemplate`. */
export interface RoutingTemplateOptions {
  /** Topic of `sendDefault`, and of messages whose headers name none. Default: none. */
  readonly defaultTopic?: string;
}

/**
 * Sends through the template of the first pattern, in order, that describes the topic (Spring: `RoutingKafkaTemplate`):
 *
 * ```ts
 * new RoutingKafkaTemplate([['bulk-.+', template.withProducer('bulk')], ['.+', template]])
 * ```
 *
 * Sends in all forms of `KafkaTemplate`. A topic that no pattern describes rejects with KAFKA_CONFIG_INVALID. As in
 * Spring there is no execute, flush, metrics and transaction: those belong to one producer, so ask the template of it.
 */
export class RoutingKafkaTemplate<T = any> {
  readonly #routes: ReadonlyArray<readonly [pattern: RegExp, template: KafkaTemplate<T>]>;
  /** Each topic is matched once. */
  readonly #known = new Map<string, KafkaTemplate<T>>();
  readonly #defaultTopic: string | undefined;

  constructor(routes: Iterable<TopicRoute<T>>, { defaultTopic }: RoutingTemplateOptions = {}) {
    this.#defaultTopic = defaultTopic;
    this.#routes = [...routes].map(([pattern, template]) => {
      const { source, flags } = typeof pattern === 'string' ? { source: pattern, flags: '' } : pattern;
      return [new RegExp(`^(?:${source})$`, flags.replace(/[gy]/g, '')), template];
    });
  }

  /** The template for a topic; undefined when no pattern describes it. */
  templateFor(topic: string): KafkaTemplate<T> | undefined {
    let template = this.#known.get(topic);
    if (template === undefined) {
      template = this.#routes.find(([pattern]) => pattern.test(topic))?.[1];
      if (template) this.#known.set(topic, template);
    }
    return template;
  }

  /** Sends as `KafkaTemplate.send`, through the template of the topic; a message's topic is in its headers. */
  send(topic: string, value: T | null): Promise<SendResult>;
  send(topic: string, key: RecordKey, value: T | null): Promise<SendResult>;
  send(topic: string, partition: number | null, key: RecordKey, value: T | null): Promise<SendResult>;
  send(
    topic: string,
    partition: number | null,
    timestamp: number | null,
    key: RecordKey,
    value: T | null,
  ): Promise<SendResult>;
  send(record: ProducerRecord<T>): Promise<SendResult>;
  send(message: KafkaMessage<T>): Promise<SendResult>;
  async send(first: string | ProducerRecord<T> | KafkaMessage<T>, ...rest: SendArguments): Promise<SendResult> {
    if (typeof first === 'string') return this.#route(first).send(recordOf(first, rest));
    const record = isMessage(first) ? recordOfMessage<T>(first, this.#defaultTopic) : first;
    return this.#route(record.topic).send(record);
  }

  /** Like `send`, to the default topic of the options. Rejects with KAFKA_CONFIG_INVALID when there is none. */
  sendDefault(value: T | null): Promise<SendResult>;
  sendDefault(key: RecordKey, value: T | null): Promise<SendResult>;
  sendDefault(partition: number | null, key: RecordKey, value: T | null): Promise<SendResult>;
  sendDefault(partition: number | null, timestamp: number | null, key: RecordKey, value: T | null): Promise<SendResult>;
  async sendDefault(...rest: SendArguments): Promise<SendResult> {
    if (this.#defaultTopic === undefined) throw noTopic('sendDefault of a RoutingKafkaTemplate');
    return this.#route(this.#defaultTopic).send(recordOf(this.#defaultTopic, rest));
  }

  /** Number of partitions of a topic, as its template knows it. */
  async partitionsFor(topic: string): Promise<number> {
    return this.#route(topic).partitionsFor(topic);
  }

  /** Partitions of a topic with leader and replicas, as its template knows them. */
  async partitionInfo(topic: string): Promise<readonly TopicPartitionInfo[]> {
    return this.#route(topic).partitionInfo(topic);
  }

  #route(topic: string): KafkaTemplate<T> {
    const template = this.templateFor(topic);
    if (template) return template;
    const patterns = this.#routes.map(([{ source }]) => source.slice(4, -2)).join(', ');
    const problem = `no pattern of the RoutingKafkaTemplate describes topic ${topic}; there are: ${patterns || 'none'}`;
    throw new NestdawError('KAFKA_CONFIG_INVALID', problem);
  }
}
