import { messageOf, type NestdawError } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { nearestName } from '../../../common/nearest-name.js';
import { ErrorCode } from '../../../protocol/error-codes.js';
import { Metadata } from '../../../protocol/messages/03-metadata.js';
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.js';
import { type Cluster } from '../cluster/cluster.js';
import { listTopics } from '../topic-list.js';
import { absentTopic } from './delivery-errors.js';

// Topics that are not there: whether waiting for one is in vain, and which one may have been meant. A cluster that
// makes topics has made one by being asked for it, so its setting matters only where that did not help.

const AUTO_CREATE = 'auto.create.topics.enable';
const BROKER = 4;
const METADATA_VERSION = 9;

export interface AbsentTopicsOptions {
  readonly cluster: Cluster;
  readonly logger: Logger;
  /** Whether the application itself is about to make a topic. */
  readonly isExpected: (topic: string) => boolean;
}

export class AbsentTopics {
  readonly #options: AbsentTopicsOptions;
  /** Asked once: it changes only with a restart of the brokers, and then asking for a topic tells. */
  #makesTopics: Promise<boolean | undefined> | undefined;

  constructor(options: AbsentTopicsOptions) {
    this.#options = options;
  }

  /** The error for sends to a topic that nobody is going to make; undefined where it may still come. */
  async refusalOf(topic: string): Promise<NestdawError | undefined> {
    const { isExpected } = this.#options;
    if (isExpected(topic) || (await this.#clusterMakesTopics()) !== false) return undefined;
    if (!(await this.#isGone(topic)) || isExpected(topic)) return undefined;
    return absentTopic(topic, await this.nearestTo(topic).catch(() => undefined));
  }

  /** The topic that may have been meant. */
  async nearestTo(topic: string): Promise<string | undefined> {
    const near = nearestName(topic, (await listTopics(this.#options.cluster)).keys());
    return near === topic ? undefined : near;
  }

  /** Undefined where nobody may say, or nobody answers: the next one asks again. */
  async #clusterMakesTopics(): Promise<boolean | undefined> {
    this.#makesTopics ??= this.#askSetting();
    try {
      return await this.#makesTopics;
    } catch (error) {
      this.#makesTopics = undefined;
      this.#options.logger.debug?.(`producer: ${AUTO_CREATE} of the cluster: ${messageOf(error)}`);
      return undefined;
    }
  }

  async #askSetting(): Promise<boolean | undefined> {
    const { cluster } = this.#options;
    const node = cluster.nodes()[0]!.nodeId;
    const version = await cluster.versionOf(node, DescribeConfigs);
    const { results } = await cluster.send(node, DescribeConfigs, version, {
      resources: [{ resourceType: BROKER, resourceName: String(node), configurationKeys: [AUTO_CREATE] }],
      includeSynonyms: false,
    });
    const value = results[0]?.configs.find(({ name }) => name === AUTO_CREATE)?.value;
    return value === 'true' || value === 'false' ? value === 'true' : undefined;
  }

  /** Not so while it is being made and has no leaders. */
  async #isGone(topic: string): Promise<boolean> {
    const { cluster } = this.#options;
    const node = cluster.nodes()[0]!.nodeId;
    const version = await cluster.versionOf(node, Metadata, METADATA_VERSION);
    const request = { topics: [{ name: topic }], allowAutoTopicCreation: false };
    const { topics } = await cluster.send(node, Metadata, version, request);
    return topics[0]?.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }
}
