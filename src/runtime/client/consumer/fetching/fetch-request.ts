import { type RequestInput, type ResponseOf } from '../../../../protocol/api.js';
import { Fetch } from '../../../../protocol/messages/01-fetch.js';
import { type Cluster } from '../../cluster/cluster.js';
import { type ConsumerSettings } from '../consumer-options.js';
import { type FetchPartition } from './fetch-partition.js';

// One Fetch to one node, without a fetch session: what is asked for changes with every poll.

/** Version 13 names topics by id, which the port Cluster does not know. */
const FETCH_VERSION = 12;

export interface FetchLimits {
  readonly maxWaitMs: number;
  readonly maxBytes: number;
}

export type FetchAnswer = ResponseOf<typeof Fetch>;
export type PartitionAnswer = FetchAnswer['responses'][number]['partitions'][number];

export async function sendFetch(
  cluster: Cluster,
  nodeId: number,
  partitions: readonly FetchPartition[],
  settings: ConsumerSettings,
  limits: FetchLimits,
): Promise<FetchAnswer> {
  const request = fetchRequest(partitions, settings, limits);
  const version = await cluster.versionOf(nodeId, Fetch, FETCH_VERSION);
  return cluster.send(nodeId, Fetch, version, request, { timeoutMs: settings.requestTimeoutMs + limits.maxWaitMs });
}

function fetchRequest(
  partitions: readonly FetchPartition[],
  settings: ConsumerSettings,
  limits: FetchLimits,
): RequestInput<typeof Fetch> {
  return {
    maxWaitMs: limits.maxWaitMs,
    minBytes: settings.fetchMinBytes,
    maxBytes: limits.maxBytes,
    isolationLevel: settings.isolationLevel === 'read_committed' ? 1 : 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: byTopic(partitions).map((ofTopic) => ({
      topic: ofTopic[0]!.topic,
      partitions: ofTopic.map(({ partition, fetchOffset }) => ({
        partition,
        fetchOffset,
        partitionMaxBytes: settings.maxPartitionFetchBytes,
      })),
    })),
  };
}

/** The order is kept, of topics by their first partition: brokers fill an answer from the front. */
function byTopic(partitions: readonly FetchPartition[]): FetchPartition[][] {
  const topics = new Map<string, FetchPartition[]>();
  for (const partition of partitions) {
    const known = topics.get(partition.topic);
    if (known) known.push(partition);
    else topics.set(partition.topic, [partition]);
  }
  return [...topics.values()];
}
