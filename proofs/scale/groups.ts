import { Broker } from '../../src/broker/broker.js';
import { type FileSystem } from '../../src/broker/log/disk/file-system.js';
import { MemoryFileSystem } from '../../src/broker/log/disk/memory-file-system.js';
import {
  DescribeGroups,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  OffsetCommit,
  OffsetFetch,
  SyncGroup,
} from '../../src/protocol/messages/index.js';
import { ask, createTopics, refuseErrors } from './requests.js';

// Groups that form, commit and leave, with the broker started anew in between: what they were they are.

const MEMBERS = 10;
const CONFIG = { 'group.initial.rebalance.delay.ms': '0', 'offsets.topic.num.partitions': '50' };

interface Member {
  readonly memberId: string;
  readonly generationId: number;
}

interface Group {
  readonly groupId: string;
  readonly members: readonly Member[];
}

export interface GroupsResult {
  readonly groups: number;
  readonly members: number;
}

/** Throws when a group is not what it was before. */
export async function groupsOverRestarts(count: number): Promise<GroupsResult> {
  const fileSystem = new MemoryFileSystem();
  const start = (): Promise<Broker> => startOn(fileSystem);
  let broker = await start();
  try {
    await createTopics(broker, ['t'], MEMBERS);
    const ids = Array.from({ length: count }, (_, i) => `group-${i}`);
    const groups = await Promise.all(ids.map((groupId) => form(broker, groupId)));
    await broker.stop();
    broker = await start();
    await Promise.all(groups.map((group) => goOn(broker, group)));
    await Promise.all(groups.map((group) => leave(broker, group)));
    await broker.stop();
    broker = await start();
    await Promise.all(groups.map((group) => checkEmpty(broker, group)));
    return { groups: count, members: count * MEMBERS };
  } finally {
    await broker.stop();
  }
}

function startOn(fileSystem: FileSystem): Promise<Broker> {
  return Broker.start({ port: 0, fileSystem, bootId: 'boot', config: CONFIG });
}

/** All members join at once, twice: the first answer gives each its id, and the rebalance takes all of them in. */
async function form(broker: Broker, groupId: string): Promise<Group> {
  const ids = await Promise.all(Array.from({ length: MEMBERS }, () => join(broker, groupId, '')));
  let joined = await Promise.all(ids.map(({ memberId }) => join(broker, groupId, memberId)));
  // Who came late made another generation: those before it join again, until one has all.
  while (new Set(joined.map(({ generationId }) => generationId)).size > 1 || !joined.some(leadsAll)) {
    joined = await Promise.all(joined.map(({ memberId }) => join(broker, groupId, memberId)));
  }
  const { generationId } = joined[0]!;
  const assignments = joined.map(({ memberId }, i) => ({ memberId, assignment: Buffer.from([i]) }));
  const synced = await Promise.all(
    joined.map(({ memberId, leader }) =>
      ask(broker, SyncGroup, 3, {
        groupId,
        generationId,
        memberId,
        groupInstanceId: null,
        assignments: memberId === leader ? assignments : [],
      }),
    ),
  );
  refuseErrors(`SyncGroup of ${groupId}`, synced);
  if (synced.some(({ assignment }, i) => assignment[0] !== i)) throw new Error(`${groupId}: a plan went astray`);
  const group = { groupId, members: joined.map(({ memberId }) => ({ memberId, generationId })) };
  await commit(broker, group, 1);
  return group;
}

const leadsAll = ({ members }: { members: readonly unknown[] }): boolean => members.length === MEMBERS;

async function join(broker: Broker, groupId: string, memberId: string) {
  const answer = await ask(broker, JoinGroup, 5, {
    groupId,
    sessionTimeoutMs: 60_000,
    rebalanceTimeoutMs: 60_000,
    memberId,
    groupInstanceId: null,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from([0, 1]) }],
  });
  const MEMBER_ID_REQUIRED = 79;
  if (answer.errorCode !== 0 && answer.errorCode !== MEMBER_ID_REQUIRED)
    refuseErrors(`JoinGroup of ${groupId}`, [answer]);
  return answer;
}

/** Each member commits what it has read of the partition that bears its number. */
async function commit(broker: Broker, { groupId, members }: Group, committedOffset: number): Promise<void> {
  await Promise.all(
    members.map(async ({ memberId, generationId }, partitionIndex) => {
      const partitions = [{ partitionIndex, committedOffset: committedOffset + partitionIndex, committedMetadata: '' }];
      const topics = [{ name: 't', partitions }];
      const answer = await ask(broker, OffsetCommit, 7, {
        groupId,
        generationIdOrMemberEpoch: generationId,
        memberId,
        topics,
      });
      refuseErrors(`OffsetCommit of ${groupId}`, answer.topics[0]!.partitions);
    }),
  );
}

/** After a restart: the group is the one that it was, and its members go on without joining again. */
async function goOn(broker: Broker, group: Group): Promise<void> {
  const { groupId, members } = group;
  await expectState(broker, groupId, 'Stable', MEMBERS);
  await expectOffsets(broker, groupId, 1);
  const { memberId, generationId } = members[0]!;
  refuseErrors(`Heartbeat of ${groupId}`, [
    await ask(broker, Heartbeat, 3, { groupId, generationId, memberId, groupInstanceId: null }),
  ]);
  await commit(broker, group, 100);
}

async function leave(broker: Broker, { groupId, members }: Group): Promise<void> {
  const leaving = members.map(({ memberId }) => ({ memberId, groupInstanceId: null }));
  const answer = await ask(broker, LeaveGroup, 3, { groupId, members: leaving });
  refuseErrors(`LeaveGroup of ${groupId}`, [answer, ...answer.members]);
}

async function checkEmpty(broker: Broker, { groupId }: Group): Promise<void> {
  await expectState(broker, groupId, 'Empty', 0);
  await expectOffsets(broker, groupId, 100);
}

async function expectState(broker: Broker, groupId: string, state: string, members: number): Promise<void> {
  const { groups } = await ask(broker, DescribeGroups, 5, { groups: [groupId], includeAuthorizedOperations: false });
  const found = groups[0]!;
  if (found.groupState === state && found.members.length === members) return;
  throw new Error(
    `${groupId} is ${found.groupState} with ${found.members.length} members, not ${state} with ${members}`,
  );
}

async function expectOffsets(broker: Broker, groupId: string, first: number): Promise<void> {
  const partitionIndexes = Array.from({ length: MEMBERS }, (_, i) => i);
  const { topics } = await ask(broker, OffsetFetch, 7, { groupId, topics: [{ name: 't', partitionIndexes }] });
  const offsets = topics[0]!.partitions.map(({ committedOffset, partitionIndex }) => committedOffset - partitionIndex);
  if (offsets.some((offset) => offset !== first)) throw new Error(`${groupId}: offsets ${offsets.join(' ')}`);
}
