import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, i64, str, uuid } from '../schema.js';

export const OffsetCommit = defineApi({
  key: 8,
  name: 'OffsetCommit',
  versions: [2, 10],
  flexibleFrom: 8,
  request: {
    groupId: str,
    generationIdOrMemberEpoch: i32.or(-1),
    memberId: str,
    groupInstanceId: str.nullable().since(7),
    retentionTimeMs: i64.or(-1).until(4),
    topics: array({
      name: str.until(9),
      topicId: uuid.since(10),
      partitions: array({
        partitionIndex: i32,
        committedOffset: i64,
        committedLeaderEpoch: i32.or(-1).since(6),
        committedMetadata: str.nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: i32.since(3),
    topics: array({
      name: str.until(9),
      topicId: uuid.since(10),
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
      }),
    }),
  },
});

export type OffsetCommitRequest = RequestOf<typeof OffsetCommit>;
export type OffsetCommitResponse = ResponseInput<typeof OffsetCommit>;
