import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, str, struct, uuid } from '../schema.js';

export const ShareGroupHeartbeat = defineApi({
  key: 76,
  name: 'ShareGroupHeartbeat',
  versions: [1, 1],
  flexibleFrom: 0,
  request: {
    groupId: str,
    memberId: str,
    memberEpoch: i32,
    rackId: str.nullable(),
    subscribedTopicNames: array(str).nullable(),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: str.nullable(),
    memberId: str.nullable(),
    memberEpoch: i32,
    heartbeatIntervalMs: i32,
    assignment: struct({
      topicPartitions: array({
        topicId: uuid,
        partitions: array(i32),
      }),
    }).nullable(),
  },
});

export type ShareGroupHeartbeatRequest = RequestOf<typeof ShareGroupHeartbeat>;
export type ShareGroupHeartbeatResponse = ResponseInput<typeof ShareGroupHeartbeat>;
