import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bytes, i16, i32, str } from '../schema.js';

export const SyncGroup = defineApi({
  key: 14,
  name: 'SyncGroup',
  versions: [0, 5],
  flexibleFrom: 4,
  request: {
    groupId: str,
    generationId: i32,
    memberId: str,
    groupInstanceId: str.nullable().since(3),
    protocolType: str.nullable().since(5),
    protocolName: str.nullable().since(5),
    assignments: array({
      memberId: str,
      assignment: bytes,
    }),
  },
  response: {
    throttleTimeMs: i32.since(1),
    errorCode: i16,
    protocolType: str.nullable().since(5),
    protocolName: str.nullable().since(5),
    assignment: bytes,
  },
});

export type SyncGroupRequest = RequestOf<typeof SyncGroup>;
export type SyncGroupResponse = ResponseInput<typeof SyncGroup>;
