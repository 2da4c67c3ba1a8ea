import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, str } from '../schema.js';

export const ListGroups = defineApi({
  key: 16,
  name: 'ListGroups',
  versions: [0, 5],
  flexibleFrom: 3,
  request: {
    statesFilter: array(str).since(4),
    typesFilter: array(str).since(5),
  },
  response: {
    throttleTimeMs: i32.since(1),
    errorCode: i16,
    groups: array({
      groupId: str,
      protocolType: str,
      groupState: str.since(4),
      groupType: str.since(5),
    }),
  },
});

export type ListGroupsRequest = RequestOf<typeof ListGroups>;
export type ListGroupsResponse = ResponseInput<typeof ListGroups>;
