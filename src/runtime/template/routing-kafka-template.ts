import { NestdawError } from '../../common/errors.js';
import { type KafkaTemplate } from './kafka-template.js';
import { type ProducerRecord, type SendResult } from './producer-record.js';
import { type RecordKey } from './serializers.js';

/** A topic pattern, which describes the whole name, and who sends what matches it. */
export type TopicRoute<T> = readonly [pattern: RegExp | string, template: KafkaTemplate<T>];

/**
 * Sends through the template of the first pattern, in order, that describes the topic (Spring: `RoutingKafkaTemplate`):
 *
 * ```ts
 * new RoutingKafkaTemplate([['bulk-.+', template.withProducer('bulk')], ['.+', template]])
 * ```
 *
 * A send to a topic that no pattern describes rejects with KAFKA_CONFIG_INVALID. There is no flush, no metrics and no
 * transaction: those belong to one producer.
 */
export class RoutingKafkaTemplate<T = any> {
  readonly #routes: ReadonlyArray<readonly [pattern: RegExp, template: KafkaTemplate<T>]>;
  /** Each topic is matched once. */
  readonly #known = new Map<string, KafkaTemplate<T>>();

  constructor(routes: Iterable<TopicRoute<T>>) {
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

  send(topic: string, value: T | null): Promise<SendResult>;
  send(topic: string, key: RecordKey, value: T | null): Promise<SendResult>;
  send(record: ProducerRecord<T>): Promise<SendResult>;
  send(first: string | ProducerRecord<T>, ...rest: [any?, any?]): Promise<SendResult> {
    const topic = typeof first === 'string' ? first : first.topic;
    const template = this.templateFor(topic);
    if (!template) {
      const patterns = this.#routes.map(([{ source }]) => source.slice(4, -2)).join(', ');
      const problem = `no pattern of the RoutingKafkaTemplate describes topic ${topic}; there are: ${patterns || 'none'}`;
      return Promise.reject(new NestdawError('KAFKA_CONFIG_INVALID', problem));
    }
    return (template.send as (...args: unknown[]) => Promise<SendResult>).call(template, first, ...rest);
  }
}
