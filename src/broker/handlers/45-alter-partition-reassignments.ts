import { ErrorCode } from '../../protocol/error-codes.js';
import { AlterPartitionReassignments } from '../../protocol/messages/45-alter-partition-reassignments.js';
import { replicasRefusal } from '../metadata/assignments.js';
import { refused } from '../metadata/refusal.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// AlterPartitionReassignments 0–1: the only place a partition can be is where it is. To ask for that is fine, any
// other place does not exist, and there is never a move to be taken back.

export function alterPartitionReassignmentsHandler({ metadata, config }: BrokerParts) {
  const outcome = (topic: string, partition: number, replicas: readonly number[] | null) => {
    const entry = metadata.topics.get(topic);
    if (!entry) return refused('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find a topic named ${topic}.`);
    if (!entry.partitions[partition]) {
      return refused('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find partition ${topic}:${partition}.`);
    }
    if (replicas === null) return { errorCode: ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, errorMessage: null };
    return replicasRefusal(replicas, config.nodeId) ?? { errorCode: ErrorCode.NONE, errorMessage: null };
  };
  return defineHandler<typeof AlterPartitionReassignments>({
    api: AlterPartitionReassignments,
    minVersion: 0,
    maxVersion: 1,
    handle: ({ topics, allowReplicationFactorChange }) => ({
      throttleTimeMs: 0,
      allowReplicationFactorChange,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      responses: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, replicas }) => ({
          partitionIndex,
          ...outcome(name, partitionIndex, replicas),
        })),
      })),
    }),
    errorResponse: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, errorMessage: null, responses: [] }),
  });
}
