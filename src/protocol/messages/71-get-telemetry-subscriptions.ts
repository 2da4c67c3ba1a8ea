import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i8, i16, i32, str, uuid } from '../schema.js';

export const GetTelemetrySubscriptions = defineApi({
  key: 71,
  name: 'GetTelemetrySubscriptions',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    clientInstanceId: uuid,
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    clientInstanceId: uuid,
    subscriptionId: i32,
    acceptedCompressionTypes: array(i8),
    pushIntervalMs: i32,
    telemetryMaxBytes: i32,
    deltaTemporality: bool,
    requestedMetrics: array(str),
  },
});

export type GetTelemetrySubscriptionsRequest = RequestOf<typeof GetTelemetrySubscriptions>;
export type GetTelemetrySubscriptionsResponse = ResponseInput<typeof GetTelemetrySubscriptions>;
