import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { bool, i16, i32, i64Exact, str } from '../schema.js';

export const InitProducerId = defineApi({
  key: 22,
  name: 'InitProducerId',
  versions: [0, 6],
  flexibleFrom: 2,
  request: {
    transactionalId: str.nullable(),
    transactionTimeoutMs: i32,
    producerId: i64Exact.or(-1n).since(3),
    producerEpoch: i16.or(-1).since(3),
    enable2Pc: bool.since(6),
    keepPreparedTxn: bool.since(6),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    producerId: i64Exact.or(-1n),
    producerEpoch: i16,
    ongoingTxnProducerId: i64Exact.or(-1n).since(6),
    ongoingTxnProducerEpoch: i16.or(-1).since(6),
  },
});

export type InitProducerIdRequest = RequestOf<typeof InitProducerId>;
export type InitProducerIdResponse = ResponseInput<typeof InitProducerId>;
