import { type Clock, sleep } from '../../../common/clock.js';
import { hasCode, messageOf } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { KafkaAdmin } from '../../client/admin/kafka-admin.js';
import { type TopicOptions } from '../../client/admin/new-topic.js';
import { checkedTopics } from '../../client/admin/topic-plan.js';
import { type Cluster } from '../../client/cluster/cluster.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type Mistake } from '../../config/mistakes.js';

// The topics that an application declares for one connection, and the admin client that makes them.

/** Between two tries to reach a cluster that is away. */
const AGAIN_MS = 1_000;

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
  readonly #closing = new AbortController();
  #topics: readonly TopicOptions[] = [];
  /** Declared, and neither made nor given up yet. */
  readonly #unmade = new Set<string>();

  constructor(options: ConnectionAdminOptions) {
    const { properties, openCluster, clock, logger } = options;
    this.#options = options;
    this.client = new KafkaAdmin({
      openCluster,
      operationTimeoutMs: properties.get('admin.operation-timeout'),
      modifyTopicConfigs: properties.get('admin.modify-topic-configs'),
      declared: () => this.#topics,
      clock,
      logger,
    });
  }

  /** Takes in what providers declare beside the module. Adds to `mistakes` what is impossible. */
  declare(provided: readonly TopicOptions[], mistakes: Mistake[]): void {
    const { topics, resolve } = this.#options;
    try {
      this.#topics = checkedTopics(
        [...topics, ...provided].map((topic) => ({ ...topic, name: resolve(topic.name ?? '') })),
      );
      for (const { name } of this.#topics) this.#unmade.add(name);
    } catch (error) {
      mistakes.push({ origin: 'topics of the application', problem: messageOf(error) });
    }
  }

  /**
   * Makes the declared topics. Under fail-fast what fails keeps the application from starting. Else it is logged, and a
   * cluster that is away is waited for no longer than listeners wait: the topics are made when it is back.
   */
  async initialize(): Promise<void> {
    const { properties, isFaked, clock } = this.#options;
    if (this.#topics.length === 0 || !properties.get('admin.auto-create') || isFaked()) {
      this.#unmade.clear();
      return;
    }
    if (properties.get('admin.fail-fast')) {
      await this.client.createOrModifyTopics(...this.#topics);
      this.#unmade.clear();
      return;
    }
    const enough = new AbortController();
    const limit = sleep(clock, properties.get('listener.startup-timeout'), enough.signal);
    await Promise.race([this.#makeSometime(), limit]);
    enough.abort();
  }

  /** Whether it is about to make a topic: whoever needs that waits for it. */
  isMaking(topic: string): boolean {
    return this.#unmade.has(topic);
  }

  close(): Promise<void> {
    this.#closing.abort();
    return this.client.close();
  }

  /** Goes on trying while the cluster is away; never rejects. */
  async #makeSometime(): Promise<void> {
    const { clock, logger } = this.#options;
    for (let tries = 1; !this.#closing.signal.aborted; tries++) {
      try {
        await this.client.createOrModifyTopics(...this.#topics);
        this.#unmade.clear();
        return;
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        const isAway = hasCode(error, 'KAFKA_CONNECTION_FAILED') || hasCode(error, 'KAFKA_REQUEST_TIMEOUT');
        const what = 'the topics of the application could not be made';
        if (!isAway) {
          logger.error(`${what}: ${messageOf(error)}; it runs without them`, error);
          this.#unmade.clear();
          return;
        }
        if (tries === 1) logger.warn(`${what}: ${messageOf(error)}; it goes on trying`);
      }
      await sleep(clock, AGAIN_MS, this.#closing.signal);
    }
  }
}
