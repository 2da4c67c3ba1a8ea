import { ErrorCode } from '../../protocol/error-codes.js';
import { OffsetCommit, type OffsetCommitRequest } from '../../protocol/messages/08-offset-commit.js';
import { coordinatorError } from '../coordinator/coordinator-runtime.js';
import { type GroupCoordinator } from '../coordinator/group/group-coordinator.js';
import { allRefused } from '../coordinator/group/offset-commit.js';
import { defineHandler } from '../network/handler.js';
import { namedTopics, type TopicIds } from './topic-ids.js';

// OffsetCommit 2–10
//
// Answered once the offsets are in the log. A negative generation is a commit by nobody's member: an administrator's,
// or a consumer's that assigns partitions itself; it is taken while the group has no members.
// Versions
//   3 throttle time (KIP-124) · 5 no retention time (KIP-211) · 6 leader epoch (KIP-320) · 7 instance id (KIP-345)
//   8 flexible · 9 member epochs of the consumer protocol, 69 instead of 22 for an unknown group (KIP-848)
//   10 topic ids instead of names (KIP-848)

const IDS_FROM = 10;

export const offsetCommitHandler = (groups: GroupCoordinator, ids: TopicIds) =>
  defineHandler<typeof OffsetCommit>({
    api: OffsetCommit,
    minVersion: 2,
    maxVersion: 10,
    async handle(request, { apiVersion }) {
      if (apiVersion < IDS_FROM) return { topics: await commit(groups, request, apiVersion) };
      const { known, unknown } = namedTopics(request.topics, ids);
      const committed = known.length === 0 ? [] : await commit(groups, { ...request, topics: known }, apiVersion);
      return {
        topics: [
          ...unknown.map((topic) => refusedById(topic, ErrorCode.UNKNOWN_TOPIC_ID)),
          ...known.map(({ topicId }, i) => ({ ...committed[i]!, topicId })),
        ],
      };
    },
    errorResponse: ({ topics }, errorCode, { apiVersion }) => {
      const code = coordinatorError(errorCode);
      return { topics: apiVersion < IDS_FROM ? allRefused(topics, code) : topics.map((it) => refusedById(it, code)) };
    },
  });

function commit(groups: GroupCoordinator, request: OffsetCommitRequest, apiVersion: number) {
  return groups.offsets.commit({
    groupId: request.groupId,
    memberId: request.memberId,
    groupInstanceId: request.groupInstanceId,
    generationId: request.generationIdOrMemberEpoch,
    retentionTimeMs: request.retentionTimeMs,
    unknownGroupCode: apiVersion >= 9 ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION,
    topics: request.topics,
  });
}

function refusedById({ topicId, partitions }: OffsetCommitRequest['topics'][number], errorCode: number) {
  return { name: '', topicId, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) };
}
