import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i8, i16, i32, i64, str, struct, u16 } from '../schema.js';

export const StreamsGroupHeartbeat = defineApi({
  key: 88,
  name: 'StreamsGroupHeartbeat',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    groupId: str,
    memberId: str,
    memberEpoch: i32,
    endpointInformationEpoch: i32,
    instanceId: str.nullable(),
    rackId: str.nullable(),
    rebalanceTimeoutMs: i32.or(-1),
    topology: struct({
      epoch: i32,
      subtopologies: array({
        subtopologyId: str,
        sourceTopics: array(str),
        sourceTopicRegex: array(str),
        stateChangelogTopics: array({
          name: str,
          partitions: i32,
          replicationFactor: i16,
          topicConfigs: array({
            key: str,
            value: str,
          }),
        }),
        repartitionSinkTopics: array(str),
        repartitionSourceTopics: array({
          name: str,
          partitions: i32,
          replicationFactor: i16,
          topicConfigs: array({
            key: str,
            value: str,
          }),
        }),
        copartitionGroups: array({
          sourceTopics: array(i16),
          sourceTopicRegex: array(i16),
          repartitionSourceTopics: array(i16),
        }),
      }),
    }).nullable(),
    activeTasks: array({
      subtopologyId: str,
      partitions: array(i32),
    }).nullable(),
    standbyTasks: array({
      subtopologyId: str,
      partitions: array(i32),
    }).nullable(),
    warmupTasks: array({
      subtopologyId: str,
      partitions: array(i32),
    }).nullable(),
    processId: str.nullable(),
    userEndpoint: struct({
      host: str,
      port: u16,
    }).nullable(),
    clientTags: array({
      key: str,
      value: str,
    }).nullable(),
    taskOffsets: array({
      subtopologyId: str,
      partition: i32,
      offset: i64,
    }).nullable(),
    taskEndOffsets: array({
      subtopologyId: str,
      partition: i32,
      offset: i64,
    }).nullable(),
    shutdownApplication: bool,
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: str.nullable(),
    memberId: str,
    memberEpoch: i32,
    heartbeatIntervalMs: i32,
    acceptableRecoveryLag: i32,
    taskOffsetIntervalMs: i32,
    status: array({
      statusCode: i8,
      statusDetail: str,
    }).nullable(),
    activeTasks: array({
      subtopologyId: str,
      partitions: array(i32),
    }).nullable(),
    standbyTasks: array({
      subtopologyId: str,
      partitions: array(i32),
    }).nullable(),
    warmupTasks: array({
      subtopologyId: str,
      partitions: array(i32),
    }).nullable(),
    endpointInformationEpoch: i32,
    partitionsByUserEndpoint: array({
      userEndpoint: struct({
        host: str,
        port: u16,
      }),
      activePartitions: array({
        topic: str,
        partitions: array(i32),
      }),
      standbyPartitions: array({
        topic: str,
        partitions: array(i32),
      }),
    }).nullable(),
  },
});

export type StreamsGroupHeartbeatRequest = RequestOf<typeof StreamsGroupHeartbeat>;
export type StreamsGroupHeartbeatResponse = ResponseInput<typeof StreamsGroupHeartbeat>;
