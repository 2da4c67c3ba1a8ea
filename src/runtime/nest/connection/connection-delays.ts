import { type Clock } from '../../../common/clock.js';
import { messageOf, NestdawError } from '../../../common/errors.js';
import { type Startable } from '../../../common/lifecycle.js';
import { randomUuid, systemRandom } from '../../../common/random.js';
import { type OutgoingRecord } from '../../../common/record.js';
import { parseDuration } from '../../config/formats.js';
import { placeOf } from '../../config/mistake-at.js';
import { type Mistake } from '../../config/mistakes.js';
import { RedisConnections } from '../../redis/redis-connections.js';
import { DelayRelay } from '../../retry/delays/delay-relay.js';
import { type DelayStore } from '../../retry/delays/delay-store.js';
import { DELAY_STORES, delayStoreOver } from '../../retry/delays/delay-stores.js';
import { RedisDelayStore } from '../../retry/delays/redis-delay-store.js';
import { type DelayedSend, type DelayOptions, type DelayPort } from '../../template/delayed-send.js';
import { type ProducerRecord } from '../../template/producer-record.js';
import { type ProviderLookup } from '../provider-lookup.js';
import { type DelayBackend, type DelayConnection } from './delay-backend.js';
import { TopicDelays } from './topic-delays.js';

// Delayed sends of a connection, over `kafka.delays.store`: topics of the cluster itself, Redis, or what a provider is.

export class ConnectionDelays implements DelayPort, Startable {
  readonly #connection: () => DelayConnection;
  readonly #clock: Clock;
  #backend: DelayBackend | undefined;
  /** What `delays.store` names, where that is a provider. */
  #provided: DelayStore | undefined;

  constructor(connection: () => DelayConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Finds the provider that `delays.store` names, once the application has all of them. */
  bind(providers: ProviderLookup, mistakes: Mistake[]): void {
    const { properties, name } = this.#connection();
    const store = properties.get('delays.store');
    if (OWN_STORES.includes(store)) return;
    const { origin, key } = placeOf(properties, 'delays.store');
    const wanted = { origin, option: key, value: store, allowed: `topics, redis, ${DELAY_STORES}` };
    const base = providers.find(store, wanted, mistakes) as object | undefined;
    if (base === undefined) return;
    try {
      this.#provided = delayStoreOver(base, nameOf(name));
    } catch (error) {
      mistakes.push({ origin, key, value: store, problem: messageOf(error) });
    }
  }

  async start(): Promise<void> {
    await this.#backendOf().start();
  }

  async stop(): Promise<void> {
    await this.#backend?.stop();
  }

  async send(
    { topic, partition, key, value, headers, timestamp }: ProducerRecord,
    options: DelayOptions,
  ): Promise<DelayedSend> {
    const { delay } = options;
    const delayMs = typeof delay === 'number' ? delay : parseDuration(delay);
    if (delayMs === undefined || !(delayMs >= 0) || delayMs > MOST_MS) {
      const message = `delay ${String(delay)} is no delay; give ms, or a duration such as 15m, up to ${MOST_MS / 86_400_000} days`;
      throw new NestdawError('KAFKA_CONFIG_INVALID', message);
    }
    const record = this.#connection().recordWriter.write(topic, key, value, headers, timestamp, false);
    const dueAt = Math.ceil(this.#clock.now() + delayMs);
    const id = `${dueAt.toString(36)}-${randomUuid(systemRandom)}`;
    await this.#backendOf().put(id, dueAt, topic, partition, record);
    return { id, dueAt };
  }

  async cancel(id: string): Promise<boolean> {
    const dueAt = Number.parseInt(id, 36);
    if (!/^[0-9a-z]+-[0-9a-f-]{36}$/.test(id) || Number.isNaN(dueAt)) {
      throw new NestdawError('KAFKA_CONFIG_INVALID', `'${id}' is no id of a delayed send`);
    }
    return this.#backendOf().cancel(id, Number.parseInt(id.slice(0, id.indexOf('-')), 36));
  }

  #backendOf(): DelayBackend {
    this.#backend ??= this.#create();
    return this.#backend;
  }

  #create(): DelayBackend {
    const connection = this.#connection();
    const { properties } = connection;
    const store = properties.get('delays.store');
    if (store === 'topics') return new TopicDelays(connection);
    if (store === 'redis') return redisDelays(connection);
    if (this.#provided) return new StoreDelays(connection, this.#provided);
    throw new NestdawError(
      'KAFKA_CONFIG_INVALID',
      `delayed sends need a place to wait in: set ${properties.prefix}.delays.store=topics, redis, or a provider`,
    );
  }
}

/** A year. */
const MOST_MS = 366 * 86_400_000;

/** Values of `delays.store` that are no providers. */
const OWN_STORES: readonly string[] = ['none', 'topics', 'redis'];

const nameOf = (connection: string): string => `delayed-sends-${connection}`;

function redisDelays(connection: DelayConnection): DelayBackend {
  const { properties, logger, name } = connection;
  const url = properties.get('redis.url');
  if (!url) {
    const message = `${properties.prefix}.delays.store=redis needs ${properties.prefix}.redis.url=redis://host:6379`;
    throw new NestdawError('KAFKA_CONFIG_INVALID', message);
  }
  const connections = new RedisConnections(() => logger);
  const store = new RedisDelayStore(connections.at(url), nameOf(name));
  return new StoreDelays(connection, store, () => connections.close());
}

class StoreDelays implements DelayBackend {
  readonly #store: DelayStore;
  readonly #relay: DelayRelay;
  readonly #close: () => void;

  /** @param close ends what was opened for the store */
  constructor(connection: DelayConnection, store: DelayStore, close: () => void = () => undefined) {
    const { clock, logger } = connection;
    this.#store = store;
    this.#close = close;
    const send = (topic: string, partition: number | undefined, record: OutgoingRecord) =>
      connection.sendRecord(topic, partition, record);
    this.#relay = new DelayRelay({ store, send, clock, logger });
  }

  start(): Promise<void> {
    return this.#relay.start();
  }

  async stop(): Promise<void> {
    await this.#relay.stop();
    this.#close();
  }

  put(id: string, dueAt: number, topic: string, partition: number | undefined, record: OutgoingRecord): Promise<void> {
    return this.#store.put({ id, dueAt, topic, partition, record });
  }

  cancel(id: string): Promise<boolean> {
    return this.#store.cancel(id);
  }
}
