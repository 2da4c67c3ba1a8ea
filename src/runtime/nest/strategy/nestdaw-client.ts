import { type FactoryProvider, type InjectionToken } from '@nestjs/common';
import { defer, from, type Observable, ReplaySubject } from 'rxjs';
import { DEFAULT_CONNECTION } from '../../../common/connection-name.js';
import { NestdawError } from '../../../common/errors.js';
import { type KafkaRecord } from '../../../common/record.js';
import { getKafkaConnectionToken } from '../../../decorators/inject-kafka-template.js';
import { type RecordMetadata } from '../../client/producer-client.js';
import { type ReplyingKafkaTemplate } from '../../template/replies/replying-kafka-template.js';
import { type KafkaConnection } from '../connection/kafka-connection.js';
import { provideReplyingKafkaTemplate } from '../replies/provide-replying-template.js';
import { parsedMessage, replyRecord } from './kafka-message.js';

// What applications written for Nest's own transport inject as ClientKafka, over this module's producer and replies.

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
      if (replyTopic === undefined) return new NestdawClient(found, undefined);
      const { useFactory } = provideReplyingKafkaTemplate({
        replyTopic,
        connection,
        replyErrorChecker: failureOf,
        ...(defaultReplyTimeout === undefined ? {} : { defaultReplyTimeout }),
      });
      return new NestdawClient(found, useFactory(found) as ReplyingKafkaTemplate);
    },
  };
}

/** The part of Nest's `ClientKafka` that applications call. Made by `provideKafkaClient`. */
export class NestdawClient {
  readonly #connection: Pick<KafkaConnection, 'sendRecord'>;
  readonly #replying: ReplyingKafkaTemplate | undefined;

  /** @internal */
  constructor(connection: Pick<KafkaConnection, 'sendRecord'>, replying: ReplyingKafkaTemplate | undefined) {
    this.#connection = connection;
    this.#replying = replying;
  }

  /**
   * Sends an event: a value, or `{ key, value, headers }`. Sent at once, subscribed to or not; the observable emits
   * what the broker acknowledged, and fails with KAFKA_DELIVERY_FAILED and its like.
   */
  emit<R = RecordMetadata>(pattern: string, data: unknown): Observable<R> {
    const result = new ReplaySubject<R>(1);
    from(this.#connection.sendRecord(pattern, undefined, replyRecord(data, []))).subscribe(
      result as unknown as ReplaySubject<RecordMetadata>,
    );
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
    const { key, value, headers = [] } = replyRecord(data, []);
    const all = Object.fromEntries(headers.map((header) => [header.key, header.value]));
    const { record } = await this.#replying.sendAndReceive({ topic, key, value, headers: all });
    return parsedMessage(record).value as R;
  }
}

/** What the other side says that it failed with: an object where it is one. */
function failureOf(record: KafkaRecord): Error | undefined {
  const { headers } = parsedMessage(record);
  const given = headers[NEST_ERROR];
  if (given === undefined || given === null) return undefined;
  const said = typeof given === 'object' ? (given as { message?: unknown }).message : given;
  return new NestdawError('KAFKA_REPLY_FAILED', String(said as string), { cause: given });
}
