import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i16, i32, i64Exact, str } from '../schema.js';

export const AddPartitionsToTxn = defineApi({
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: [0, 5],
  flexibleFrom: 3,
  request: {
    transactions: array({
      transactionalId: str,
      producerId: i64Exact,
      producerEpoch: i16,
      verifyOnly: bool,
      topics: array({
        name: str,
        partitions: array(i32),
      }),
    }).since(4),
    v3AndBelowTransactionalId: str.until(3),
    v3AndBelowProducerId: i64Exact.until(3),
    v3AndBelowProducerEpoch: i16.until(3),
    v3AndBelowTopics: array({
      name: str,
      partitions: array(i32),
    }).until(3),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16.since(4),
    resultsByTransaction: array({
      transactionalId: str,
      topicResults: array({
        name: str,
        resultsByPartition: array({
          partitionIndex: i32,
          partitionErrorCode: i16,
        }),
      }),
    }).since(4),
    resultsByTopicV3AndBelow: array({
      name: str,
      resultsByPartition: array({
        partitionIndex: i32,
        partitionErrorCode: i16,
      }),
    }).until(3),
  },
});

export type AddPartitionsToTxnRequest = RequestOf<typeof AddPartitionsToTxn>;
export type AddPartitionsToTxnResponse = ResponseInput<typeof AddPartitionsToTxn>;
