import { ErrorCode } from '../../protocol/error-codes.js';
import { DescribeQuorum, type DescribeQuorumResponse } from '../../protocol/messages/55-describe-quorum.js';
import { METADATA_TOPIC } from '../metadata/topic-name.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// DescribeQuorum 0–2: of the metadata log, which one voter keeps: this node. Only that log may be asked for, alone.

type PartitionAnswer = DescribeQuorumResponse['topics'][number]['partitions'][number];

const NOT_HOSTED = 'This server does not host this topic-partition.';

export function describeQuorumHandler({ metadata, config, clock }: BrokerParts) {
  const quorum = (): PartitionAnswer => {
    const { epoch, endOffset } = metadata.quorum;
    const now = clock.now();
    const replicaId = config.nodeId;
    const voter = { replicaId, logEndOffset: endOffset, lastFetchTimestamp: now, lastCaughtUpTimestamp: now };
    return {
      partitionIndex: 0,
      errorCode: ErrorCode.NONE,
      errorMessage: '',
      leaderId: replicaId,
      leaderEpoch: epoch,
      highWatermark: endOffset,
      currentVoters: [voter],
      observers: [],
    };
  };
  return defineHandler<typeof DescribeQuorum>({
    api: DescribeQuorum,
    minVersion: 0,
    maxVersion: 2,
    handle({ topics }) {
      const [first] = topics;
      const isIt =
        topics.length === 1 &&
        first?.topicName === METADATA_TOPIC &&
        first.partitions.length === 1 &&
        first.partitions[0]!.partitionIndex === 0;
      if (isIt) {
        const nodes = [{ nodeId: config.nodeId, listeners: [] }];
        return {
          errorCode: ErrorCode.NONE,
          errorMessage: '',
          topics: [{ topicName: METADATA_TOPIC, partitions: [quorum()] }],
          nodes,
        };
      }
      const refusedTopics = topics.map(({ topicName, partitions }) => ({
        topicName,
        partitions: partitions.map(({ partitionIndex }) => notHosted(partitionIndex)),
      }));
      return { errorCode: ErrorCode.NONE, errorMessage: '', topics: refusedTopics, nodes: [] };
    },
    errorResponse: (_request, errorCode) => ({ errorCode, errorMessage: null, topics: [], nodes: [] }),
  });
}

function notHosted(partitionIndex: number): PartitionAnswer {
  return {
    partitionIndex,
    errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    errorMessage: NOT_HOSTED,
    leaderId: 0,
    leaderEpoch: 0,
    highWatermark: 0,
    currentVoters: [],
    observers: [],
  };
}
