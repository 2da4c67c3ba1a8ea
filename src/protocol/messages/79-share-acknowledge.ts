import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i8, i16, i32, i64, str, struct, uuid } from '../schema.js';

export const ShareAcknowledge = defineApi({
  key: 79,
  name: 'ShareAcknowledge',
  versions: [1, 2],
  flexibleFrom: 0,
  request: {
    groupId: str.nullable(),
    memberId: str.nullable(),
    shareSessionEpoch: i32,
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
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: str.nullable(),
    acquisitionLockTimeoutMs: i32.since(2),
    responses: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
        errorMessage: str.nullable(),
        currentLeader: struct({
          leaderId: i32,
          leaderEpoch: i32,
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

export type ShareAcknowledgeRequest = RequestOf<typeof ShareAcknowledge>;
export type ShareAcknowledgeResponse = ResponseInput<typeof ShareAcknowledge>;
