import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i8, i16, i32, i64, records, str, struct, uuid } from '../schema.js';

export const ShareFetch = defineApi({
  key: 78,
  name: 'ShareFetch',
  versions: [1, 2],
  flexibleFrom: 0,
  request: {
    groupId: str.nullable(),
    memberId: str.nullable(),
    shareSessionEpoch: i32,
    maxWaitMs: i32,
    minBytes: i32,
    maxBytes: i32.or(0x7fffffff),
    maxRecords: i32,
    batchSize: i32,
    shareAcquireMode: i8.since(2),
    isRenewAck: bool.since(2),
    topics: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: i32,
        acknowledgementBatches: array({
          firstOffset: i64,
          lastOffset: i64,
          acknowledgeTypes: array(i8),
        }),
      }),
    }),
    forgottenTopicsData: array({
      topicId: uuid,
      partitions: array(i32),
    }),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: str.nullable(),
    acquisitionLockTimeoutMs: i32,
    responses: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
        errorMessage: str.nullable(),
        acknowledgeErrorCode: i16,
        acknowledgeErrorMessage: str.nullable(),
        currentLeader: struct({
          leaderId: i32,
          leaderEpoch: i32,
        }),
        records: records,
        acquiredRecords: array({
          firstOffset: i64,
          lastOffset: i64,
          deliveryCount: i16,
        }),
      }),
    }),
    nodeEndpoints: array({
      nodeId: i32,
      host: str,
      port: i32,
      rack: str.nullable(),
    }),
  },
});

export type ShareFetchRequest = RequestOf<typeof ShareFetch>;
export type ShareFetchResponse = ResponseInput<typeof ShareFetch>;
