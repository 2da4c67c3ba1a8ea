import { Broker } from '../broker/broker.js';
import { type Clock, systemClock } from '../common/clock.js';
import { type Logger, silentLogger } from '../common/logger.js';
import { InMemoryCluster } from '../runtime/client/cluster/in-memory-cluster.js';
import { KafkaForTests } from './kafka-for-tests.js';
import { TestClient } from './test-client.js';

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
export class EmbeddedKafka extends KafkaForTests {
  readonly #client: TestClient;

  private constructor(
    /** The broker itself. */
    readonly broker: Broker,
    clock: Clock,
  ) {
    const cluster = new InMemoryCluster({ exchange: (frame) => broker.exchangeFrame(frame) });
    const client = new TestClient(cluster, clock);
    super(client, clock);
    this.#client = client;
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

  /** Ends the broker; harmless when repeated. */
  async stop(): Promise<void> {
    await this.#client.close();
    await this.broker.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
