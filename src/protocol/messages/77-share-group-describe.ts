import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i16, i32, MIN_I32, str, struct, uuid } from '../schema.js';

export const ShareGroupDescribe = defineApi({
  key: 77,
  name: 'ShareGroupDescribe',
  versions: [1, 1],
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
        rackId: str.nullable(),
        memberEpoch: i32,
        clientId: str,
        clientHost: str,
        subscribedTopicNames: array(str),
        assignment: struct({
          topicPartitions: array({
            topicId: uuid,
            topicName: str,
            partitions: array(i32),
          }),
        }),
      }),
      authorizedOperations: i32.or(MIN_I32),
    }),
  },
});

export type ShareGroupDescribeRequest = RequestOf<typeof ShareGroupDescribe>;
export type ShareGroupDescribeResponse = ResponseInput<typeof ShareGroupDescribe>;
