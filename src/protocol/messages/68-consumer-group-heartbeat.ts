import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, str, struct, uuid } from '../schema.js';

export const ConsumerGroupHeartbeat = defineApi({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    groupId: str,
    memberId: str,
    memberEpoch: i32,
    instanceId: str.nullable(),
    rackId: str.nullable(),
    rebalanceTimeoutMs: i32.or(-1),
    subscribedTopicNames: array(str).nullable(),
    subscribedTopicRegex: str.nullable().since(1),
    serverAssignor: str.nullable(),
    topicPartitions: array({
      topicId: uuid,
      partitions: array(i32),
    }).nullable(),
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

export type ConsumerGroupHeartbeatRequest = RequestOf<typeof ConsumerGroupHeartbeat>;
export type ConsumerGroupHeartbeatResponse = ResponseInput<typeof ConsumerGroupHeartbeat>;
