import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { bool, bytes, i8, i16, i32, uuid } from '../schema.js';

export const PushTelemetry = defineApi({
  key: 72,
  name: 'PushTelemetry',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    clientInstanceId: uuid,
    subscriptionId: i32,
    terminating: bool,
    compressionType: i8,
    metrics: bytes,
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
  },
});

export type PushTelemetryRequest = RequestOf<typeof PushTelemetry>;
export type PushTelemetryResponse = ResponseInput<typeof PushTelemetry>;
