import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i8, i16, i32, str } from '../schema.js';

export const ListConfigResources = defineApi({
  key: 74,
  name: 'ListConfigResources',
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    resourceTypes: array(i8).since(1),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    configResources: array({
      resourceName: str,
      resourceType: i8.or(16).since(1),
    }),
  },
});

export type ListConfigResourcesRequest = RequestOf<typeof ListConfigResources>;
export type ListConfigResourcesResponse = ResponseInput<typeof ListConfigResources>;
