import { type TopicPartition } from '../../../common/topic-partition.js';
import { type Api, type RequestInput, type ResponseOf } from '../../../protocol/api.js';
import { brokerError, ErrorCode } from '../../../protocol/error-codes.js';
import { OffsetCommit } from '../../../protocol/messages/08-offset-commit.js';
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.js';
import { DescribeGroups } from '../../../protocol/messages/15-describe-groups.js';
import { ListGroups } from '../../../protocol/messages/16-list-groups.js';
import { DeleteGroups } from '../../../protocol/messages/42-delete-groups.js';
import { OffsetDelete } from '../../../protocol/messages/47-offset-delete.js';
import { type Cluster } from '../cluster/cluster.js';
import { decodeAssignment, groupByTopic } from '../consumer/membership/consumer-protocol.js';
import { type AdminCalls, checkResults } from './admin-calls.js';

// Consumer groups: who is in them, and what they have committed.

export interface GroupListing {
  readonly groupId: string;
  /** `Stable`, `Empty`, …; empty from brokers that do not tell. */
  readonly state: string;
  /** `consumer` for groups that read topics. */
  readonly protocolType: string;
}

export interface GroupMemberDescription {
  readonly memberId: string;
  readonly clientId: string;
  readonly clientHost: string;
  readonly partitions: readonly TopicPartition[];
}

export interface GroupDescription extends GroupListing {
  readonly members: readonly GroupMemberDescription[];
}

export interface GroupOffset extends TopicPartition {
  /** Next offset to read. */
  readonly offset: number;
  readonly metadata: string;
}

export class GroupAdmin {
  constructor(readonly calls: AdminCalls) {}

  /** Each node lists the groups that it coordinates. */
  list(): Promise<GroupListing[]> {
    return this.calls.run('listing groups', async (cluster) => {
      const answers = await Promise.all(
        cluster.nodes().map(({ nodeId }) => this.calls.ask(cluster, nodeId, ListGroups, () => ({}))),
      );
      return answers.flatMap(({ errorCode, groups }) => {
        if (errorCode !== ErrorCode.NONE) throw brokerError(errorCode, 'listing groups');
        return groups.map(({ groupId, groupState, protocolType }) => ({ groupId, state: groupState, protocolType }));
      });
    });
  }

  async describe(groupIds: readonly string[]): Promise<Map<string, GroupDescription>> {
    const found = await Promise.all(groupIds.map((groupId) => this.#describe(groupId)));
    return new Map(found.map((group) => [group.groupId, group]));
  }

  delete(groupIds: readonly string[]): Promise<void> {
    return this.#each(groupIds, 'deleting', async (cluster, groupId) => {
      const { results } = await this.#ask(cluster, groupId, DeleteGroups, () => ({ groupsNames: [groupId] }));
      checkResults(results, () => `deleting group ${groupId}`);
    });
  }

  /** What a group has committed, by partition. */
  offsets(groupId: string): Promise<GroupOffset[]> {
    return this.calls.run(`offsets of group ${groupId}`, async (cluster) => {
      const answer = await this.#ask(
        cluster,
        groupId,
        OffsetFetch,
        (version) => ({
          groupId,
          topics: null,
          groups: version >= 8 ? [{ groupId, memberId: null, topics: null }] : [],
          requireStable: false,
        }),
        9,
      );
      const { errorCode, topics } = answer.groups[0] ?? answer;
      if (errorCode !== ErrorCode.NONE) throw brokerError(errorCode, `offsets of group ${groupId}`);
      return topics.flatMap(({ name, partitions }) =>
        partitions
          .filter(({ committedOffset }) => committedOffset >= 0)
          .map(({ partitionIndex, committedOffset, metadata }) => ({
            topic: name,
            partition: partitionIndex,
            offset: committedOffset,
            metadata: metadata ?? '',
          })),
      );
    });
  }

  /** Moves a group that has no members. */
  alterOffsets(groupId: string, offsets: ReadonlyArray<TopicPartition & { readonly offset: number }>): Promise<void> {
    return this.calls.run(`moving the offsets of group ${groupId}`, async (cluster) => {
      const topics = byTopic(offsets).map(({ topic, items }) => ({
        name: topic,
        partitions: items.map(({ partition, offset }) => ({
          partitionIndex: partition,
          committedOffset: offset,
          committedMetadata: '',
        })),
      }));
      const request = { groupId, generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null, topics };
      const answer = await this.#ask(cluster, groupId, OffsetCommit, () => request, 9);
      for (const { name, partitions } of answer.topics) {
        checkResults(partitions, ({ partitionIndex }) => `moving group ${groupId} at ${name}-${partitionIndex}`);
      }
    });
  }

  /** Forgets what a group has committed for some partitions. */
  deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<void> {
    return this.calls.run(`deleting offsets of group ${groupId}`, async (cluster) => {
      const topics = groupByTopic(partitions).map(({ topic, partitions: indexes }) => ({
        name: topic,
        partitions: indexes.map((partitionIndex) => ({ partitionIndex })),
      }));
      const answer = await this.#ask(cluster, groupId, OffsetDelete, () => ({ groupId, topics }));
      checkResults([answer], () => `deleting offsets of group ${groupId}`);
      for (const { name, partitions: results } of answer.topics) {
        checkResults(results, ({ partitionIndex }) => `deleting the offset of ${groupId} at ${name}-${partitionIndex}`);
      }
    });
  }

  #describe(groupId: string): Promise<GroupDescription> {
    return this.calls.run(`describing group ${groupId}`, async (cluster) => {
      const { groups } = await this.#ask(cluster, groupId, DescribeGroups, () => ({ groups: [groupId] }));
      const group = groups[0]!;
      if (group.errorCode === ErrorCode.GROUP_ID_NOT_FOUND) return deadGroup(groupId);
      checkResults([group], () => `describing group ${groupId}`);
      const { groupState, protocolType, members } = group;
      return {
        groupId,
        state: groupState,
        protocolType,
        members: members.map(({ memberId, clientId, clientHost, memberAssignment }) => ({
          memberId,
          clientId,
          clientHost,
          partitions: protocolType === 'consumer' ? decodeAssignment(memberAssignment).partitions : [],
        })),
      };
    });
  }

  async #each(groupIds: readonly string[], what: string, act: (cluster: Cluster, groupId: string) => Promise<void>) {
    await Promise.all(
      groupIds.map((groupId) => this.calls.run(`${what} group ${groupId}`, (cluster) => act(cluster, groupId))),
    );
  }

  async #ask<A extends Api>(
    cluster: Cluster,
    groupId: string,
    api: A,
    request: (version: number) => RequestInput<A>,
    highest?: number,
  ): Promise<ResponseOf<A>> {
    return this.calls.ask(cluster, await cluster.coordinatorOf('group', groupId), api, request, highest);
  }
}

function deadGroup(groupId: string): GroupDescription {
  return { groupId, state: 'Dead', protocolType: '', members: [] };
}

function byTopic<P extends TopicPartition>(partitions: readonly P[]) {
  const topics = new Map<string, P[]>();
  for (const one of partitions) topics.set(one.topic, [...(topics.get(one.topic) ?? []), one]);
  return [...topics].map(([topic, items]) => ({ topic, items }));
}
