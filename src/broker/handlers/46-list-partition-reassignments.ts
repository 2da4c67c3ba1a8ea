import { ErrorCode } from '../../protocol/error-codes.js';
import { ListPartitionReassignments } from '../../protocol/messages/46-list-partition-reassignments.js';
import { defineHandler } from '../network/handler.js';

// ListPartitionReassignments 0: nothing ever moves between the brokers of one node.

export function listPartitionReassignmentsHandler() {
  const respond = (errorCode: number) => ({ throttleTimeMs: 0, errorCode, errorMessage: null, topics: [] });
  return defineHandler<typeof ListPartitionReassignments>({
    api: ListPartitionReassignments,
    minVersion: 0,
    maxVersion: 0,
    handle: () => respond(ErrorCode.NONE),
    errorResponse: (_request, errorCode) => respond(errorCode),
  });
}
