import { hasCode, messageOf } from '../../../common/errors.js';
import { type ProviderReference } from '../../../decorators/provider-reference.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Mistake } from '../../config/mistakes.js';
import { type DedupStore } from '../../dedup/dedup-store.js';
import { MemoryDedupStore } from '../../dedup/memory-dedup-store.js';
import { RedisDedupStore } from '../../dedup/redis-dedup-store.js';
import { isSqlDedupStore, SqlDedupStore } from '../../dedup/sql-dedup-store.js';
import { FileOffsetStore } from '../../offsets/file-offset-store.js';
import { type OffsetStore } from '../../offsets/offset-store.js';
import { RedisOffsetStore } from '../../offsets/redis-offset-store.js';
import { isSqlOffsetStore, SqlOffsetStore } from '../../offsets/sql-offset-store.js';
import { RedisConnections } from '../../redis/redis-connections.js';
import { isRedisClient, type RedisRunner, redisRunner } from '../../redis/redis-scripts.js';
import { type DelayStore } from '../../retry/delays/delay-store.js';
import { delayStoreOver } from '../../retry/delays/delay-stores.js';
import { RedisDelayStore } from '../../retry/delays/redis-delay-store.js';
import { type ProviderLookup, type Wanted } from '../provider-lookup.js';
import { type RuntimeTools } from '../runtime-tools.js';

// The stores that listeners name, each made once: by name, or over what a provider is.

export interface StoreQuestion {
  /** What is looked for, for messages. */
  readonly wanted: Wanted;
  readonly lookup: ProviderLookup;
  readonly properties: KafkaProperties;
  readonly mistakes: Mistake[];
}

export class StoreShelf {
  readonly #tools: Readonly<RuntimeTools>;
  readonly #redis: RedisConnections;
  #memory: MemoryDedupStore | undefined;
  /** By what they stand over. */
  readonly #dedup = new Map<object, DedupStore | SqlDedupStore>();
  readonly #offsets = new Map<object, OffsetStore>();
  /** By what they stand over, by name. */
  readonly #delays = new Map<object, Map<string, DelayStore>>();

  constructor(tools: Readonly<RuntimeTools>) {
    this.#tools = tools;
    this.#redis = new RedisConnections(() => tools.logger);
  }

  /** The store of message ids; undefined, with a mistake, when there is none. */
  dedup(reference: ProviderReference<object>, question: StoreQuestion): DedupStore | SqlDedupStore | undefined {
    if (reference === 'memory') {
      this.#memory ??= new MemoryDedupStore(this.#tools.clock);
      return this.#memory;
    }
    const base = reference === 'redis' ? this.redis(question) : this.#provided(reference, question);
    if (base === undefined) return undefined;
    const known = this.#dedup.get(base);
    if (known) return known;
    const store = this.#attempt(question, () => dedupOver(base, reference === 'redis'));
    if (store) this.#dedup.set(base, store);
    return store;
  }

  /** The store of offsets; undefined, with a mistake, when there is none. */
  offsets(reference: ProviderReference<object>, question: StoreQuestion): OffsetStore | undefined {
    if (reference === 'file') return new FileOffsetStore(question.properties.get('listener.offset-directory'));
    const base = reference === 'redis' ? this.redis(question) : this.#provided(reference, question);
    if (base === undefined) return undefined;
    const known = this.#offsets.get(base);
    if (known) return known;
    const store = this.#attempt(question, () => offsetsOver(base, reference === 'redis'));
    if (store) this.#offsets.set(base, store);
    return store;
  }

  /** The store of delayed messages of that name; undefined, with a mistake, when there is none. */
  delays(reference: ProviderReference<object>, name: string, question: StoreQuestion): DelayStore | undefined {
    const isRedis = reference === 'redis';
    const base = isRedis ? this.redis(question) : this.#provided(reference, question);
    if (base === undefined) return undefined;
    const known = this.#delays.get(base) ?? new Map<string, DelayStore>();
    const make = () => (isRedis ? new RedisDelayStore(redisRunner(base), name) : delayStoreOver(base, name));
    const store = known.get(name) ?? this.#attempt(question, make);
    if (store) this.#delays.set(base, known.set(name, store));
    return store;
  }

  /** The connection to `redis.url`. */
  redis(question: StoreQuestion): RedisRunner | undefined {
    const { properties, wanted } = question;
    const url = properties.get('redis.url');
    if (url) return this.#attempt(question, () => this.#redis.at(url));
    const problem = `the store redis needs ${properties.prefix}.redis.url=redis://host:6379, or give a client: store: REDIS`;
    question.mistakes.push({ origin: wanted.origin, key: wanted.option, problem });
    return undefined;
  }

  /** Ends the connections that were opened here; those of the application are its own. */
  close(): void {
    this.#redis.close();
  }

  #provided(reference: ProviderReference<object>, { lookup, wanted, mistakes }: StoreQuestion): object | undefined {
    return lookup.find(reference, wanted, mistakes) as object | undefined;
  }

  #attempt<T>({ wanted, mistakes }: StoreQuestion, make: () => T): T | undefined {
    try {
      return make();
    } catch (error) {
      if (!hasCode(error, 'KAFKA_CONFIG_INVALID')) throw error;
      mistakes.push({ origin: wanted.origin, key: wanted.option, problem: messageOf(error) });
      return undefined;
    }
  }
}

/** A store as it is, or one over a client of Redis or SQL. */
function dedupOver(base: object, isRedis: boolean): DedupStore | SqlDedupStore {
  if (isSqlDedupStore(base) || isDedupStore(base)) return base;
  if (isRedis || isRedisClient(base)) return new RedisDedupStore(redisRunner(base));
  return new SqlDedupStore(base);
}

function offsetsOver(base: object, isRedis: boolean): OffsetStore {
  if (isSqlOffsetStore(base) || isOffsetStore(base)) return base;
  if (isRedis || isRedisClient(base)) return new RedisOffsetStore(redisRunner(base));
  return new SqlOffsetStore(base);
}

function isOffsetStore(base: object): base is OffsetStore {
  return ['load', 'store'].every((name) => typeof (base as Record<string, unknown>)[name] === 'function');
}

function isDedupStore(base: object): base is DedupStore {
  return ['claim', 'finish', 'release', 'renew'].every((name) => {
    return typeof (base as Record<string, unknown>)[name] === 'function';
  });
}
