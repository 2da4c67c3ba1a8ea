import { LeaveGroup } from '../../protocol/messages/13-leave-group.js';
import { type GroupCoordinator } from '../coordinator/group/group-coordinator.js';
import { defineHandler } from '../network/handler.js';

// LeaveGroup 0–5
//
// An administrator removes a static member by its instance id and an empty member id.
// Versions
//   1 throttle time (KIP-124) · 3 several members, each with its error (KIP-345) · 4 flexible · 5 reason (KIP-800)

export const leaveGroupHandler = (groups: GroupCoordinator) =>
  defineHandler<typeof LeaveGroup>({
    api: LeaveGroup,
    minVersion: 0,
    maxVersion: 5,
    handle(request, { apiVersion }) {
      const single = [{ memberId: request.memberId, groupInstanceId: null }];
      const leaving = apiVersion < 3 ? single : request.members;
      const { errorCode, memberCodes } = groups.leave(request.groupId, leaving);
      if (apiVersion < 3) return { errorCode: errorCode || (memberCodes[0] ?? errorCode) };
      const members = memberCodes.map((memberCode, i) => {
        const { memberId, groupInstanceId } = leaving[i]!;
        return { memberId, groupInstanceId, errorCode: memberCode };
      });
      return { errorCode, members };
    },
    errorResponse: (_request, errorCode) => ({ errorCode }),
  });
