import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i8, i16, i32, str, uuid } from '../schema.js';

export const CreateTopics = defineApi({
  key: 19,
  name: 'CreateTopics',
  versions: [2, 7],
  flexibleFrom: 5,
  request: {
    topics: array({
      name: str,
      numPartitions: i32,
      replicationFactor: i16,
      assignments: array({
        partitionIndex: i32,
        brokerIds: array(i32),
      }),
      configs: array({
        name: str,
        value: str.nullable(),
      }),
    }),
    timeoutMs: i32.or(60000),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: i32,
    topics: array({
      name: str,
      topicId: uuid.since(7),
      errorCode: i16,
      errorMessage: str.nullable(),
      topicConfigErrorCode: i16.since(5).tag(0),
      numPartitions: i32.or(-1).since(5),
      replicationFactor: i16.or(-1).since(5),
      configs: array({
        name: str,
        value: str.nullable(),
        readOnly: bool,
        configSource: i8.or(-1),
        isSensitive: bool,
      })
        .nullable()
        .since(5),
    }),
  },
});

export type CreateTopicsRequest = RequestOf<typeof CreateTopics>;
export type CreateTopicsResponse = ResponseInput<typeof CreateTopics>;
