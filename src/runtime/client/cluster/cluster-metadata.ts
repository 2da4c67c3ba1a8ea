import { type ResponseOf } from '../../../protocol/api.js';
import { ErrorCode } from '../../../protocol/error-codes.js';
import { type Metadata } from '../../../protocol/messages/03-metadata.js';
import { type NodeInfo, type PartitionInfo } from './cluster.js';

// What the last metadata answers said: nodes, and per topic its partitions and their leaders. No requests here.

export type MetadataAnswer = ResponseOf<typeof Metadata>;

interface KnownTopic {
  /** By partition number. */
  readonly partitions: readonly PartitionInfo[];
  readonly heardAt: number;
}

export class ClusterMetadata {
  #nodes: ReadonlyMap<number, NodeInfo> = new Map();
  readonly #topics = new Map<string, KnownTopic>();

  nodes(): readonly NodeInfo[] {
    return [...this.#nodes.values()];
  }

  node(nodeId: number): NodeInfo | undefined {
    return this.#nodes.get(nodeId);
  }

  topics(): string[] {
    return [...this.#topics.keys()];
  }

  /** Undefined when unknown or heard before `oldest`. */
  partitionsOf(topic: string, oldest: number): readonly PartitionInfo[] | undefined {
    const known = this.#topics.get(topic);
    return known && known.heardAt >= oldest ? known.partitions : undefined;
  }

  leaderOf(topic: string, partition: number): number {
    return this.#topics.get(topic)?.partitions[partition]?.leader ?? -1;
  }

  /** A node that an answer other than Metadata named. */
  addNode(node: NodeInfo): void {
    if (!this.#nodes.has(node.nodeId)) this.#nodes = new Map(this.#nodes).set(node.nodeId, node);
  }

  /** Takes an answer over. Returns the error code of each topic that it says nothing good about. */
  apply(answer: MetadataAnswer, now: number): ReadonlyMap<string, number> {
    this.#nodes = new Map(
      answer.brokers.map(({ nodeId, host, port, rack }) => [nodeId, { nodeId, host, port, ...(rack ? { rack } : {}) }]),
    );
    const errors = new Map<string, number>();
    for (const { name, errorCode, partitions } of answer.topics) {
      if (name === null) continue;
      if (errorCode === ErrorCode.NONE) this.#topics.set(name, { partitions: partitionsIn(partitions), heardAt: now });
      else errors.set(name, errorCode);
      if (errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) this.#topics.delete(name);
    }
    return errors;
  }
}

function partitionsIn(answers: MetadataAnswer['topics'][number]['partitions']): PartitionInfo[] {
  return answers
    .map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
      partition: partitionIndex,
      leader: leaderId,
      replicas: replicaNodes,
      isr: isrNodes,
    }))
    .sort((a, b) => a.partition - b.partition);
}
