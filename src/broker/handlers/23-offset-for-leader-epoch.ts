import { ErrorCode } from '../../protocol/error-codes.js';
import {
  OffsetForLeaderEpoch,
  type OffsetForLeaderEpochRequest,
} from '../../protocol/messages/23-offset-for-leader-epoch.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts, leaderEpochError } from './broker-parts.js';

// OffsetForLeaderEpoch 2–4: where an epoch ended, so that a reader can tell whether what it read is still there.

type PartitionInput = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number];

export function offsetForLeaderEpochHandler(parts: BrokerParts) {
  return defineHandler<typeof OffsetForLeaderEpoch>({
    api: OffsetForLeaderEpoch,
    minVersion: 2,
    maxVersion: 4,
    handle: ({ topics }) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((input) => endOf(parts, topic, input)),
      })),
    }),
    errorResponse: ({ topics }, errorCode) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((input) => refused(input, errorCode)),
      })),
    }),
  });
}

function refused({ partition }: PartitionInput, errorCode: number) {
  return { errorCode, partition, leaderEpoch: -1, endOffset: -1 };
}

function endOf({ metadata }: BrokerParts, name: string, input: PartitionInput) {
  const { partition } = input;
  const topic = metadata.topics.get(name);
  const log = topic?.partitions[partition];
  if (!topic || !log) return refused(input, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const epochError = leaderEpochError(topic, partition, input.currentLeaderEpoch);
  if (epochError !== ErrorCode.NONE) return refused(input, epochError);
  if (log.isUnserved) return refused(input, ErrorCode.KAFKA_STORAGE_ERROR);
  const { leaderEpoch, endOffset } = log.offsetForLeaderEpoch(input.leaderEpoch);
  return { errorCode: ErrorCode.NONE, partition, leaderEpoch, endOffset };
}
