import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i16, i32, str } from '../schema.js';

export const AlterReplicaLogDirs = defineApi({
  key: 34,
  name: 'AlterReplicaLogDirs',
  versions: [1, 2],
  flexibleFrom: 2,
  request: {
    dirs: array({
      path: str,
      topics: array({
        name: str,
        partitions: array(i32),
      }),
    }),
  },
  response: {
    throttleTimeMs: i32,
    results: array({
      topicName: str,
      partitions: array({
        partitionIndex: i32,
        errorCode: i16,
      }),
    }),
  },
});

export type AlterReplicaLogDirsRequest = RequestOf<typeof AlterReplicaLogDirs>;
export type AlterReplicaLogDirsResponse = ResponseInput<typeof AlterReplicaLogDirs>;
