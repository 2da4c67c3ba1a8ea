import { ErrorCode } from '../../protocol/error-codes.js';
import {
  DescribeTopicPartitions,
  type DescribeTopicPartitionsResponse,
} from '../../protocol/messages/75-describe-topic-partitions.js';
import { ZERO_UUID } from '../../protocol/wire-reader.js';
import { isInternal, nameRefusal } from '../metadata/topic-name.js';
import { type TopicEntry } from '../metadata/topic-registry.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts, TOPIC_OPERATIONS, tellPartition } from './broker-parts.js';

// DescribeTopicPartitions 0: topics by name in pages, each page beginning where the cursor of the one before stood.

type TopicAnswer = DescribeTopicPartitionsResponse['topics'][number];
type Cursor = NonNullable<DescribeTopicPartitionsResponse['nextCursor']>;

export function describeTopicPartitionsHandler(parts: BrokerParts) {
  return defineHandler<typeof DescribeTopicPartitions>({
    api: DescribeTopicPartitions,
    minVersion: 0,
    maxVersion: 0,
    handle({ topics, responsePartitionLimit, cursor }) {
      const asked = topics.length > 0;
      const all = asked ? topics.map(({ name }) => name) : [...parts.metadata.topics.all()].map(({ name }) => name);
      const names = [...new Set(all)].sort();
      const isOutside = cursor && asked && !names.includes(cursor.topicName);
      if (cursor && (isOutside || cursor.partitionIndex < 0)) {
        return { throttleTimeMs: 0, topics: names.map((name) => refused(name, ErrorCode.INVALID_REQUEST)) };
      }
      const limit = Math.min(responsePartitionLimit, parts.config.number('max.request.partition.size.limit'));
      const from = cursor ? names.filter((name) => name >= cursor.topicName) : names;
      return { throttleTimeMs: 0, ...page(parts, from, cursor, Math.max(1, limit)) };
    },
    errorResponse: ({ topics }, errorCode) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ name }) => refused(name, errorCode)),
    }),
  });
}

function page(parts: BrokerParts, names: readonly string[], cursor: Cursor | null, limit: number) {
  const answers: TopicAnswer[] = [];
  let left = limit;
  for (const name of names) {
    const topic = parts.metadata.topics.get(name);
    if (!topic) {
      const error = nameRefusal(name) ? ErrorCode.INVALID_TOPIC_EXCEPTION : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      answers.push(refused(name, error));
      continue;
    }
    const first = cursor?.topicName === name ? cursor.partitionIndex : 0;
    if (left === 0) return { topics: answers, nextCursor: { topicName: name, partitionIndex: first } };
    const last = Math.min(topic.partitions.length, first + left);
    answers.push(described(topic, first, last, parts.config.nodeId));
    left -= Math.max(0, last - first);
    if (last < topic.partitions.length) {
      return { topics: answers, nextCursor: { topicName: name, partitionIndex: last } };
    }
  }
  return { topics: answers, nextCursor: null };
}

function described(topic: TopicEntry, first: number, last: number, nodeId: number): TopicAnswer {
  const replicas = [nodeId] as const;
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.topicId,
    isInternal: topic.isInternal,
    partitions: topic.state.partitions.slice(first, last).map(({ partitionId }) => ({
      ...tellPartition(topic, partitionId, replicas),
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
    })),
    topicAuthorizedOperations: TOPIC_OPERATIONS,
  };
}

function refused(name: string, errorCode: number): TopicAnswer {
  return { errorCode, name, topicId: ZERO_UUID, isInternal: isInternal(name), partitions: [] };
}
