import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i16, i32, i64, MIN_I32, str, struct, u16 } from '../schema.js';

export const StreamsGroupDescribe = defineApi({
  key: 89,
  name: 'StreamsGroupDescribe',
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    groupIds: array(str),
    includeAuthorizedOperations: bool,
  },
  response: {
    throttleTimeMs: i32,
    groups: array({
      errorCode: i16,
      errorMessage: str.nullable(),
      groupId: str,
      groupState: str,
      groupEpoch: i32,
      assignmentEpoch: i32,
      topology: struct({
        epoch: i32,
        subtopologies: array({
          subtopologyId: str,
          sourceTopics: array(str),
          repartitionSinkTopics: array(str),
          stateChangelogTopics: array({
            name: str,
            partitions: i32,
            replicationFactor: i16,
            topicConfigs: array({
              key: str,
              value: str,
            }),
          }),
          repartitionSourceTopics: array({
            name: str,
            partitions: i32,
            replicationFactor: i16,
            topicConfigs: array({
              key: str,
              value: str,
            }),
          }),
        }).nullable(),
      }).nullable(),
      members: array({
        memberId: str,
        memberEpoch: i32,
        instanceId: str.nullable(),
        rackId: str.nullable(),
        clientId: str,
        clientHost: str,
        topologyEpoch: i32,
        processId: str,
        userEndpoint: struct({
          host: str,
          port: u16,
        }).nullable(),
        clientTags: array({
          key: str,
          value: str,
        }),
        taskOffsets: array({
          subtopologyId: str,
          partition: i32,
          offset: i64,
        }),
        taskEndOffsets: array({
          subtopologyId: str,
          partition: i32,
          offset: i64,
        }),
        assignment: struct({
          activeTasks: array({
            subtopologyId: str,
            partitions: array(i32),
          }),
          standbyTasks: array({
            subtopologyId: str,
            partitions: array(i32),
          }),
          warmupTasks: array({
            subtopologyId: str,
            partitions: array(i32),
          }),
        }),
        targetAssignment: struct({
          activeTasks: array({
            subtopologyId: str,
            partitions: array(i32),
          }),
          standbyTasks: array({
            subtopologyId: str,
            partitions: array(i32),
          }),
          warmupTasks: array({
            subtopologyId: str,
            partitions: array(i32),
          }),
        }),
        isClassic: bool,
      }),
      authorizedOperations: i32.or(MIN_I32),
    }),
  },
});

export type StreamsGroupDescribeRequest = RequestOf<typeof StreamsGroupDescribe>;
export type StreamsGroupDescribeResponse = ResponseInput<typeof StreamsGroupDescribe>;
