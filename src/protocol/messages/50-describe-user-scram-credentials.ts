import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i8, i16, i32, str } from '../schema.js';

export const DescribeUserScramCredentials = defineApi({
  key: 50,
  name: 'DescribeUserScramCredentials',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    users: array({
      name: str,
    }).nullable(),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: str.nullable(),
    results: array({
      user: str,
      errorCode: i16,
      errorMessage: str.nullable(),
      credentialInfos: array({
        mechanism: i8,
        iterations: i32,
      }),
    }),
  },
});

export type DescribeUserScramCredentialsRequest = RequestOf<typeof DescribeUserScramCredentials>;
export type DescribeUserScramCredentialsResponse = ResponseInput<typeof DescribeUserScramCredentials>;
