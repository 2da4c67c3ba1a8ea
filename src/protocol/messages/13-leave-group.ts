import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, str } from '../schema.js';

export const LeaveGroup = defineApi({
  key: 13,
  name: 'LeaveGroup',
  versions: [0, 5],
  flexibleFrom: 4,
  request: {
    groupId: str,
    memberId: str.until(2),
    members: array({
      memberId: str,
      groupInstanceId: str.nullable(),
      reason: str.nullable().since(5),
    }).since(3),
  },
  response: {
    throttleTimeMs: i32.since(1),
    errorCode: i16,
    members: array({
      memberId: str,
      groupInstanceId: str.nullable(),
      errorCode: i16,
    }).since(3),
  },
});

export type LeaveGroupRequest = RequestOf<typeof LeaveGroup>;
export type LeaveGroupResponse = ResponseInput<typeof LeaveGroup>;
