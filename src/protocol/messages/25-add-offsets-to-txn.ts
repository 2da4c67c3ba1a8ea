import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { i16, i32, i64Exact, str } from '../schema.js';

export const AddOffsetsToTxn = defineApi({
  key: 25,
  name: 'AddOffsetsToTxn',
  versions: [0, 4],
  flexibleFrom: 3,
  request: {
    transactionalId: str,
    producerId: i64Exact,
    producerEpoch: i16,
    groupId: str,
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
  },
});

export type AddOffsetsToTxnRequest = RequestOf<typeof AddOffsetsToTxn>;
export type AddOffsetsToTxnResponse = ResponseInput<typeof AddOffsetsToTxn>;
