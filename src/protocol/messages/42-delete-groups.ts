import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, str } from '../schema.js';

export const DeleteGroups = defineApi({
  key: 42,
  name: 'DeleteGroups',
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    groupsNames: array(str),
  },
  response: {
    throttleTimeMs: i32,
    results: array({
      groupId: str,
      errorCode: i16,
    }),
  },
});

export type DeleteGroupsRequest = RequestOf<typeof DeleteGroups>;
export type DeleteGroupsResponse = ResponseInput<typeof DeleteGroups>;
