import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i8, i16, i32, str } from '../schema.js';

export const IncrementalAlterConfigs = defineApi({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: [0, 1],
  flexibleFrom: 1,
  request: {
    resources: array({
      resourceType: i8,
      resourceName: str,
      configs: array({
        name: str,
        configOperation: i8,
        value: str.nullable(),
      }),
    }),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: i32,
    responses: array({
      errorCode: i16,
      errorMessage: str.nullable(),
      resourceType: i8,
      resourceName: str,
    }),
  },
});

export type IncrementalAlterConfigsRequest = RequestOf<typeof IncrementalAlterConfigs>;
export type IncrementalAlterConfigsResponse = ResponseInput<typeof IncrementalAlterConfigs>;
