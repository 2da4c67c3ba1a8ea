import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, i64, str } from '../schema.js';

export const OffsetForLeaderEpoch = defineApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: [2, 4],
  flexibleFrom: 4,
  request: {
    replicaId: i32.or(-2).since(3),
    topics: array({
      topic: str,
      partitions: array({
        partition: i32,
        currentLeaderEpoch: i32.or(-1),
        leaderEpoch: i32,
      }),
    }),
  },
  response: {
    throttleTimeMs: i32,
    topics: array({
      topic: str,
      partitions: array({
        errorCode: i16,
        partition: i32,
        leaderEpoch: i32.or(-1),
        endOffset: i64.or(-1),
      }),
    }),
  },
});

export type OffsetForLeaderEpochRequest = RequestOf<typeof OffsetForLeaderEpoch>;
export type OffsetForLeaderEpochResponse = ResponseInput<typeof OffsetForLeaderEpoch>;
