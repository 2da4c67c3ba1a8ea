import { type FactoryProvider, type InjectionToken } from '@nestjs/common';
import { defer, from, type Observable, ReplaySubject } from 'rxjs';
import { DEFAULT_CONNECTION } from '../../../common/connection-name.js';
import { NestdawError } from '../../../common/errors.js';
import { type KafkaRecord } from '../../../common/record.js';
import { getKafkaConnectionToken } from '../../../decorators/inject-kafka-template.js';
import { type KafkaTemplate, type ProducerRecord, type SendResult } from '../../template/kafka-template.js';
import { type ReplyingKafkaTemplate } from '../../template/replies/replying-kafka-template.js';
import { Serdes } from '../../template/serdes/serdes.js';
import { type KafkaConnection } from '../connection/kafka-connection.js';
import { replyingTemplateOver } from '../replies/provide-replying-template.js';
import { parsedMessage, replyRecord } from './kafka-message.js';

// What applications written for Nest's own transport inject as ClientKafka, over this module's templates.

export interface KafkaClientSettings {
  /** Topic on which replies of `send` are wanted, with placeholders; it is made where it is missing. Without it only
   * `emit` works. */
  readonly replyTopic?: string;
  /** How long `send` waits for a reply, ms. Default 5,000. */
  readonly defaultReplyTimeout?: number;
  /** Name of the connection. Default `default`. */
  readonly connection?: string;
}

/** Header by which Nest's transport says that a handler failed. */
const NEST_ERROR = 'kafka_nest-err';

/**
 * Binds a token that an application injects as `ClientKafka` to this module:
 *
 * ```ts
 * providers: [provideKafkaClient('ORDERS', { replyTopic: 'orders-replies' })] // instead of ClientsModule.register(…)
 * ```
 */
export function provideKafkaClient(
  token: InjectionToken,
  settings: KafkaClientSettings = {},
): FactoryProvider<NestdawClient> {
  const { replyTopic, connection = DEFAULT_CONNECTION, defaultReplyTimeout } = settings;
  return {
    provide: token,
    inject: [getKafkaConnectionToken(connection)],
    useFactory: (found: KafkaConnection) => {
      // What the transport makes of a message is bytes already, whatever the application's templates write.
      const template = found.template.withSerializers({ key: Serdes.bytes, value: Serdes.bytes });
      if (replyTopic === undefined) return new NestdawClient(template, undefined);
      const timeout = defaultReplyTimeout === undefined ? {} : { defaultReplyTimeout };
      const asking = { replyTopic, connection, replyErrorChecker: failureOf, ...timeout };
      return new NestdawClient(template, replyingTemplateOver(template, asking, found));
    },
  };
}

/** The part of Nest's `ClientKafka` that applications call. Made by `provideKafkaClient`. */
export class NestdawClient {
  readonly #template: KafkaTemplate;
  readonly #replying: ReplyingKafkaTemplate | undefined;

  /** @internal */
  constructor(template: KafkaTemplate, replying: ReplyingKafkaTemplate | undefined) {
    this.#template = template;
    this.#replying = replying;
  }

  /**
   * Sends an event: a value, or `{ key, value, headers }`. Sent at once, subscribed to or not; the observable emits
   * what the broker acknowledged, and fails with KAFKA_DELIVERY_FAILED and its like, which are logged as well.
   */
  emit<R = SendResult>(pattern: string, data: unknown): Observable<R> {
    const result = new ReplaySubject<R>(1);
    from(this.#template.send(messageOf(pattern, data))).subscribe(result as unknown as ReplaySubject<SendResult>);
    return result;
  }

  /**
   * Sends a request when it is subscribed to, and emits the reply's value. Fails with KAFKA_REPLY_TIMEOUT, or with what
   * the handler failed with. Of a handler that answers with several values the first one is given.
   */
  send<R = unknown>(pattern: string, data: unknown): Observable<R> {
    return defer(() => this.#ask<R>(pattern, data));
  }

  /** Nothing to do: all replies come on one topic. */
  subscribeToResponseOf(_pattern: unknown): void {}

  /** Nothing to do: the module connects. */
  connect(): Promise<void> {
    return Promise.resolve();
  }

  /** Nothing to do: the module closes. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  async #ask<R>(topic: string, data: unknown): Promise<R> {
    if (!this.#replying) {
      const message = `send('${topic}') waits for a reply: give provideKafkaClient a replyTopic, or use emit`;
      throw new NestdawError('KAFKA_CONFIG_INVALID', message);
    }
    const { record } = await this.#replying.sendAndReceive(messageOf(topic, data));
    return parsedMessage(record).value as R;
  }
}

function messageOf(topic: string, data: unknown): ProducerRecord {
  const { key, value, headers = [] } = replyRecord(data, []);
  return { topic, key, value, headers: Object.fromEntries(headers.map((header) => [header.key, header.value])) };
}

/** What the other side says that it failed with: an object where it is one. */
function failureOf(record: KafkaRecord): Error | undefined {
  const { headers } = parsedMessage(record);
  const given = headers[NEST_ERROR];
  if (given === undefined || given === null) return undefined;
  const said = typeof given === 'object' ? (given as { message?: unknown }).message : given;
  return new NestdawError('KAFKA_REPLY_FAILED', String(said as string), { cause: given });
}
