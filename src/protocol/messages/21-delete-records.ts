import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, i64, str } from '../schema.js';

export const DeleteRecords = defineApi({
  key: 21,
  name: 'DeleteRecords',
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    topics: array({
      name: str,
      partitions: array({
        partitionIndex: i32,
        offset: i64,
      }),
    }),
    timeoutMs: i32,
  },
  response: {
    throttleTimeMs: i32,
    topics: array({
      name: str,
      partitions: array({
        partitionIndex: i32,
        lowWatermark: i64,
        errorCode: i16,
      }),
    }),
  },
});

export type DeleteRecordsRequest = RequestOf<typeof DeleteRecords>;
export type DeleteRecordsResponse = ResponseInput<typeof DeleteRecords>;
