import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i16, i32, MIN_I32, str, uuid } from '../schema.js';

export const Metadata = defineApi({
  key: 3,
  name: 'Metadata',
  versions: [0, 13],
  flexibleFrom: 9,
  request: {
    topics: array({
      topicId: uuid.since(10),
      name: str.nullable(10),
    }).nullable(1),
    allowAutoTopicCreation: bool.or(true).since(4),
    includeClusterAuthorizedOperations: bool.since(8).until(10),
    includeTopicAuthorizedOperations: bool.since(8),
  },
  response: {
    throttleTimeMs: i32.since(3),
    brokers: array({
      nodeId: i32,
      host: str,
      port: i32,
      rack: str.nullable().since(1),
    }),
    clusterId: str.nullable().since(2),
    controllerId: i32.or(-1).since(1),
    topics: array({
      errorCode: i16,
      name: str.nullable(12),
      topicId: uuid.since(10),
      isInternal: bool.since(1),
      partitions: array({
        errorCode: i16,
        partitionIndex: i32,
        leaderId: i32,
        leaderEpoch: i32.or(-1).since(7),
        replicaNodes: array(i32),
        isrNodes: array(i32),
        offlineReplicas: array(i32).since(5),
      }),
      topicAuthorizedOperations: i32.or(MIN_I32).since(8),
    }),
    clusterAuthorizedOperations: i32.or(MIN_I32).since(8).until(10),
    errorCode: i16.since(13),
  },
});

export type MetadataRequest = RequestOf<typeof Metadata>;
export type MetadataResponse = ResponseInput<typeof Metadata>;
