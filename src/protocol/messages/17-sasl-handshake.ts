import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, str } from '../schema.js';

export const SaslHandshake = defineApi({
  key: 17,
  name: 'SaslHandshake',
  versions: [0, 1],
  request: {
    mechanism: str,
  },
  response: {
    errorCode: i16,
    mechanisms: array(str),
  },
});

export type SaslHandshakeRequest = RequestOf<typeof SaslHandshake>;
export type SaslHandshakeResponse = ResponseInput<typeof SaslHandshake>;
