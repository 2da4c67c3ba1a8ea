import { JoinGroup, type JoinGroupRequest, type JoinGroupResponse } from '../../protocol/messages/11-join-group.js';
import { coordinatorError } from '../coordinator/coordinator-runtime.js';
import { type GroupCoordinator } from '../coordinator/group/group-coordinator.js';
import { type JoinAnswer, type JoinRequest, refusedJoin } from '../coordinator/group/group-effects.js';
import { defineHandler, type RequestContext } from '../network/handler.js';

// JoinGroup 0–9
//
// Waits until all members are in. The leader alone is told of the others.
// Versions
//   1 rebalance time-out (KIP-62; before, the session time-out stands for it) · 2 throttle time (KIP-124)
//   4 newcomers get an id first, error 79 (KIP-394) · 5 instance id (KIP-345) · 6 flexible
//   7 protocol type; a null protocol name in errors (KIP-559) · 8 reason (KIP-800) · 9 skipAssignment (KIP-814)

export const joinGroupHandler = (groups: GroupCoordinator) =>
  defineHandler<typeof JoinGroup>({
    api: JoinGroup,
    minVersion: 0,
    maxVersion: 9,
    async handle(request, context) {
      return answer(await groups.join(request.groupId, joinRequestOf(request, context)), context);
    },
    errorResponse: ({ memberId }, errorCode, context) =>
      answer(refusedJoin(coordinatorError(errorCode), memberId), context),
  });

function joinRequestOf(request: JoinGroupRequest, context: RequestContext): Omit<JoinRequest, 'newMemberId'> {
  const { sessionTimeoutMs, rebalanceTimeoutMs, memberId, groupInstanceId, protocolType, protocols } = request;
  const { apiVersion, clientId, clientHost } = context;
  return {
    memberId,
    groupInstanceId,
    clientId,
    clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
    protocolType,
    // Copies: the group keeps them, the request's bytes belong to the connection.
    protocols: protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    requireKnownMemberId: apiVersion >= 4,
    supportsSkippingAssignment: apiVersion >= 9,
  };
}

function answer(joined: JoinAnswer, { apiVersion }: RequestContext): JoinGroupResponse {
  return { ...joined, protocolName: apiVersion >= 7 ? joined.protocolName : (joined.protocolName ?? '') };
}
