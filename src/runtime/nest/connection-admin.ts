import { type Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { KafkaAdmin } from '../client/admin/kafka-admin.js';
import { type TopicOptions } from '../client/admin/new-topic.js';
import { checkedTopics } from '../client/admin/topic-plan.js';
import { type Cluster } from '../client/cluster/cluster.js';
import { type KafkaProperties } from '../config/kafka-properties.js';
import { type Mistake } from '../config/mistakes.js';

// The topics that an application declares for one connection, and the admin client that makes them.

export interface ConnectionAdminOptions {
  readonly properties: KafkaProperties;
  /** Those given to the module. */
  readonly topics: readonly TopicOptions[];
  /** Fills placeholders. */
  readonly resolve: (text: string) => string;
  readonly openCluster: () => Cluster;
  /** Whether there is no cluster at all: clients of a test stand in for it. */
  readonly isFaked: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ConnectionAdmin {
  /** What applications are given. */
  readonly client: KafkaAdmin;
  readonly #options: ConnectionAdminOptions;
  #topics: readonly TopicOptions[] = [];

  constructor(options: ConnectionAdminOptions) {
    const { properties, openCluster, clock, logger } = options;
    this.#options = options;
    this.client = new KafkaAdmin({
      openCluster,
      operationTimeoutMs: properties.get('admin.operation-timeout'),
      modifyTopicConfigs: properties.get('admin.modify-topic-configs'),
      clock,
      logger,
    });
  }

  /** Takes in what providers declare beside the module. Adds to `mistakes` what is impossible. */
  declare(provided: readonly TopicOptions[], mistakes: Mistake[]): void {
    const { topics, resolve } = this.#options;
    try {
      this.#topics = checkedTopics([...topics, ...provided].map((topic) => ({ ...topic, name: resolve(topic.name) })));
    } catch (error) {
      mistakes.push({ origin: 'topics of the application', problem: messageOf(error) });
    }
  }

  /** Makes the declared topics. What fails keeps the application from starting under fail-fast only, as in Spring. */
  async initialize(): Promise<void> {
    const { properties, isFaked, logger } = this.#options;
    if (this.#topics.length === 0 || !properties.get('admin.auto-create') || isFaked()) return;
    try {
      await this.client.createOrModifyTopics(...this.#topics);
    } catch (error) {
      if (properties.get('admin.fail-fast')) throw error;
      logger.error(
        `the topics of the application could not be made: ${messageOf(error)}; it starts without them ` +
          `(${properties.prefix}.admin.fail-fast=false)`,
      );
    }
  }

  close(): Promise<void> {
    return this.client.close();
  }
}
