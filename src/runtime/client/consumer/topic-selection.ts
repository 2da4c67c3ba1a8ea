import { ErrorCode } from '../../../protocol/error-codes.js';
import { Metadata } from '../../../protocol/messages/03-metadata.js';
import { type Cluster } from '../cluster/cluster.js';
import { JUST_HEARD_MS, partitionCounts } from './membership/group-leader.js';

// Which topics a consumer reads: named ones, or all that match a pattern at the time of asking.

/** The newest version that names topics by their names alone. */
const METADATA_VERSION = 12;

export interface TopicSelectionOptions {
  readonly topics: readonly string[];
  readonly topicPattern: RegExp | undefined;
  readonly excludeInternalTopics: boolean;
}

export class TopicSelection {
  readonly #options: TopicSelectionOptions;
  readonly #pattern: RegExp | undefined;
  #names: readonly string[];
  #hasLooked = false;

  constructor(options: TopicSelectionOptions) {
    this.#options = options;
    this.#names = options.topicPattern ? [] : [...options.topics].sort();
    this.#pattern = options.topicPattern && wholeName(options.topicPattern);
  }

  get isPattern(): boolean {
    return this.#pattern !== undefined;
  }

  /** In order; of a pattern those that matched when it was last asked for. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Asks which topics match, where there is a pattern, and how many partitions each topic has; 0 for missing ones. */
  async look(cluster: Cluster, others: Iterable<string> = []): Promise<Map<string, number>> {
    // A cluster that was connected for this has asked already.
    const maxAgeMs = this.#hasLooked ? undefined : JUST_HEARD_MS;
    this.#hasLooked = true;
    if (!this.#pattern) return partitionCounts(cluster, [...new Set([...this.#names, ...others])], maxAgeMs);
    const counts = await this.#match(cluster, this.#pattern);
    this.#names = [...counts.keys()].sort();
    // Leaders are known to the cluster of topics that it was asked for by name. Others are not asked for: where the
    // cluster makes topics on demand, that would bring a deleted one back.
    await partitionCounts(cluster, this.#names);
    for (const topic of others) if (!counts.has(topic)) counts.set(topic, 0);
    return counts;
  }

  /** What it is, for messages. */
  get text(): string {
    return this.#pattern ? `pattern ${this.#options.topicPattern!.source}` : this.#names.join(', ');
  }

  async #match(cluster: Cluster, pattern: RegExp): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    const topics = await allTopics(cluster);
    for (const { name, isInternal, partitions } of topics) {
      if (isInternal && this.#options.excludeInternalTopics) continue;
      if (pattern.test(name)) counts.set(name, partitions);
    }
    return counts;
  }
}

interface ListedTopic {
  readonly name: string;
  readonly isInternal: boolean;
  readonly partitions: number;
}

/** Asks one node after the other until one answers. */
async function allTopics(cluster: Cluster): Promise<ListedTopic[]> {
  let failure: unknown;
  for (const { nodeId } of cluster.nodes()) {
    try {
      const version = await cluster.versionOf(nodeId, Metadata, METADATA_VERSION);
      const { topics } = await cluster.send(nodeId, Metadata, version, { topics: null, allowAutoTopicCreation: false });
      return topics
        .filter(({ name, errorCode }) => name !== null && errorCode === ErrorCode.NONE)
        .map(({ name, isInternal, partitions }) => ({ name: name!, isInternal, partitions: partitions.length }));
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** A pattern is a description of the whole name, as in Kafka's own clients: `order` does not match `orders`. */
function wholeName({ source, flags }: RegExp): RegExp {
  return new RegExp(`^(?:${source})$`, flags.replace(/[gy]/g, ''));
}
