import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i8, i16, i32, str } from '../schema.js';

export const DescribeConfigs = defineApi({
  key: 32,
  name: 'DescribeConfigs',
  versions: [1, 4],
  flexibleFrom: 4,
  request: {
    resources: array({
      resourceType: i8,
      resourceName: str,
      configurationKeys: array(str).nullable(),
    }),
    includeSynonyms: bool,
    includeDocumentation: bool.since(3),
  },
  response: {
    throttleTimeMs: i32,
    results: array({
      errorCode: i16,
      errorMessage: str.nullable(),
      resourceType: i8,
      resourceName: str,
      configs: array({
        name: str,
        value: str.nullable(),
        readOnly: bool,
        configSource: i8.or(-1),
        isSensitive: bool,
        synonyms: array({
          name: str,
          value: str.nullable(),
          source: i8,
        }),
        configType: i8.since(3),
        documentation: str.nullable().since(3),
      }),
    }),
  },
});

export type DescribeConfigsRequest = RequestOf<typeof DescribeConfigs>;
export type DescribeConfigsResponse = ResponseInput<typeof DescribeConfigs>;
