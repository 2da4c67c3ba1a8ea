import { DeleteGroups } from '../../protocol/messages/42-delete-groups.js';
import { coordinatorError } from '../coordinator/coordinator-runtime.js';
import { type GroupCoordinator } from '../coordinator/group/group-coordinator.js';
import { defineHandler } from '../network/handler.js';

// DeleteGroups 0–2
//
// Only groups without members can be deleted; their committed offsets go with them.
// Versions
//   2 flexible

export const deleteGroupsHandler = (groups: GroupCoordinator) =>
  defineHandler<typeof DeleteGroups>({
    api: DeleteGroups,
    minVersion: 0,
    maxVersion: 2,
    async handle({ groupsNames }) {
      const codes = await groups.delete(groupsNames);
      return {
        throttleTimeMs: 0,
        results: groupsNames.map((groupId, i) => ({ groupId, errorCode: codes[i]! })),
      };
    },
    errorResponse: ({ groupsNames }, errorCode) => ({
      throttleTimeMs: 0,
      results: groupsNames.map((groupId) => ({ groupId, errorCode: coordinatorError(errorCode) })),
    }),
  });
