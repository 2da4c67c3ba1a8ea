import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i16, i32, str } from '../schema.js';

export const CreatePartitions = defineApi({
  key: 37,
  name: 'CreatePartitions',
  versions: [0, 3],
  flexibleFrom: 2,
  request: {
    topics: array({
      name: str,
      count: i32,
      assignments: array({
        brokerIds: array(i32),
      }).nullable(),
    }),
    timeoutMs: i32,
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: i32,
    results: array({
      name: str,
      errorCode: i16,
      errorMessage: str.nullable(),
    }),
  },
});

export type CreatePartitionsRequest = RequestOf<typeof CreatePartitions>;
export type CreatePartitionsResponse = ResponseInput<typeof CreatePartitions>;
