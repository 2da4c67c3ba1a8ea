import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { bool, i16, i32, i64Exact, str } from '../schema.js';

export const EndTxn = defineApi({
  key: 26,
  name: 'EndTxn',
  versions: [0, 5],
  flexibleFrom: 3,
  request: {
    transactionalId: str,
    producerId: i64Exact,
    producerEpoch: i16,
    committed: bool,
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    producerId: i64Exact.or(-1n).since(5),
    producerEpoch: i16.or(-1).since(5),
  },
});

export type EndTxnRequest = RequestOf<typeof EndTxn>;
export type EndTxnResponse = ResponseInput<typeof EndTxn>;
