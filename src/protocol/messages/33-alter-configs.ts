import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i8, i16, i32, str } from '../schema.js';

export const AlterConfigs = defineApi({
  key: 33,
  name: 'AlterConfigs',
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    resources: array({
      resourceType: i8,
      resourceName: str,
      configs: array({
        name: str,
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

export type AlterConfigsRequest = RequestOf<typeof AlterConfigs>;
export type AlterConfigsResponse = ResponseInput<typeof AlterConfigs>;
