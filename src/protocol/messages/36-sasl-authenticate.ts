import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { bytes, i16, i64, str } from '../schema.js';

export const SaslAuthenticate = defineApi({
  key: 36,
  name: 'SaslAuthenticate',
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    authBytes: bytes,
  },
  response: {
    errorCode: i16,
    errorMessage: str.nullable(),
    authBytes: bytes,
    sessionLifetimeMs: i64.since(1),
  },
});

export type SaslAuthenticateRequest = RequestOf<typeof SaslAuthenticate>;
export type SaslAuthenticateResponse = ResponseInput<typeof SaslAuthenticate>;
