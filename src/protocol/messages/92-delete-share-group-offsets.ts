import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, str, uuid } from '../schema.js';

export const DeleteShareGroupOffsets = defineApi({
  key: 92,
  name: 'DeleteShareGroupOffsets',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    groupId: str,
    topics: array({
      topicName: str,
    }),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: str.nullable(),
    responses: array({
      topicName: str,
      topicId: uuid,
      errorCode: i16,
      errorMessage: str.nullable(),
    }),
  },
});

export type DeleteShareGroupOffsetsRequest = RequestOf<typeof DeleteShareGroupOffsets>;
export type DeleteShareGroupOffsetsResponse = ResponseInput<typeof DeleteShareGroupOffsets>;
