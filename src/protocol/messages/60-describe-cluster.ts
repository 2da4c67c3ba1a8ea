import { defineApi, type RequestOf, type ResponseInput } from '../api.js';
import { array, bool, i8, i16, i32, MIN_I32, str } from '../schema.js';

export const DescribeCluster = defineApi({
  key: 60,
  name: 'DescribeCluster',
  versions: [0, 2],
  flexibleFrom: 0,
  request: {
    includeClusterAuthorizedOperations: bool,
    endpointType: i8.or(1).since(1),
    includeFencedBrokers: bool.since(2),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: str.nullable(),
    endpointType: i8.or(1).since(1),
    clusterId: str,
    controllerId: i32.or(-1),
    brokers: array({
      brokerId: i32,
      host: str,
      port: i32,
      rack: str.nullable(),
      isFenced: bool.since(2),
    }),
    clusterAuthorizedOperations: i32.or(MIN_I32),
  },
});

export type DescribeClusterRequest = RequestOf<typeof DescribeCluster>;
export type DescribeClusterResponse = ResponseInput<typeof DescribeCluster>;
