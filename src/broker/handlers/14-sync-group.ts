import { SyncGroup } from '../../protocol/messages/14-sync-group.js';
import { coordinatorError } from '../coordinator/coordinator-runtime.js';
import { type GroupCoordinator } from '../coordinator/group/group-coordinator.js';
import { refusedSync } from '../coordinator/group/group-effects.js';
import { defineHandler } from '../network/handler.js';

// SyncGroup 0–5
//
// Waits for the leader's assignment, and for the record that holds it. Who is missing in it gets an empty one.
// Versions
//   1 throttle time (KIP-124) · 3 instance id (KIP-345) · 4 flexible · 5 protocol type and name, checked (KIP-559)

export const syncGroupHandler = (groups: GroupCoordinator) =>
  defineHandler<typeof SyncGroup>({
    api: SyncGroup,
    minVersion: 0,
    maxVersion: 5,
    handle({ groupId, assignments, ...request }) {
      // Copies: the group keeps them, the request's bytes belong to the connection.
      const owned = assignments.map(({ memberId, assignment }) => ({ memberId, assignment: Buffer.from(assignment) }));
      return groups.sync(groupId, { ...request, assignments: owned });
    },
    errorResponse: (_request, errorCode) => refusedSync(coordinatorError(errorCode)),
  });
