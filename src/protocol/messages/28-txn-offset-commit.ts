import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, i64, i64Exact, str } from '../schema.js';

export const TxnOffsetCommit = defineApi({
  key: 28,
  name: 'TxnOffsetCommit',
  versions: [0, 5],
  flexibleFrom: 3,
  request: {
    transactionalId: str,
    groupId: str,
    producerId: i64Exact,
    producerEpoch: i16,
    generationId: i32.or(-1).since(3),
    memberId: str.since(3),
    groupInstanceId: str.nullable().since(3),
    topics: array({
      name: str,
      partitions: array({
        partitionIndex: i32,
        committedOffset: i64,
        committedLeaderEpoch: i32.or(-1).since(2),
        committedMetadata: str.nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: i32,
    topics: array({
      name: str,
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
      }),
    }),
  },
});

export type TxnOffsetCommitRequest = RequestOf<typeof TxnOffsetCommit>;
export type TxnOffsetCommitResponse = ResponseInput<typeof TxnOffsetCommit>;
