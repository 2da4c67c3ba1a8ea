import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i8, i16, i32, str } from '../schema.js';

export const DeleteAcls = defineApi({
  key: 31,
  name: 'DeleteAcls',
  versions: [1, 3],
  flexibleFrom: 2,
  request: {
    filters: array({
      resourceTypeFilter: i8,
      resourceNameFilter: str.nullable(),
      patternTypeFilter: i8.or(3),
      principalFilter: str.nullable(),
      hostFilter: str.nullable(),
      operation: i8,
      permissionType: i8,
    }),
  },
  response: {
    throttleTimeMs: i32,
    filterResults: array({
      errorCode: i16,
      errorMessage: str.nullable(),
      matchingAcls: array({
        errorCode: i16,
        errorMessage: str.nullable(),
        resourceType: i8,
        resourceName: str,
        patternType: i8.or(3),
        principal: str,
        host: str,
        operation: i8,
        permissionType: i8,
      }),
    }),
  },
});

export type DeleteAclsRequest = RequestOf<typeof DeleteAcls>;
export type DeleteAclsResponse = ResponseInput<typeof DeleteAcls>;
