import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i16, i32, i64, str } from '../schema.js';

export const ApiVersions = defineApi({
  key: 18,
  name: 'ApiVersions',
  versions: [0, 4],
  flexibleFrom: 3,
  request: {
    clientSoftwareName: str.since(3),
    clientSoftwareVersion: str.since(3),
  },
  response: {
    errorCode: i16,
    apiKeys: array({
      apiKey: i16,
      minVersion: i16,
      maxVersion: i16,
    }),
    throttleTimeMs: i32.since(1),
    supportedFeatures: array({
      name: str,
      minVersion: i16,
      maxVersion: i16,
    })
      .since(3)
      .tag(0),
    finalizedFeaturesEpoch: i64.or(-1).since(3).tag(1),
    finalizedFeatures: array({
      name: str,
      maxVersionLevel: i16,
      minVersionLevel: i16,
    })
      .since(3)
      .tag(2),
    zkMigrationReady: bool.since(3).tag(3),
  },
});

export type ApiVersionsRequest = RequestOf<typeof ApiVersions>;
export type ApiVersionsResponse = ResponseInput<typeof ApiVersions>;
