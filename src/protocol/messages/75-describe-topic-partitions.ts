import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i16, i32, MIN_I32, str, struct, uuid } from '../schema.js';

export const DescribeTopicPartitions = defineApi({
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    topics: array({
      name: str,
    }),
    responsePartitionLimit: i32.or(2000),
    cursor: struct({
      topicName: str,
      partitionIndex: i32,
    }).nullable(),
  },
  response: {
    throttleTimeMs: i32,
    topics: array({
      errorCode: i16,
      name: str.nullable(),
      topicId: uuid,
      isInternal: bool,
      partitions: array({
        errorCode: i16,
        partitionIndex: i32,
        leaderId: i32,
        leaderEpoch: i32.or(-1),
        replicaNodes: array(i32),
        isrNodes: array(i32),
        eligibleLeaderReplicas: array(i32).nullable(),
        lastKnownElr: array(i32).nullable(),
        offlineReplicas: array(i32),
      }),
      topicAuthorizedOperations: i32.or(MIN_I32),
    }),
    nextCursor: struct({
      topicName: str,
      partitionIndex: i32,
    }).nullable(),
  },
});

export type DescribeTopicPartitionsRequest = RequestOf<typeof DescribeTopicPartitions>;
export type DescribeTopicPartitionsResponse = ResponseInput<typeof DescribeTopicPartitions>;
