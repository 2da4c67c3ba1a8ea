import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, bytes, i16, i32, MIN_I32, str } from '../schema.js';

export const DescribeGroups = defineApi({
  key: 15,
  name: 'DescribeGroups',
  versions: [0, 6],
  flexibleFrom: 5,
  request: {
    groups: array(str),
    includeAuthorizedOperations: bool.since(3),
  },
  response: {
    throttleTimeMs: i32.since(1),
    groups: array({
      errorCode: i16,
      errorMessage: str.nullable().since(6),
      groupId: str,
      groupState: str,
      protocolType: str,
      protocolData: str,
      members: array({
        memberId: str,
        groupInstanceId: str.nullable().since(4),
        clientId: str,
        clientHost: str,
        memberMetadata: bytes,
        memberAssignment: bytes,
      }),
      authorizedOperations: i32.or(MIN_I32).since(3),
    }),
  },
});

export type DescribeGroupsRequest = RequestOf<typeof DescribeGroups>;
export type DescribeGroupsResponse = ResponseInput<typeof DescribeGroups>;
