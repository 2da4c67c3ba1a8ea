import 'reflect-metadata';
import { type FilteredRecord } from './filtered-record.js';
import { KAFKA_IDEMPOTENT } from './metadata-keys.js';
import { type ProviderReference } from './provider-reference.js';

// @Idempotent: a listener handles each message once, told by an id.

/** Reads the id of a record; undefined when it has none. */
export type MessageIdFunction = (record: FilteredRecord) => string | number | bigint | undefined;

/** How long a handled id is known. */
export interface IdempotentWindow {
  /** The last so many ids of each partition. */
  readonly count?: number | string;
  /** So long since it was handled: ms, or `1h`. */
  readonly time?: number | string;
}

/**
 * How a listener tells messages apart; what is left out is taken from the configuration. Strings may hold placeholders.
 */
export interface IdempotentOptions {
  /**
   * `#header:message-id`: a header. `#key`: the key. `orderId`, `order.id`: a property of the JSON payload.
   * `topic-partition-offset`: the record's place, which tells redeliveries, but not what a producer sent twice. Or a
   * function. Default `kafka.listener.idempotent.id`, `#header:message-id`.
   */
  readonly id?: string | MessageIdFunction;
  /**
   * Where ids are kept. `memory`: in this process. `redis`: at `kafka.redis.url`. `topic`: in a compacted topic. Or a
   * provider, by class or token: a client of ioredis or redis; or a SQL client (pool, connection, ORM): ids are then
   * written in the handler's own transaction, see `@Sql()`; or a `DedupStore` of your own. Default
   * `kafka.listener.idempotent.store`, `memory`.
   */
  readonly store?: ProviderReference<object>;
  /**
   * How long handled ids are known: a number of ids per partition, a duration, or both, and then as long as any of the
   * two says. Must be more than what can be redelivered. Default 1000 ids, or more where more can be redelivered.
   */
  readonly window?: number | string | IdempotentWindow;
  /**
   * After how long the claim of a process that died is free, 1 s to 1 h; a living one renews its claims. Of no
   * importance for `memory` and SQL. Default `kafka.listener.idempotent.lease`, 10 s.
   */
  readonly lease?: number | string;
  /** Ids of one scope are told apart. Default: the consumer group and the topic. */
  readonly scope?: string;
  /** What becomes of a record without an id: it fails, for good, or is handled unguarded. Default `fail`. */
  readonly missing?: 'fail' | 'handle';
  /** While the store does not answer, records wait, or fail and are retried as any failure. Default `wait`. */
  readonly whenDown?: 'wait' | 'fail';
}

/**
 * Lets the listener of this method (or class) handle each message once: an id that was handled is passed over and
 * counted, one that another process is at is waited for, one whose handler failed is free again.
 *
 * Each id is claimed before its record is handled. With a SQL store claim and effect commit together: exactly once in
 * effect. With the others a crash between the effect and the note of it lets the record be handled again.
 */
export function Idempotent(options: IdempotentOptions = {}): ClassDecorator & MethodDecorator {
  return (target: object, _name?: string | symbol, descriptor?: PropertyDescriptor) => {
    const holder = descriptor === undefined ? target : (descriptor.value as object);
    Reflect.defineMetadata(KAFKA_IDEMPOTENT, options, holder);
  };
}
