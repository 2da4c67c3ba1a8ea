import { Heartbeat } from '../../protocol/messages/12-heartbeat.js';
import { type GroupCoordinator } from '../coordinator/group/group-coordinator.js';
import { defineHandler } from '../network/handler.js';

// Heartbeat 0–4
//
// A member that is to rejoin hears 27 and stays alive all the same.
// Versions
//   1 throttle time (KIP-124) · 3 instance id (KIP-345) · 4 flexible

export const heartbeatHandler = (groups: GroupCoordinator) =>
  defineHandler<typeof Heartbeat>({
    api: Heartbeat,
    minVersion: 0,
    maxVersion: 4,
    handle: (request) => ({ errorCode: groups.heartbeat(request.groupId, request) }),
    errorResponse: (_request, errorCode) => ({ errorCode }),
  });
