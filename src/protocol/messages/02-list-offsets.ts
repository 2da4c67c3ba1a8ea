import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i8, i16, i32, i64, str } from '../schema.js';

export const ListOffsets = defineApi({
  key: 2,
  name: 'ListOffsets',
  versions: [1, 11],
  flexibleFrom: 6,
  request: {
    replicaId: i32,
    isolationLevel: i8.since(2),
    topics: array({
      name: str,
      partitions: array({
        partitionIndex: i32,
        currentLeaderEpoch: i32.or(-1).since(4),
        timestamp: i64,
      }),
    }),
    timeoutMs: i32.since(10),
  },
  response: {
    throttleTimeMs: i32.since(2),
    topics: array({
      name: str,
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
        timestamp: i64.or(-1),
        offset: i64.or(-1),
        leaderEpoch: i32.or(-1).since(4),
      }),
    }),
  },
});

export type ListOffsetsRequest = RequestOf<typeof ListOffsets>;
export type ListOffsetsResponse = ResponseInput<typeof ListOffsets>;
