import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i16, i32, str } from '../schema.js';

export const AlterPartitionReassignments = defineApi({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    timeoutMs: i32.or(60000),
    allowReplicationFactorChange: bool.or(true).since(1),
    topics: array({
      name: str,
      partitions: array({
        partitionIndex: i32,
        replicas: array(i32).nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: i32,
    allowReplicationFactorChange: bool.or(true).since(1),
    errorCode: i16,
    errorMessage: str.nullable(),
    responses: array({
      name: str,
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
        errorMessage: str.nullable(),
      }),
    }),
  },
});

export type AlterPartitionReassignmentsRequest = RequestOf<typeof AlterPartitionReassignments>;
export type AlterPartitionReassignmentsResponse = ResponseInput<typeof AlterPartitionReassignments>;
