import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, bytes, i16, i32, str } from '../schema.js';

export const JoinGroup = defineApi({
  key: 11,
  name: 'JoinGroup',
  versions: [0, 9],
  flexibleFrom: 6,
  request: {
    groupId: str,
    sessionTimeoutMs: i32,
    rebalanceTimeoutMs: i32.or(-1).since(1),
    memberId: str,
    groupInstanceId: str.nullable().since(5),
    protocolType: str,
    protocols: array({
      name: str,
      metadata: bytes,
    }),
    reason: str.nullable().since(8),
  },
  response: {
    throttleTimeMs: i32.since(2),
    errorCode: i16,
    generationId: i32.or(-1),
    protocolType: str.nullable().since(7),
    protocolName: str.nullable(7),
    leader: str,
    skipAssignment: bool.since(9),
    memberId: str,
    members: array({
      memberId: str,
      groupInstanceId: str.nullable().since(5),
      metadata: bytes,
    }),
  },
});

export type JoinGroupRequest = RequestOf<typeof JoinGroup>;
export type JoinGroupResponse = ResponseInput<typeof JoinGroup>;
