import { type Clock } from '../../../common/clock.js';
import { NestdawError } from '../../../common/errors.js';
import { type Startable } from '../../../common/lifecycle.js';
import { randomUuid, systemRandom } from '../../../common/random.js';
import { type OutgoingRecord } from '../../../common/record.js';
import { parseDuration } from '../../config/formats.js';
import { RedisConnections } from '../../redis/redis-connections.js';
import { DelayRelay } from '../../retry/delays/delay-relay.js';
import { type DelayStore } from '../../retry/delays/delay-store.js';
import { RedisDelayStore } from '../../retry/delays/redis-delay-store.js';
import { type DelayedSend, type DelayOptions, type DelayPort } from '../../template/delayed-send.js';
import { type ProducerRecord } from '../../template/producer-record.js';
import { type KafkaConnection } from './kafka-connection.js';
import { TopicDelays } from './topic-delays.js';

// Delayed sends of a connection, over `kafka.delays.store`: topics of the cluster itself, or Redis.

/** Something that records can wait in; ids are made here and tell when they are due. */
export interface DelayBackend extends Startable {
  put(id: string, dueAt: number, topic: string, partition: number | undefined, record: OutgoingRecord): Promise<void>;
  cancel(id: string, dueAt: number): Promise<boolean>;
}

export class ConnectionDelays implements DelayPort, Startable {
  readonly #connection: () => KafkaConnection;
  readonly #clock: Clock;
  #backend: DelayBackend | undefined;

  constructor(connection: () => KafkaConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
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
    if (store === 'redis') return new RedisDelays(connection);
    throw new NestdawError(
      'KAFKA_CONFIG_INVALID',
      `delayed sends need a place to wait in: set ${properties.prefix}.delays.store=topics, or redis`,
    );
  }
}

/** A year. */
const MOST_MS = 366 * 86_400_000;

class RedisDelays implements DelayBackend {
  readonly #connections: RedisConnections;
  readonly #store: DelayStore;
  readonly #relay: DelayRelay;

  constructor(connection: KafkaConnection) {
    const { properties, clock, logger, name } = connection;
    this.#connections = new RedisConnections(() => logger);
    const url = properties.get('redis.url');
    if (!url) {
      const message = `${properties.prefix}.delays.store=redis needs ${properties.prefix}.redis.url=redis://host:6379`;
      throw new NestdawError('KAFKA_CONFIG_INVALID', message);
    }
    this.#store = new RedisDelayStore(this.#connections.at(url), `delayed-sends-${name}`);
    const send = (topic: string, partition: number | undefined, record: OutgoingRecord) =>
      connection.sendRecord(topic, partition, record);
    this.#relay = new DelayRelay({ store: this.#store, send, clock, logger });
  }

  start(): Promise<void> {
    return this.#relay.start();
  }

  async stop(): Promise<void> {
    await this.#relay.stop();
    this.#connections.close();
  }

  put(id: string, dueAt: number, topic: string, partition: number | undefined, record: OutgoingRecord): Promise<void> {
    return this.#store.put({ id, dueAt, topic, partition, record });
  }

  cancel(id: string): Promise<boolean> {
    return this.#store.cancel(id);
  }
}
