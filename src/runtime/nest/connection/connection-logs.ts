import { type Clock } from '../../../common/clock.js';
import { type Logger } from '../../../common/logger.js';
import { type KafkaRecord } from '../../../common/record.js';
import { KafkaAdmin } from '../../client/admin/kafka-admin.js';
import { makeTopics, type NeededTopic } from '../../client/admin/needed-topics.js';
import { type Cluster } from '../../client/cluster/cluster.js';
import { type ManualPartition } from '../../client/consumer/consumer-options.js';
import { StandaloneConsumer } from '../../client/consumer/standalone-consumer.js';
import { type LogRange, type ReadOptions, readLogs } from '../../client/log-reader.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { consumerNumbers } from './client-options.js';
import { consumerRequest, producerRequest, type RequestNumbers } from './cluster-request.js';

// What features of a connection do with logs beside producing and consuming: making them, reading them through.

/** How long making topics is tried before whoever asked is told that the cluster is away. */
const MAKING_MS = 2_000;

export interface ConnectionLogsOptions {
  readonly properties: KafkaProperties;
  readonly openCluster: (client: 'consumer' | 'producer', numbers: RequestNumbers) => Cluster;
  /** There is no cluster behind the connection: topics count as made, and nothing can be read. */
  readonly isFaked: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ConnectionLogs {
  readonly #options: ConnectionLogsOptions;

  constructor(options: ConnectionLogsOptions) {
    this.#options = options;
  }

  /** Makes topics that are missing. */
  async makeTopics(needed: readonly NeededTopic[]): Promise<void> {
    const { properties, openCluster, isFaked, clock, logger } = this.#options;
    if (needed.length === 0 || isFaked) return;
    const numbers = { ...producerRequest(properties), allowAutoCreateTopics: false };
    const admin = new KafkaAdmin({
      openCluster: () => openCluster('producer', numbers),
      operationTimeoutMs: MAKING_MS,
      clock,
      logger,
    });
    try {
      await makeTopics(admin, needed);
    } finally {
      await admin.close();
    }
  }

  /** Reads partitions from somewhere to where they end now, outside of any group. */
  readLogs(
    ranges: readonly LogRange[],
    visit: (record: KafkaRecord) => unknown,
    options: ReadOptions = {},
  ): Promise<void> {
    const { properties, clock, logger, openCluster } = this.#options;
    const create = (partitions: readonly ManualPartition[]) =>
      new StandaloneConsumer({
        ...consumerNumbers(properties),
        groupId: '',
        topics: [],
        assignment: { partitions, index: 0, of: 1 },
        createCluster: () => openCluster('consumer', consumerRequest(properties, { id: 'reader' }, 0)),
        clock,
        logger,
      });
    return readLogs(create, ranges, visit, { clock, ...options });
  }

  /** A cluster of its own for a few questions; looking for a topic does not make it. */
  async withCluster<T>(ask: (cluster: Cluster) => Promise<T>): Promise<T> {
    const { properties, openCluster } = this.#options;
    const cluster = openCluster('producer', { ...producerRequest(properties), allowAutoCreateTopics: false });
    try {
      await cluster.connect();
      return await ask(cluster);
    } finally {
      await cluster.close();
    }
  }
}
