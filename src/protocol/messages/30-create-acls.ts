import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i8, i16, i32, str } from '../schema.js';

export const CreateAcls = defineApi({
  key: 30,
  name: 'CreateAcls',
  versions: [1, 3],
  flexibleFrom: 2,
  request: {
    creations: array({
      resourceType: i8,
      resourceName: str,
      resourcePatternType: i8.or(3),
      principal: str,
      host: str,
      operation: i8,
      permissionType: i8,
    }),
  },
  response: {
    throttleTimeMs: i32,
    results: array({
      errorCode: i16,
      errorMessage: str.nullable(),
    }),
  },
});

export type CreateAclsRequest = RequestOf<typeof CreateAcls>;
export type CreateAclsResponse = ResponseInput<typeof CreateAcls>;
