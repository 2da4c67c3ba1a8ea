import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, i64, i64Exact, str } from '../schema.js';

export const DescribeProducers = defineApi({
  key: 61,
  name: 'DescribeProducers',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    topics: array({
      name: str,
      partitionIndexes: array(i32),
    }),
  },
  response: {
    throttleTimeMs: i32,
    topics: array({
      name: str,
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
        errorMessage: str.nullable(),
        activeProducers: array({
          producerId: i64Exact,
          producerEpoch: i32,
          lastSequence: i32.or(-1),
          lastTimestamp: i64.or(-1),
          coordinatorEpoch: i32,
          currentTxnStartOffset: i64.or(-1),
        }),
      }),
    }),
  },
});

export type DescribeProducersRequest = RequestOf<typeof DescribeProducers>;
export type DescribeProducersResponse = ResponseInput<typeof DescribeProducers>;
