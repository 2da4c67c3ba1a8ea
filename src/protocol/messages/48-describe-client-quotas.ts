import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, f64, i8, i16, i32, str } from '../schema.js';

export const DescribeClientQuotas = defineApi({
  key: 48,
  name: 'DescribeClientQuotas',
  versions: [0, 1],
  flexibleFrom: 1,
  request: {
    components: array({
      entityType: str,
      matchType: i8,
      match: str.nullable(),
    }),
    strict: bool,
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: str.nullable(),
    entries: array({
      entity: array({
        entityType: str,
        entityName: str.nullable(),
      }),
      values: array({
        key: str,
        value: f64,
      }),
    }).nullable(),
  },
});

export type DescribeClientQuotasRequest = RequestOf<typeof DescribeClientQuotas>;
export type DescribeClientQuotasResponse = ResponseInput<typeof DescribeClientQuotas>;
