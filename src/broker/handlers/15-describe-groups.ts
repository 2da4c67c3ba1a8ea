import { ErrorCode } from '../../protocol/error-codes.js';
import { DescribeGroups, type DescribeGroupsResponse } from '../../protocol/messages/15-describe-groups.js';
import { MIN_I32 } from '../../protocol/schema.js';
import { type GroupCoordinator } from '../coordinator/group/group-coordinator.js';
import { defineHandler } from '../network/handler.js';

// DescribeGroups 0–6
//
// An unknown group is described as Dead, which was no error before v6. Strategy and metadata are those of a stable
// group; while it rebalances they are empty.
// Versions
//   1 throttle time (KIP-124) · 3 authorized operations (KIP-430) · 4 instance id (KIP-345) · 5 flexible
//   6 error 69 and a message for an unknown group (KIP-1043)

type DescribedGroup = DescribeGroupsResponse['groups'][number];

/** READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS and ALTER_CONFIGS as bits: all that can be done with a group. */
const GROUP_OPERATIONS = 0xd48;

export const describeGroupsHandler = (groups: GroupCoordinator) =>
  defineHandler<typeof DescribeGroups>({
    api: DescribeGroups,
    minVersion: 0,
    maxVersion: 6,
    handle(request, { apiVersion }) {
      const authorizedOperations = request.includeAuthorizedOperations ? GROUP_OPERATIONS : MIN_I32;
      return {
        groups: request.groups.map((groupId) => ({ ...describe(groups, groupId, apiVersion), authorizedOperations })),
      };
    },
    errorResponse: (request, errorCode) => ({ groups: request.groups.map((groupId) => nothing(groupId, errorCode)) }),
  });

function describe(groups: GroupCoordinator, groupId: string, apiVersion: number): DescribedGroup {
  const found = groups.describe(groupId);
  if (typeof found === 'number') return nothing(groupId, found);
  if (!found) {
    const unknown = nothing(groupId, apiVersion >= 6 ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE);
    return { ...unknown, groupState: 'Dead', errorMessage: `Group ${groupId} not found.` };
  }
  const { state, protocolType, protocolData, members } = found;
  return { errorCode: ErrorCode.NONE, groupId, groupState: state, protocolType, protocolData, members };
}

function nothing(groupId: string, errorCode: number): DescribedGroup {
  return { errorCode, groupId, groupState: '', protocolType: '', protocolData: '', members: [] };
}
