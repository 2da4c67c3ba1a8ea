import { type Logger } from '../../../common/logger.js';
import { type TopicPartition } from '../../../common/topic-partition.js';
import { type ResponseOf } from '../../../protocol/api.js';
import { brokerError, ErrorCode } from '../../../protocol/error-codes.js';
import { Metadata } from '../../../protocol/messages/03-metadata.js';
import { CreateTopics } from '../../../protocol/messages/19-create-topics.js';
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.js';
import { DeleteRecords } from '../../../protocol/messages/21-delete-records.js';
import { CreatePartitions } from '../../../protocol/messages/37-create-partitions.js';
import { ZERO_UUID } from '../../../protocol/wire-reader.js';
import { type Cluster, type PartitionInfo } from '../cluster/cluster.js';
import { type AdminCalls, type AdminResult, checkResults } from './admin-calls.js';
import { byLeader } from './by-leader.js';
import { type TopicOptions } from './new-topic.js';

// Topics: made, grown, looked at, deleted.

/** A topic as the cluster has it. */
export interface TopicDescription {
  readonly name: string;
  readonly isInternal: boolean;
  readonly partitions: readonly PartitionInfo[];
}

/** What our broker answers to copies on other nodes: it is one node, on purpose. */
const ONE_NODE = /single node/;

export class TopicAdmin {
  constructor(
    readonly calls: AdminCalls,
    readonly logger: Logger,
  ) {}

  /** Creates topics; names those that were made, for another process may have been quicker. */
  create(topics: readonly TopicOptions[]): Promise<string[]> {
    if (topics.length === 0) return Promise.resolve([]);
    return this.calls.run(`creating ${namesOf(topics)}`, async (cluster) => {
      const answers = await this.#create(cluster, topics);
      const tooMany = answers.filter(needsOneCopy).map(({ name }) => name);
      const gentle = tooMany.length === 0 ? [] : await this.#createWithOneCopy(cluster, topics, tooMany);
      const all = [...answers.filter(({ name }) => !tooMany.includes(name)), ...gentle];
      checkResults(all, ({ name }) => `creating topic ${name}`, [ErrorCode.TOPIC_ALREADY_EXISTS]);
      return all.filter(({ errorCode }) => errorCode === ErrorCode.NONE).map(({ name }) => name);
    });
  }

  /** Raises numbers of partitions. */
  grow(topics: ReadonlyArray<{ readonly name: string; readonly count: number }>): Promise<void> {
    if (topics.length === 0) return Promise.resolve();
    return this.calls.run(`adding partitions to ${namesOf(topics)}`, async (cluster) => {
      const request = {
        topics: topics.map(({ name, count }) => ({ name, count, assignments: null })),
        timeoutMs: this.calls.timeoutMs,
        validateOnly: false,
      };
      const { results } = await this.calls.byController(
        cluster,
        CreatePartitions,
        () => request,
        (answer) => answer.results,
      );
      // Another process may have been quicker: the count is there already.
      checkResults(results, ({ name }) => `adding partitions to ${name}`, [ErrorCode.INVALID_PARTITIONS]);
    });
  }

  delete(names: readonly string[]): Promise<void> {
    return this.calls.run(`deleting ${names.join(', ')}`, async (cluster) => {
      const request = { topicNames: [...names], timeoutMs: this.calls.timeoutMs };
      const { responses } = await this.calls.byController(
        cluster,
        DeleteTopics,
        (version) =>
          version >= 6 ? { ...request, topics: names.map((name) => ({ name, topicId: ZERO_UUID })) } : request,
        (answer) => answer.responses,
      );
      checkResults(responses, ({ name }) => `deleting topic ${name}`);
      await cluster.refreshMetadata();
    });
  }

  /** Topics of these names, or all; those that do not exist have no entry. */
  describe(names: readonly string[] | null): Promise<Map<string, TopicDescription>> {
    return this.calls.run('describing topics', async (cluster) => {
      const request = { topics: names?.map((name) => ({ name })) ?? null, allowAutoTopicCreation: false };
      const { topics } = await this.calls.any(cluster, Metadata, () => request, 12);
      const found = topics.filter(({ errorCode }) => errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
      for (const { errorCode, name } of found) {
        if (errorCode !== ErrorCode.NONE) throw brokerError(errorCode, `describing topic ${name}`);
      }
      return new Map(found.map((topic) => [topic.name!, descriptionOf(topic)]));
    });
  }

  /** Removes what lies before an offset; gives where each log begins then. */
  deleteRecords(before: ReadonlyArray<TopicPartition & { readonly offset: number }>) {
    return this.calls.run('deleting records', async (cluster) => {
      const begins: Array<TopicPartition & { readonly offset: number }> = [];
      for (const [nodeId, topics] of await byLeader(cluster, before)) {
        const request = {
          topics: topics.map(({ topic, items }) => ({
            name: topic,
            partitions: items.map(({ partition, offset }) => ({ partitionIndex: partition, offset })),
          })),
          timeoutMs: this.calls.timeoutMs,
        };
        const answer = await this.calls.ask(cluster, nodeId, DeleteRecords, () => request);
        for (const { name, partitions } of answer.topics) {
          checkResults(partitions, ({ partitionIndex }) => `deleting records of ${name}-${partitionIndex}`);
          for (const { partitionIndex, lowWatermark } of partitions) {
            begins.push({ topic: name, partition: partitionIndex, offset: lowWatermark });
          }
        }
      }
      return begins;
    });
  }

  async #create(cluster: Cluster, topics: readonly TopicOptions[]) {
    const request = { topics: topics.map(requestOf), timeoutMs: this.calls.timeoutMs, validateOnly: false };
    return (
      await this.calls.byController(
        cluster,
        CreateTopics,
        () => request,
        (answer) => answer.topics,
      )
    ).topics;
  }

  async #createWithOneCopy(cluster: Cluster, topics: readonly TopicOptions[], names: readonly string[]) {
    const wishes = topics.filter(({ name }) => names.includes(name)).map(withOneCopy);
    const answers = await this.#create(cluster, wishes);
    this.logger.warn(
      `${names.join(', ')}: declared with more than one replica; this broker is a single node and keeps one copy. On a ` +
        'cluster the declaration counts as it stands',
    );
    return answers;
  }
}

function needsOneCopy({ errorCode, errorMessage }: AdminResult): boolean {
  return errorCode === ErrorCode.INVALID_REPLICATION_FACTOR && ONE_NODE.test(errorMessage ?? '');
}

function withOneCopy({ replicas: _replicas, ...topic }: TopicOptions): TopicOptions {
  return { ...topic, replicas: 1 };
}

function requestOf({ name, partitions = -1, replicas = -1, replicasAssignments = {}, configs = {} }: TopicOptions) {
  return {
    name,
    numPartitions: partitions,
    replicationFactor: replicas,
    assignments: Object.entries(replicasAssignments).map(([partitionIndex, brokerIds]) => ({
      partitionIndex: Number(partitionIndex),
      brokerIds: [...brokerIds],
    })),
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value: String(value) })),
  };
}

function descriptionOf({
  name,
  isInternal,
  partitions,
}: ResponseOf<typeof Metadata>['topics'][number]): TopicDescription {
  return {
    name: name!,
    isInternal,
    partitions: partitions
      .map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
        partition: partitionIndex,
        leader: leaderId,
        replicas: replicaNodes,
        isr: isrNodes,
      }))
      .sort((a, b) => a.partition - b.partition),
  };
}

function namesOf(topics: ReadonlyArray<{ readonly name: string }>): string {
  return topics.map(({ name }) => name).join(', ');
}
