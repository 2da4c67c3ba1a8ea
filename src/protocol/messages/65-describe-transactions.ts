import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, i64, i64Exact, str } from '../schema.js';

export const DescribeTransactions = defineApi({
  key: 65,
  name: 'DescribeTransactions',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    transactionalIds: array(str),
  },
  response: {
    throttleTimeMs: i32,
    transactionStates: array({
      errorCode: i16,
      transactionalId: str,
      transactionState: str,
      transactionTimeoutMs: i32,
      transactionStartTimeMs: i64,
      producerId: i64Exact,
      producerEpoch: i16,
      topics: array({
        topic: str,
        partitions: array(i32),
      }),
    }),
  },
});

export type DescribeTransactionsRequest = RequestOf<typeof DescribeTransactions>;
export type DescribeTransactionsResponse = ResponseInput<typeof DescribeTransactions>;
