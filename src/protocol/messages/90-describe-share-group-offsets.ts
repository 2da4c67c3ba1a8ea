import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, i64, str, uuid } from '../schema.js';

export const DescribeShareGroupOffsets = defineApi({
  key: 90,
  name: 'DescribeShareGroupOffsets',
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    groups: array({
      groupId: str,
      topics: array({
        topicName: str,
        partitions: array(i32),
      }).nullable(),
    }),
  },
  response: {
    throttleTimeMs: i32,
    groups: array({
      groupId: str,
      topics: array({
        topicName: str,
        topicId: uuid,
        partitions: array({
          partitionIndex: i32,
          startOffset: i64,
          leaderEpoch: i32,
          lag: i64.or(-1).since(1),
          errorCode: i16,
          errorMessage: str.nullable(),
        }),
      }),
      errorCode: i16,
      errorMessage: str.nullable(),
    }),
  },
});

export type DescribeShareGroupOffsetsRequest = RequestOf<typeof DescribeShareGroupOffsets>;
export type DescribeShareGroupOffsetsResponse = ResponseInput<typeof DescribeShareGroupOffsets>;
