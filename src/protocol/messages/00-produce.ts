import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, i64, records, str, struct, uuid } from '../schema.js';

export const Produce = defineApi({
  key: 0,
  name: 'Produce',
  versions: [3, 13],
  flexibleFrom: 9,
  request: {
    transactionalId: str.nullable(),
    acks: i16,
    timeoutMs: i32,
    topicData: array({
      name: str.until(12),
      topicId: uuid.since(13),
      partitionData: array({
        index: i32,
        records: records.nullable(),
      }),
    }),
  },
  response: {
    responses: array({
      name: str.until(12),
      topicId: uuid.since(13),
      partitionResponses: array({
        index: i32,
        errorCode: i16,
        baseOffset: i64,
        logAppendTimeMs: i64.or(-1),
        logStartOffset: i64.or(-1).since(5),
        recordErrors: array({
          batchIndex: i32,
          batchIndexErrorMessage: str.nullable(),
        }).since(8),
        errorMessage: str.nullable().since(8),
        currentLeader: struct({
          leaderId: i32.or(-1),
          leaderEpoch: i32.or(-1),
        })
          .since(10)
          .tag(0),
      }),
    }),
    throttleTimeMs: i32,
    nodeEndpoints: array({
      nodeId: i32,
      host: str,
      port: i32,
      rack: str.nullable(),
    })
      .since(10)
      .tag(0),
  },
});

export type ProduceRequest = RequestOf<typeof Produce>;
export type ProduceResponse = ResponseInput<typeof Produce>;
