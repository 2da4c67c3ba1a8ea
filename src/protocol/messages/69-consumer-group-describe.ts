import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i8, i16, i32, MIN_I32, str, struct, uuid } from '../schema.js';

export const ConsumerGroupDescribe = defineApi({
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    groupIds: array(str),
    includeAuthorizedOperations: bool,
  },
  response: {
    throttleTimeMs: i32,
    groups: array({
      errorCode: i16,
      errorMessage: str.nullable(),
      groupId: str,
      groupState: str,
      groupEpoch: i32,
      assignmentEpoch: i32,
      assignorName: str,
      members: array({
        memberId: str,
        instanceId: str.nullable(),
        rackId: str.nullable(),
        memberEpoch: i32,
        clientId: str,
        clientHost: str,
        subscribedTopicNames: array(str),
        subscribedTopicRegex: str.nullable(),
        assignment: struct({
          topicPartitions: array({
            topicId: uuid,
            topicName: str,
            partitions: array(i32),
          }),
        }),
        targetAssignment: struct({
          topicPartitions: array({
            topicId: uuid,
            topicName: str,
            partitions: array(i32),
          }),
        }),
        memberType: i8.or(-1).since(1),
      }),
      authorizedOperations: i32.or(MIN_I32),
    }),
  },
});

export type ConsumerGroupDescribeRequest = RequestOf<typeof ConsumerGroupDescribe>;
export type ConsumerGroupDescribeResponse = ResponseInput<typeof ConsumerGroupDescribe>;
