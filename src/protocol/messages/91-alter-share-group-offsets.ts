import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, i64, str, uuid } from '../schema.js';

export const AlterShareGroupOffsets = defineApi({
  key: 91,
  name: 'AlterShareGroupOffsets',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    groupId: str,
    topics: array({
      topicName: str,
      partitions: array({
        partitionIndex: i32,
        startOffset: i64,
      }),
    }),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: str.nullable(),
    responses: array({
      topicName: str,
      topicId: uuid,
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
        errorMessage: str.nullable(),
      }),
    }),
  },
});

export type AlterShareGroupOffsetsRequest = RequestOf<typeof AlterShareGroupOffsets>;
export type AlterShareGroupOffsetsResponse = ResponseInput<typeof AlterShareGroupOffsets>;
