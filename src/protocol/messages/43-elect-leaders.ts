import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, i8, i16, i32, str } from '../schema.js';

export const ElectLeaders = defineApi({
  key: 43,
  name: 'ElectLeaders',
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    electionType: i8.since(1),
    topicPartitions: array({
      topic: str,
      partitions: array(i32),
    }).nullable(),
    timeoutMs: i32.or(60000),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16.since(1),
    replicaElectionResults: array({
      topic: str,
      partitionResult: array({
        partitionId: i32,
        errorCode: i16,
        errorMessage: str.nullable(),
      }),
    }),
  },
});

export type ElectLeadersRequest = RequestOf<typeof ElectLeaders>;
export type ElectLeadersResponse = ResponseInput<typeof ElectLeaders>;
