import { isRedisClient, redisRunner } from '../../redis/redis-scripts.js';
import { type DelayStore } from './delay-store.js';
import { RedisDelayStore } from './redis-delay-store.js';
import { isSqlDelayStore, SqlDelayStore } from './sql-delay-store.js';

// What `delays` may name beside `topics` and `redis`, for messages.
export const DELAY_STORES = 'a client of Redis, what sqlDatabase takes, or a DelayStore';

/**
 * A store as it is, or one over a client of Redis or SQL.
 *
 * @param name tells those who share it apart
 * @throws {NestdawError} KAFKA_CONFIG_INVALID when it is none of them
 */
export function delayStoreOver(base: object, name: string): DelayStore {
  if (isSqlDelayStore(base)) return base.named(name);
  if (isDelayStore(base)) return base;
  if (isRedisClient(base)) return new RedisDelayStore(redisRunner(base), name);
  return new SqlDelayStore(base, { name });
}

function isDelayStore(base: object): base is DelayStore {
  return ['put', 'take', 'done', 'cancel', 'nextDue'].every((method) => {
    return typeof (base as Record<string, unknown>)[method] === 'function';
  });
}
