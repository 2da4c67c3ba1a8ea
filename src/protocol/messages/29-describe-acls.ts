import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i8, i16, i32, str } from '../schema.js';

export const DescribeAcls = defineApi({
  key: 29,
  name: 'DescribeAcls',
  versions: [1, 3],
  flexibleFrom: 2,
  request: {
    resourceTypeFilter: i8,
    resourceNameFilter: str.nullable(),
    patternTypeFilter: i8.or(3),
    principalFilter: str.nullable(),
    hostFilter: str.nullable(),
    operation: i8,
    permissionType: i8,
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: str.nullable(),
    resources: array({
      resourceType: i8,
      resourceName: str,
      patternType: i8.or(3),
      acls: array({
        principal: str,
        host: str,
        operation: i8,
        permissionType: i8,
      }),
    }),
  },
});

export type DescribeAclsRequest = RequestOf<typeof DescribeAcls>;
export type DescribeAclsResponse = ResponseInput<typeof DescribeAcls>;
