import { ErrorCode } from '../../protocol/error-codes.js';
import { Metadata } from '../../protocol/messages/index.js';
import { type Cluster } from './cluster/cluster.js';

const VERSION = 9;

/** Every topic that there is, with its number of partitions. */
export async function listTopics(cluster: Cluster): Promise<ReadonlyMap<string, number>> {
  const node = cluster.nodes()[0]!.nodeId;
  const version = await cluster.versionOf(node, Metadata, VERSION);
  const answer = await cluster.send(node, Metadata, version, { topics: null, allowAutoTopicCreation: false });
  const topics = new Map<string, number>();
  for (const { name, errorCode, partitions } of answer.topics) {
    if (errorCode === ErrorCode.NONE && name !== null) topics.set(name, partitions.length);
  }
  return topics;
}
