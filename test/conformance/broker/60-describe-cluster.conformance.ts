import { describe, expect, it } from '@jest/globals';
import { DescribeCluster, Metadata } from '../../../src/protocol/messages/index.js';
import { MIN_I32 } from '../../../src/protocol/schema.js';
import { conformance } from './harness/world.js';

const world = conformance();

describe('DescribeCluster', () => {
  it.each([0, 1, 2])('v%i agrees with Metadata', async (version) => {
    const metadata = await world.send(Metadata, 9, { topics: [] });
    const answer = await world.send(DescribeCluster, version, { includeClusterAuthorizedOperations: false });
    expect(answer).toMatchObject({ errorCode: 0, clusterId: metadata.clusterId, clusterAuthorizedOperations: MIN_I32 });
    expect(answer.controllerId).toBe(metadata.controllerId);
    expect(answer.brokers).toEqual([
      { brokerId: metadata.brokers[0]!.nodeId, host: world.host, port: world.port, rack: null, isFenced: false },
    ]);
  });

  it('gives operations to those who ask', async () => {
    const answer = await world.send(DescribeCluster, 1, { includeClusterAuthorizedOperations: true });
    expect(answer.clusterAuthorizedOperations).toBe(0x1fa0);
  });

  it.each([
    ['of controllers', 2, 114],
    ['of a kind that nobody knows', 9, 115],
    ['of kind 0', 0, 115],
  ])('refuses to name endpoints %s', async (_, endpointType, code) => {
    const answer = await world.send(DescribeCluster, 1, { includeClusterAuthorizedOperations: false, endpointType });
    expect(answer.errorCode).toBe(code);
    expect(answer.brokers).toEqual([]);
  });
});
