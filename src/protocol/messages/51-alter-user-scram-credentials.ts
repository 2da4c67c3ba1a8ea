import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bytes, i8, i16, i32, str } from '../schema.js';

export const AlterUserScramCredentials = defineApi({
  key: 51,
  name: 'AlterUserScramCredentials',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    deletions: array({
      name: str,
      mechanism: i8,
    }),
    upsertions: array({
      name: str,
      mechanism: i8,
      iterations: i32,
      salt: bytes,
      saltedPassword: bytes,
    }),
  },
  response: {
    throttleTimeMs: i32,
    results: array({
      user: str,
      errorCode: i16,
      errorMessage: str.nullable(),
    }),
  },
});

export type AlterUserScramCredentialsRequest = RequestOf<typeof AlterUserScramCredentials>;
export type AlterUserScramCredentialsResponse = ResponseInput<typeof AlterUserScramCredentials>;
