import 'reflect-metadata';
import { KAFKA_SEND_TO } from './metadata-keys.js';
import { type ReplyTopicFunction } from './reply-topic.js';

// @SendTo: what a listener's method returns goes to a topic.

export interface SendToOptions {
  /** Headers that every reply gets. */
  readonly headers?: Readonly<Record<string, string | number | boolean | Uint8Array | null>>;
  /** Headers of the request that its reply gets too: names, or a function. Default none. */
  readonly copyHeaders?: readonly string[] | ((name: string, value: Buffer | null) => boolean);
  /** Header that ties a reply to its request. Default `kafka_correlationId`. */
  readonly correlationHeader?: string;
}

/** What `@SendTo` was given. */
export interface SendToMetadata {
  readonly topic: string | ReplyTopicFunction | undefined;
  readonly options: SendToOptions;
}

/**
 * Sends what a listener's method returns (Spring: `@SendTo`); on a class, for those of its methods that say nothing
 * else. `undefined` sends nothing, `null` a tombstone; of an array every element is a reply, unless
 * `splitIterables: false`. The reply carries the request's correlation id and key. The record counts as finished when
 * its replies are acknowledged.
 *
 * @param topic a topic, with placeholders (`${orders.replies}`); `#{name}` for the topic that a header of the request
 * names; a function. Default: where the request wants it, `kafka_replyTopic` and `kafka_replyPartition`; a request that
 * says nothing gets no reply.
 */
export function SendTo(
  topic?: string | ReplyTopicFunction,
  options: SendToOptions = {},
): MethodDecorator & ClassDecorator {
  const metadata: SendToMetadata = { topic: topic === '' ? undefined : topic, options };
  return (target: object, _name?: string | symbol, descriptor?: PropertyDescriptor) => {
    Reflect.defineMetadata(KAFKA_SEND_TO, metadata, (descriptor?.value as object | undefined) ?? target);
  };
}
