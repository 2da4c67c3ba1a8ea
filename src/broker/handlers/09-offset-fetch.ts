import { ErrorCode } from '../../protocol/error-codes.js';
import {
  OffsetFetch,
  type OffsetFetchRequest,
  type OffsetFetchResponse,
} from '../../protocol/messages/09-offset-fetch.js';
import { type GroupCoordinator } from '../coordinator/group/group-coordinator.js';
import { type FetchedOffsets } from '../coordinator/group/group-offsets.js';
import { defineHandler } from '../network/handler.js';
import { namedTopics, type TopicIds, withIds } from './topic-ids.js';

// OffsetFetch 1–10
//
// Nothing committed is offset -1 and no error, for an unknown group too; metadata and leader epoch come back exactly
// as committed. What a transaction has committed is seen once it ended; `requireStable` asks for an error until then.
// Versions
//   2 all topics (null), error of the group (KIP-88) · 3 throttle time (KIP-124) · 5 leader epoch (KIP-320)
//   6 flexible · 7 requireStable (KIP-447) · 8 several groups (KIP-709) · 9 member epochs (KIP-848)
//   10 topic ids instead of names (KIP-848)

type AskedGroup = OffsetFetchRequest['groups'][number];
type AskedTopics = NonNullable<OffsetFetchRequest['topics']>;

const IDS_FROM = 10;

export const offsetFetchHandler = (groups: GroupCoordinator, ids: TopicIds) =>
  defineHandler<typeof OffsetFetch>({
    api: OffsetFetch,
    minVersion: 1,
    maxVersion: 10,
    handle(request, { apiVersion }) {
      if (apiVersion < 8) {
        const { groupId, topics, requireStable } = request;
        return ofOneGroup(groups.offsets.fetch(groupId, topics, requireStable), topics, apiVersion);
      }
      const fetch = apiVersion < IDS_FROM ? byName : byId;
      return { groups: request.groups.map((asked) => fetch(asked, request.requireStable, groups, ids)) };
    },
    errorResponse: ({ groups: asked, topics }, errorCode, { apiVersion }) =>
      apiVersion < 8
        ? ofOneGroup({ errorCode, topics: [] }, topics, apiVersion)
        : { groups: asked.map(({ groupId }) => ({ groupId, errorCode, topics: [] })) },
  });

function byName({ groupId, topics }: AskedGroup, requireStable: boolean, groups: GroupCoordinator) {
  return { groupId, ...groups.offsets.fetch(groupId, topics, requireStable) };
}

function byId({ groupId, topics }: AskedGroup, requireStable: boolean, groups: GroupCoordinator, ids: TopicIds) {
  const { known, unknown } = topics ? namedTopics(topics, ids) : { known: null, unknown: [] };
  const fetched = groups.offsets.fetch(groupId, known, requireStable);
  if (fetched.errorCode !== ErrorCode.NONE) return { groupId, ...fetched, topics: [] };
  const errorCode = ErrorCode.UNKNOWN_TOPIC_ID;
  const refused = unknown.map(({ topicId, partitionIndexes }) => ({
    ...refusedTopic('', partitionIndexes, { errorCode }),
    topicId,
  }));
  return { ...fetched, groupId, topics: [...withIds(fetched.topics, ids), ...refused] };
}

function ofOneGroup(fetched: FetchedOffsets, asked: AskedTopics | null, apiVersion: number): OffsetFetchResponse {
  // Before v2 an error of the group has no place but the partitions.
  if (apiVersion >= 2 || fetched.errorCode === ErrorCode.NONE) return fetched;
  return { topics: (asked ?? []).map(({ name, partitionIndexes }) => refusedTopic(name, partitionIndexes, fetched)) };
}

function refusedTopic(
  name: string,
  partitionIndexes: readonly number[],
  { errorCode }: Pick<FetchedOffsets, 'errorCode'>,
) {
  const partitions = partitionIndexes.map((partitionIndex) => ({
    partitionIndex,
    committedOffset: -1,
    metadata: '',
    errorCode,
  }));
  return { name, partitions };
}
