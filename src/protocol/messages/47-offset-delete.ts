import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, str } from '../schema.js';

export const OffsetDelete = defineApi({
  key: 47,
  name: 'OffsetDelete',
  versions: [0, 0],
  request: {
    groupId: str,
    topics: array({
      name: str,
      partitions: array({
        partitionIndex: i32,
      }),
    }),
  },
  response: {
    errorCode: i16,
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

export type OffsetDeleteRequest = RequestOf<typeof OffsetDelete>;
export type OffsetDeleteResponse = ResponseInput<typeof OffsetDelete>;
