import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, i64, i64Exact, str } from '../schema.js';

export const ListTransactions = defineApi({
  key: 66,
  name: 'ListTransactions',
  versions: [0, 2],
  flexibleFrom: 0,
  request: {
    stateFilters: array(str),
    producerIdFilters: array(i64Exact),
    durationFilter: i64.or(-1).since(1),
    transactionalIdPattern: str.nullable().since(2),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    unknownStateFilters: array(str),
    transactionStates: array({
      transactionalId: str,
      producerId: i64Exact,
      transactionState: str,
    }),
  },
});

export type ListTransactionsRequest = RequestOf<typeof ListTransactions>;
export type ListTransactionsResponse = ResponseInput<typeof ListTransactions>;
