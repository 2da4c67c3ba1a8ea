import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i8, i16, i32, str } from '../schema.js';

export const UpdateFeatures = defineApi({
  key: 57,
  name: 'UpdateFeatures',
  versions: [0, 2],
  flexibleFrom: 0,
  request: {
    timeoutMs: i32.or(60000),
    featureUpdates: array({
      feature: str,
      maxVersionLevel: i16,
      allowDowngrade: bool.since(0).until(0),
      upgradeType: i8.or(1).since(1),
    }),
    validateOnly: bool.since(1),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: str.nullable(),
    results: array({
      feature: str,
      errorCode: i16,
      errorMessage: str.nullable(),
    }).until(1),
  },
});

export type UpdateFeaturesRequest = RequestOf<typeof UpdateFeatures>;
export type UpdateFeaturesResponse = ResponseInput<typeof UpdateFeatures>;
