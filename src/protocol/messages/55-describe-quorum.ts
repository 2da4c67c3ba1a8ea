import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, i64, str, u16, uuid } from '../schema.js';

export const DescribeQuorum = defineApi({
  key: 55,
  name: 'DescribeQuorum',
  versions: [0, 2],
  flexibleFrom: 0,
  request: {
    topics: array({
      topicName: str,
      partitions: array({
        partitionIndex: i32,
      }),
    }),
  },
  response: {
    errorCode: i16,
    errorMessage: str.nullable().since(2),
    topics: array({
      topicName: str,
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
        errorMessage: str.nullable().since(2),
        leaderId: i32,
        leaderEpoch: i32,
        highWatermark: i64,
        currentVoters: array({
          replicaId: i32,
          replicaDirectoryId: uuid.since(2),
          logEndOffset: i64,
          lastFetchTimestamp: i64.or(-1).since(1),
          lastCaughtUpTimestamp: i64.or(-1).since(1),
        }),
        observers: array({
          replicaId: i32,
          replicaDirectoryId: uuid.since(2),
          logEndOffset: i64,
          lastFetchTimestamp: i64.or(-1).since(1),
          lastCaughtUpTimestamp: i64.or(-1).since(1),
        }),
      }),
    }),
    nodes: array({
      nodeId: i32,
      listeners: array({
        name: str,
        host: str,
        port: u16,
      }),
    }).since(2),
  },
});

export type DescribeQuorumRequest = RequestOf<typeof DescribeQuorum>;
export type DescribeQuorumResponse = ResponseInput<typeof DescribeQuorum>;
