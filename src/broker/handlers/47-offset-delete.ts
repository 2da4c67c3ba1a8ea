import { OffsetDelete } from '../../protocol/messages/47-offset-delete.js';
import { coordinatorError } from '../coordinator/coordinator-runtime.js';
import { type GroupCoordinator } from '../coordinator/group/group-coordinator.js';
import { defineHandler } from '../network/handler.js';

// OffsetDelete 0 (KIP-496)
//
// Offsets of topics that a consumer of the group still reads stay.

export const offsetDeleteHandler = (groups: GroupCoordinator) =>
  defineHandler<typeof OffsetDelete>({
    api: OffsetDelete,
    minVersion: 0,
    maxVersion: 0,
    async handle({ groupId, topics }) {
      return { throttleTimeMs: 0, ...(await groups.offsets.delete(groupId, topics)) };
    },
    errorResponse: (_request, errorCode) => ({
      throttleTimeMs: 0,
      errorCode: coordinatorError(errorCode),
      topics: [],
    }),
  });
