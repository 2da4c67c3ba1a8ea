import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, str } from '../schema.js';

export const ListPartitionReassignments = defineApi({
  key: 46,
  name: 'ListPartitionReassignments',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    timeoutMs: i32.or(60000),
    topics: array({
      name: str,
      partitionIndexes: array(i32),
    }).nullable(),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: str.nullable(),
    topics: array({
      name: str,
      partitions: array({
        partitionIndex: i32,
        replicas: array(i32),
        addingReplicas: array(i32),
        removingReplicas: array(i32),
      }),
    }),
  },
});

export type ListPartitionReassignmentsRequest = RequestOf<typeof ListPartitionReassignments>;
export type ListPartitionReassignmentsResponse = ResponseInput<typeof ListPartitionReassignments>;
