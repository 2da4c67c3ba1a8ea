import { ErrorCode } from '../../protocol/error-codes.js';
import { DescribeCluster } from '../../protocol/messages/60-describe-cluster.js';
import { MIN_I32 } from '../../protocol/schema.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts, CLUSTER_OPERATIONS } from './broker-parts.js';

// DescribeCluster 0–2: the one node. Controllers have no endpoint of their own here.

const BROKERS = 1;
const CONTROLLERS = 2;

export function describeClusterHandler({ config, logs }: BrokerParts) {
  return defineHandler<typeof DescribeCluster>({
    api: DescribeCluster,
    minVersion: 0,
    maxVersion: 2,
    handle({ endpointType, includeClusterAuthorizedOperations }, { apiVersion, advertised }) {
      if (endpointType !== BROKERS) return refused(endpointError(endpointType, apiVersion));
      const { nodeId } = config;
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        endpointType: BROKERS,
        clusterId: logs.clusterId,
        controllerId: nodeId,
        brokers: [{ brokerId: nodeId, host: advertised.host, port: advertised.port, rack: null, isFenced: false }],
        clusterAuthorizedOperations: includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : MIN_I32,
      };
    },
    errorResponse: (_request, errorCode) => refused(errorCode),
  });
}

function endpointError(endpointType: number, apiVersion: number): number {
  if (apiVersion === 0) return ErrorCode.INVALID_REQUEST;
  return endpointType === CONTROLLERS ? ErrorCode.MISMATCHED_ENDPOINT_TYPE : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE;
}

function refused(errorCode: number) {
  return { throttleTimeMs: 0, errorCode, errorMessage: null, clusterId: '', brokers: [] };
}
