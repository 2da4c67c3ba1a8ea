import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { i16, i32, str } from '../schema.js';

export const UnregisterBroker = defineApi({
  key: 64,
  name: 'UnregisterBroker',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    brokerId: i32,
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: str.nullable(),
  },
});

export type UnregisterBrokerRequest = RequestOf<typeof UnregisterBroker>;
export type UnregisterBrokerResponse = ResponseInput<typeof UnregisterBroker>;
