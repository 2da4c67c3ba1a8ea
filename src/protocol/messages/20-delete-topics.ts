import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, str, uuid } from '../schema.js';

export const DeleteTopics = defineApi({
  key: 20,
  name: 'DeleteTopics',
  versions: [1, 6],
  flexibleFrom: 4,
  request: {
    topics: array({
      name: str.nullable(),
      topicId: uuid,
    }).since(6),
    topicNames: array(str).until(5),
    timeoutMs: i32,
  },
  response: {
    throttleTimeMs: i32,
    responses: array({
      name: str.nullable(6),
      topicId: uuid.since(6),
      errorCode: i16,
      errorMessage: str.nullable().since(5),
    }),
  },
});

export type DeleteTopicsRequest = RequestOf<typeof DeleteTopics>;
export type DeleteTopicsResponse = ResponseInput<typeof DeleteTopics>;
