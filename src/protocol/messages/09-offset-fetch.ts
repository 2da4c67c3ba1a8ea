import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i16, i32, i64, str, uuid } from '../schema.js';

export const OffsetFetch = defineApi({
  key: 9,
  name: 'OffsetFetch',
  versions: [1, 10],
  flexibleFrom: 6,
  request: {
    groupId: str.until(7),
    topics: array({
      name: str,
      partitionIndexes: array(i32),
    })
      .nullable(2)
      .until(7),
    groups: array({
      groupId: str,
      memberId: str.nullable().since(9),
      memberEpoch: i32.or(-1).since(9),
      topics: array({
        name: str.until(9),
        topicId: uuid.since(10),
        partitionIndexes: array(i32),
      }).nullable(),
    }).since(8),
    requireStable: bool.since(7),
  },
  response: {
    throttleTimeMs: i32.since(3),
    topics: array({
      name: str,
      partitions: array({
        partitionIndex: i32,
        committedOffset: i64,
        committedLeaderEpoch: i32.or(-1).since(5),
        metadata: str.nullable(),
        errorCode: i16,
      }),
    }).until(7),
    errorCode: i16.since(2).until(7),
    groups: array({
      groupId: str,
      topics: array({
        name: str.until(9),
        topicId: uuid.since(10),
        partitions: array({
          partitionIndex: i32,
          committedOffset: i64,
          committedLeaderEpoch: i32.or(-1),
          metadata: str.nullable(),
          errorCode: i16,
        }),
      }),
      errorCode: i16,
    }).since(8),
  },
});

export type OffsetFetchRequest = RequestOf<typeof OffsetFetch>;
export type OffsetFetchResponse = ResponseInput<typeof OffsetFetch>;
