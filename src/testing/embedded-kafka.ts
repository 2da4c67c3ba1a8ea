import { Broker } from '../broker/broker.js';
import { type Clock, systemClock } from '../common/clock.js';
import { type Logger, silentLogger } from '../common/logger.js';
import { type KafkaRecord, type OutgoingRecord } from '../common/record.js';
import { InMemoryCluster } from '../runtime/client/cluster/in-memory-cluster.js';
import { PROPERTY_OVERRIDES } from '../runtime/config/property-overrides.js';
import { TestClient } from './test-client.js';
import { type UntilOptions, until } from './until.js';

// A broker for tests: in the test's own thread, in memory unless told otherwise, on a real port.

export interface EmbeddedKafkaOptions {
  /** Topics to create: names (one partition each), or names with their number of partitions. Default none. */
  readonly topics?: readonly string[] | Readonly<Record<string, number>>;
  /** Port to listen on. Default 0: any free one. */
  readonly port?: number;
  /** Folder to store in. Default none: everything stays in memory. */
  readonly dataDir?: string;
  /** Broker settings by Kafka's names. Default: groups form without the initial delay, sessions may be 100 ms short. */
  readonly config?: Readonly<Record<string, string>>;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Default: says nothing. */
  readonly logger?: Logger;
}

/** What `provide` needs of Nest's TestingModuleBuilder. */
export interface OverridableBuilder {
  overrideProvider(token: unknown): { useValue(value: unknown): unknown };
}

const TEST_CONFIG = { 'group.initial.rebalance.delay.ms': '0', 'group.min.session.timeout.ms': '100' };

/**
 * A real Kafka broker for tests, as Spring's `@EmbeddedKafka`:
 *
 * ```ts
 * const kafka = await EmbeddedKafka.start({ topics: { orders: 3 } });
 * const module = await kafka.provide(Test.createTestingModule({ imports: [AppModule] })).compile();
 * // … await kafka.untilConsumed('billing', 'orders') …
 * await kafka.stop();
 * ```
 */
export class EmbeddedKafka {
  readonly #clock: Clock;
  readonly #client: TestClient;

  private constructor(
    /** The broker itself. */
    readonly broker: Broker,
    clock: Clock,
  ) {
    this.#clock = clock;
    this.#client = new TestClient(new InMemoryCluster({ exchange: (frame) => broker.exchangeFrame(frame) }), clock);
  }

  /** Starts a broker and creates the topics. Throws KAFKA_BROKER_START_FAILED, for instance when the port is taken. */
  static async start(options: EmbeddedKafkaOptions = {}): Promise<EmbeddedKafka> {
    const { topics = [], port = 0, config = {}, clock = systemClock, logger = silentLogger } = options;
    const broker = await Broker.start({
      port,
      clock,
      logger,
      config: { ...TEST_CONFIG, ...config },
      ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }),
    });
    const kafka = new EmbeddedKafka(broker, clock);
    await kafka.#client.connect();
    const named = Array.isArray(topics) ? topics.map((name) => [name, 1] as const) : Object.entries(topics);
    for (const [name, partitions] of named) await kafka.createTopic(name, partitions);
    return kafka;
  }

  /** Address for clients: `127.0.0.1:<port>`. */
  get bootstrapServers(): string {
    return this.broker.bootstrapServers;
  }

  /**
   * Properties that point an application at this broker and let new groups begin at the oldest record, for the
   * connection without a name, and for those named.
   */
  properties(...connections: string[]): Record<string, string> {
    const prefixes = ['kafka', ...connections.map((name) => `kafka.${name}`)];
    return Object.fromEntries(
      prefixes.flatMap((prefix) => [
        [`${prefix}.bootstrap-servers`, this.bootstrapServers],
        [`${prefix}.consumer.auto-offset-reset`, 'earliest'],
      ]),
    );
  }

  /** Makes the KafkaModule of a Nest testing module use this broker, also for the connections named; returns the builder. */
  provide<B extends OverridableBuilder>(builder: B, ...connections: string[]): B {
    builder.overrideProvider(PROPERTY_OVERRIDES).useValue(this.properties(...connections));
    return builder;
  }

  /** Creates a topic. Throws KAFKA_PROTOCOL_ERROR when it exists or the name is not allowed. */
  createTopic(name: string, partitions = 1): Promise<void> {
    return this.#client.createTopic(name, partitions);
  }

  /** Stores records in one partition and resolves with the offset of the first. */
  produce(topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<number> {
    return this.#client.produce(topic, partition, records);
  }

  /** All records of a topic, by partition and offset. */
  records(topic: string): Promise<KafkaRecord[]> {
    return this.#client.records(topic);
  }

  /** Waits until a topic holds at least `count` records, and resolves with them. */
  untilRecords(topic: string, count: number, options?: UntilOptions): Promise<KafkaRecord[]> {
    const look = async () => {
      const found = await this.records(topic);
      return found.length >= count && found;
    };
    return until(look, { what: `${count} records in ${topic}`, clock: this.#clock, ...options });
  }

  /** Committed offset of each partition of a topic; -1 where the group has committed nothing. */
  committed(groupId: string, topic: string): Promise<number[]> {
    return this.#client.committed(groupId, topic);
  }

  /** Waits until a group has committed everything that a topic holds. */
  async untilConsumed(groupId: string, topic: string, options?: UntilOptions): Promise<void> {
    const look = async () => {
      const [ends, committed] = await Promise.all([this.#client.endOffsets(topic), this.committed(groupId, topic)]);
      return ends.every((end, partition) => Math.max(0, committed[partition] ?? -1) >= end);
    };
    await until(look, { what: `group ${groupId} having committed all of ${topic}`, clock: this.#clock, ...options });
  }

  /** Ends the broker; harmless when repeated. */
  async stop(): Promise<void> {
    await this.#client.close();
    await this.broker.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
