import { type FactoryProvider, type InjectionToken } from '@nestjs/common';
import { DEFAULT_CONNECTION } from '../../../common/connection-name.js';
import { getKafkaConnectionToken } from '../../../decorators/inject-kafka-template.js';
import { type KafkaTemplate } from '../../template/kafka-template.js';
import {
  AggregatingReplyingKafkaTemplate,
  type AggregatingTemplateOptions,
} from '../../template/replies/aggregating-replying-kafka-template.js';
import { type ReplyExchangeOptions } from '../../template/replies/reply-exchange.js';
import { ReplyingKafkaTemplate, type ReplyingTemplateOptions } from '../../template/replies/replying-kafka-template.js';
import { type KafkaConnection } from '../connection/kafka-connection.js';
import { ReplyContainer } from './reply-container.js';
import { replyReader } from './reply-reader.js';

// Replying templates as providers.

/** What a replying template is made with. */
export interface ReplyingTemplateSettings
  extends Omit<ReplyExchangeOptions, 'template' | 'source' | 'clock' | 'random' | 'logger' | 'defaultReplyTimeoutMs'>,
    Pick<ReplyingTemplateOptions, 'replyErrorChecker'> {
  /** Topic that replies are wanted on, with placeholders. It is made where it is missing. */
  readonly replyTopic: string;
  /** The partition of it that is this process's own. Default: all are read. */
  readonly replyPartition?: number;
  /**
   * Consumer group that reads the replies; it must be this process's alone. Default: no group; all partitions are read
   * from the start of the process on.
   */
  readonly groupId?: string;
  /** Default 5,000. */
  readonly defaultReplyTimeout?: number;
  /** Whether it begins to read replies with the application; else at its first request. Default true. */
  readonly autoStartup?: boolean;
  /** Name of the connection. Default `default`. */
  readonly connection?: string;
  /** Injection token. Default: the class. */
  readonly provide?: InjectionToken;
}

/** The same for many replies of one request. */
export type AggregatingTemplateSettings = ReplyingTemplateSettings &
  Pick<AggregatingTemplateOptions, 'releaseStrategy' | 'returnPartialOnTimeout'>;

/**
 * A provider of a `ReplyingKafkaTemplate`: `providers: [provideReplyingKafkaTemplate({ replyTopic: 'orders-replies'
 * })]`. It reads its replies from the start of the application to its end, after that of all listeners.
 */
export function provideReplyingKafkaTemplate(
  settings: ReplyingTemplateSettings,
): FactoryProvider<ReplyingKafkaTemplate> {
  return providerOf(ReplyingKafkaTemplate, settings, (options) => new ReplyingKafkaTemplate(options));
}

/** A provider of an `AggregatingReplyingKafkaTemplate`. */
export function provideAggregatingReplyingKafkaTemplate(
  settings: AggregatingTemplateSettings,
): FactoryProvider<AggregatingReplyingKafkaTemplate> {
  const { releaseStrategy, returnPartialOnTimeout } = settings;
  return providerOf(AggregatingReplyingKafkaTemplate, settings, (options) => {
    return new AggregatingReplyingKafkaTemplate({ ...options, releaseStrategy, returnPartialOnTimeout });
  });
}

interface Exchanging {
  ready(): Promise<void>;
  stop(): Promise<void>;
}

function providerOf<T extends Exchanging>(
  token: InjectionToken,
  settings: ReplyingTemplateSettings,
  create: (options: ReplyingTemplateOptions) => T,
): FactoryProvider<T> {
  const { connection = DEFAULT_CONNECTION, provide = token } = settings;
  return {
    provide,
    inject: [getKafkaConnectionToken(connection)],
    useFactory: (found: KafkaConnection) => attached(found, settings, create(optionsOf(settings, found))),
  };
}

/** Attached to the connection; `template` sends the requests. */
export function replyingTemplateOver(
  template: KafkaTemplate,
  settings: ReplyingTemplateSettings,
  connection: KafkaConnection,
): ReplyingKafkaTemplate {
  return attached(connection, settings, new ReplyingKafkaTemplate({ ...optionsOf(settings, connection), template }));
}

function attached<T extends Exchanging>(
  connection: KafkaConnection,
  { autoStartup = true }: ReplyingTemplateSettings,
  template: T,
): T {
  connection.attach({ start: () => template.ready(), stop: () => template.stop() }, autoStartup);
  return template;
}

function optionsOf(settings: ReplyingTemplateSettings, connection: KafkaConnection): ReplyingTemplateOptions {
  const { replyTopic, replyPartition, groupId, defaultReplyTimeout, ...rest } = settings;
  const resolve = (text: string) => connection.environment.resolvePlaceholders(text);
  const source = new ReplyContainer({
    connection,
    topic: resolve(replyTopic),
    partition: replyPartition,
    groupId: groupId === undefined ? undefined : resolve(groupId),
  });
  return {
    ...rest,
    template: connection.template,
    source,
    defaultReplyTimeoutMs: defaultReplyTimeout,
    read: replyReader(connection),
    clock: connection.clock,
    logger: connection.logger,
  };
}
