import 'reflect-metadata';
import { KAFKA_OFFSETS } from './metadata-keys.js';
import { type ProviderReference } from './provider-reference.js';

// @ExternalOffsets: a listener's offsets are kept outside of Kafka.

/** Where a listener's offsets are kept, and when they are stored. Strings may hold placeholders. */
export interface ExternalOffsetsOptions {
  /**
   * `file`: files in `kafka.listener.offset-directory`. `redis`: at `kafka.redis.url`. Or a provider, by class or
   * token: a client of ioredis or redis, a SQL client (pool, connection, ORM), or an `OffsetStore` of your own. Default
   * `kafka.listener.offset-store`.
   */
  readonly store?: ProviderReference<object>;
  /**
   * SQL only: the offset is stored in the transaction that the handler runs in (see `@Sql()`), together with its
   * results. Records of a partition are then handled one after another. Default false: stored by policy.
   */
  readonly transaction?: boolean | string;
  /**
   * `commit`: when Kafka's commits would be made, as `ackMode` says, and when partitions are revoked. `revoke`: only
   * when partitions are revoked, and when the application stops. Default `commit`.
   */
  readonly when?: 'commit' | 'revoke' | (string & {});
  /** What stored numbers mean: the next offset to read, or the last one that was read. Default `next`. */
  readonly convention?: 'next' | 'last' | (string & {});
}

/**
 * Keeps the offsets of this method's (or class's) listener outside of Kafka: partitions go on where the store says when
 * they are assigned, and nothing is committed to Kafka. With SQL and `transaction` each record takes effect exactly
 * once in that database.
 */
export function ExternalOffsets(options: ExternalOffsetsOptions = {}): ClassDecorator & MethodDecorator {
  return (target: object, _name?: string | symbol, descriptor?: PropertyDescriptor) => {
    const holder = descriptor === undefined ? target : (descriptor.value as object);
    Reflect.defineMetadata(KAFKA_OFFSETS, options, holder);
  };
}
