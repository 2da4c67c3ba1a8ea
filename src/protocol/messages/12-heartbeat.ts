import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { i16, i32, str } from '../schema.js';

export const Heartbeat = defineApi({
  key: 12,
  name: 'Heartbeat',
  versions: [0, 4],
  flexibleFrom: 4,
  request: {
    groupId: str,
    generationId: i32,
    memberId: str,
    groupInstanceId: str.nullable().since(3),
  },
  response: {
    throttleTimeMs: i32.since(1),
    errorCode: i16,
  },
});

export type HeartbeatRequest = RequestOf<typeof Heartbeat>;
export type HeartbeatResponse = ResponseInput<typeof Heartbeat>;
