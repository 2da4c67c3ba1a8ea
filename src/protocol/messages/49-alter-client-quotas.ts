import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, f64, i16, i32, str } from '../schema.js';

export const AlterClientQuotas = defineApi({
  key: 49,
  name: 'AlterClientQuotas',
  versions: [0, 1],
  flexibleFrom: 1,
  request: {
    entries: array({
      entity: array({
        entityType: str,
        entityName: str.nullable(),
      }),
      ops: array({
        key: str,
        value: f64,
        remove: bool,
      }),
    }),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: i32,
    entries: array({
      errorCode: i16,
      errorMessage: str.nullable(),
      entity: array({
        entityType: str,
        entityName: str.nullable(),
      }),
    }),
  },
});

export type AlterClientQuotasRequest = RequestOf<typeof AlterClientQuotas>;
export type AlterClientQuotasResponse = ResponseInput<typeof AlterClientQuotas>;
