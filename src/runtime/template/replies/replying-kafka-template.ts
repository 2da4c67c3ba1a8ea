import { type KafkaRecord } from '../../../common/record.js';
import { type ProducerRecord } from '../kafka-template.js';
import { defaultReplyErrorChecker, type Reply, type ReplyErrorChecker, type ReplyFuture } from './reply.js';
import { ReplyExchange, type ReplyExchangeOptions, type RequestOptions } from './reply-exchange.js';

/** Reads the value of a reply, as an instance of the class where one is given. */
export type ReplyReader = (record: KafkaRecord, type: RequestOptions['type']) => unknown;

export interface ReplyingTemplateOptions extends ReplyExchangeOptions {
  readonly read: ReplyReader;
  /** Default: `defaultReplyErrorChecker`. */
  readonly replyErrorChecker?: ReplyErrorChecker | undefined;
}

/**
 * Requests and their replies over two topics (Spring: `ReplyingKafkaTemplate`). Made with
 * `provideReplyingKafkaTemplate`. A request carries a correlation id, and where its reply is wanted; who answers copies
 * the id (a listener with `@SendTo()`, Spring, Nest's transport).
 */
export class ReplyingKafkaTemplate<T = any, R = any> {
  readonly #exchange: ReplyExchange<RequestOptions['type'], Reply<any>>;

  constructor(options: ReplyingTemplateOptions) {
    const check = options.replyErrorChecker ?? defaultReplyErrorChecker;
    this.#exchange = new ReplyExchange<RequestOptions['type'], Reply<any>>(options, {
      begin: ({ type }) => type,
      reply(type, record) {
        const error = check(record);
        if (error !== undefined) throw error;
        return { answer: replyOf(record, options.read(record, type)) };
      },
      timedOut: () => undefined,
    });
  }

  /**
   * Sends a record and resolves with its reply. Rejects with KAFKA_REPLY_TIMEOUT (after 5 s, unless said otherwise),
   * KAFKA_REPLY_FAILED when the other side says that it failed, KAFKA_DESERIALIZATION_FAILED for a reply that cannot
   * be read, and with whatever a `send` rejects with. Waits for the reply topic's partitions first, if need be.
   */
  sendAndReceive<A = R>(record: ProducerRecord<T>, options: RequestOptions = {}): ReplyFuture<Reply<A>> {
    return this.#exchange.exchange(record, options);
  }

  /** Sends a value and resolves with the value of its reply; rejects as `sendAndReceive`. */
  async request<A = R>(
    topic: string,
    value: T | null,
    options: RequestOptions & Partial<Pick<ProducerRecord<T>, 'key' | 'headers' | 'partition'>> = {},
  ): Promise<A> {
    const { key, headers, partition } = options;
    return (await this.sendAndReceive<A>({ topic, value, key, headers, partition }, options)).value;
  }

  /** Requests that wait for their replies. */
  get outstanding(): number {
    return this.#exchange.outstanding;
  }

  /** Resolves when replies can come (Spring: `waitForAssignment`); requests wait for that by themselves. */
  ready(): Promise<void> {
    return this.#exchange.start();
  }

  /** Ends it: what waits rejects with KAFKA_STOPPED. The application's end does that. */
  stop(): Promise<void> {
    return this.#exchange.stop();
  }
}

/** The record with its value read; a promise where reading takes one. */
export function replyOf<R>(record: KafkaRecord, value: unknown): Reply<R> | Promise<Reply<R>> {
  const reply = (read: unknown): Reply<R> => ({ ...record, value: read as R, record });
  return value instanceof Promise ? value.then(reply) : reply(value);
}
