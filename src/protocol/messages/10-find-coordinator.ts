import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i8, i16, i32, str } from '../schema.js';

export const FindCoordinator = defineApi({
  key: 10,
  name: 'FindCoordinator',
  versions: [0, 6],
  flexibleFrom: 3,
  request: {
    key: str.until(3),
    keyType: i8.since(1),
    coordinatorKeys: array(str).since(4),
  },
  response: {
    throttleTimeMs: i32.since(1),
    errorCode: i16.until(3),
    errorMessage: str.nullable().since(1).until(3),
    nodeId: i32.until(3),
    host: str.until(3),
    port: i32.until(3),
    coordinators: array({
      key: str,
      nodeId: i32,
      host: str,
      port: i32,
      errorCode: i16,
      errorMessage: str.nullable(),
    }).since(4),
  },
});

export type FindCoordinatorRequest = RequestOf<typeof FindCoordinator>;
export type FindCoordinatorResponse = ResponseInput<typeof FindCoordinator>;
