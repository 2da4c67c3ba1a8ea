import { ErrorCode } from '../../protocol/error-codes.js';
import { OffsetCommit } from '../../protocol/messages/08-offset-commit.js';
import { coordinatorError } from '../coordinator/coordinator-runtime.js';
import { type GroupCoordinator } from '../coordinator/group/group-coordinator.js';
import { allRefused } from '../coordinator/group/offset-commit.js';
import { defineHandler } from '../network/handler.js';

// OffsetCommit 2–9
//
// Answered once the offsets are in the log. A negative generation is a commit by nobody's member: an administrator's,
// or a consumer's that assigns partitions itself; it is taken while the group has no members.
// Versions
//   3 throttle time (KIP-124) · 5 no retention time (KIP-211) · 6 leader epoch (KIP-320) · 7 instance id (KIP-345)
//   8 flexible · 9 member epochs of the consumer protocol, 69 instead of 22 for an unknown group (KIP-848)
//   10 topic ids instead of names: not served

export const offsetCommitHandler = (groups: GroupCoordinator) =>
  defineHandler<typeof OffsetCommit>({
    api: OffsetCommit,
    minVersion: 2,
    maxVersion: 9,
    async handle(request, { apiVersion }) {
      const topics = await groups.offsets.commit({
        groupId: request.groupId,
        memberId: request.memberId,
        groupInstanceId: request.groupInstanceId,
        generationId: request.generationIdOrMemberEpoch,
        retentionTimeMs: request.retentionTimeMs,
        unknownGroupCode: apiVersion >= 9 ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION,
        topics: request.topics,
      });
      return { topics };
    },
    errorResponse: ({ topics }, errorCode) => ({ topics: allRefused(topics, coordinatorError(errorCode)) }),
  });
