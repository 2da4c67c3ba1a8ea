import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i8, i16, i32, i64Exact, str } from '../schema.js';

export const WriteTxnMarkers = defineApi({
  key: 27,
  name: 'WriteTxnMarkers',
  versions: [1, 2],
  flexibleFrom: 1,
  request: {
    markers: array({
      producerId: i64Exact,
      producerEpoch: i16,
      transactionResult: bool,
      topics: array({
        name: str,
        partitionIndexes: array(i32),
      }),
      coordinatorEpoch: i32,
      transactionVersion: i8.since(2),
    }),
  },
  response: {
    markers: array({
      producerId: i64Exact,
      topics: array({
        name: str,
        partitions: array({
          partitionIndex: i32,
          errorCode: i16,
        }),
      }),
    }),
  },
});

export type WriteTxnMarkersRequest = RequestOf<typeof WriteTxnMarkers>;
export type WriteTxnMarkersResponse = ResponseInput<typeof WriteTxnMarkers>;
