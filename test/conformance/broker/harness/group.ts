import { type RequestInput, type ResponseOf } from '../../../../src/protocol/api.js';
import {
  DescribeGroups,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  OffsetCommit,
  OffsetFetch,
  SyncGroup,
} from '../../../../src/protocol/messages/index.js';
import { WireWriter } from '../../../../src/protocol/wire-writer.js';
import { type SocketClient } from '../../../support/raw-client.js';
import { eventually } from './eventually.js';
import { type World } from './world.js';

// Groups of a case: members with a connection each, and what the coordinator says of the whole.

export interface MemberOptions {
  readonly instanceId?: string | null;
  readonly memberId?: string;
  readonly clientId?: string;
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
  readonly protocolType?: string;
  /** Names of strategies, or names with metadata. */
  readonly protocols?: readonly (string | { name: string; metadata: Buffer })[];
  readonly version?: number;
}

/** A consumer's subscription, version 1 with nothing owned. */
export function subscription(...topics: string[]): Buffer {
  const writer = new WireWriter();
  writer.i16(1);
  writer.array(topics, (w, topic) => w.string(topic));
  writer.nullableBytes(null);
  writer.array([], () => undefined);
  return writer.toBuffer();
}

export function joinRequest(groupId: string, options: MemberOptions = {}): RequestInput<typeof JoinGroup> {
  const { protocols = ['range'] } = options;
  return {
    groupId,
    sessionTimeoutMs: options.sessionTimeoutMs ?? 30_000,
    rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 30_000,
    memberId: options.memberId ?? '',
    groupInstanceId: options.instanceId ?? null,
    protocolType: options.protocolType ?? 'consumer',
    protocols: protocols.map((protocol) =>
      typeof protocol === 'string' ? { name: protocol, metadata: subscription() } : protocol,
    ),
  };
}

/** One member of a group, on a connection of its own. */
export class Member {
  memberId = '';
  generationId = -1;
  leader = '';
  /** What the last join was answered with. */
  joined!: ResponseOf<typeof JoinGroup>;

  constructor(
    readonly group: Group,
    readonly client: SocketClient,
    readonly options: MemberOptions,
  ) {
    this.memberId = options.memberId ?? '';
  }

  get isLeader(): boolean {
    return this.leader === this.memberId;
  }

  /** One JoinGroup as it stands; an id that comes with the answer is kept. */
  async join(change: MemberOptions = {}): Promise<ResponseOf<typeof JoinGroup>> {
    const options = { ...this.options, memberId: this.memberId, ...change };
    const answer = await this.client.send(JoinGroup, options.version ?? 9, joinRequest(this.group.id, options));
    this.joined = answer;
    if (answer.errorCode === 0 || answer.errorCode === 79) this.memberId = answer.memberId;
    if (answer.errorCode === 0) {
      this.generationId = answer.generationId;
      this.leader = answer.leader;
    }
    return answer;
  }

  /** Joins with all its steps; fails on an error. */
  async enter(change: MemberOptions = {}): Promise<ResponseOf<typeof JoinGroup>> {
    let answer = await this.join(change);
    if (answer.errorCode === 79) answer = await this.join(change);
    if (answer.errorCode === 25 && this.memberId !== '') {
      // A group without members or offsets may be forgotten at any time, and then the id that it has just given.
      this.memberId = '';
      answer = await this.join(change);
      if (answer.errorCode === 79) answer = await this.join(change);
    }
    if (answer.errorCode !== 0) throw new Error(`join of ${this.group.id}: error ${answer.errorCode}`);
    return answer;
  }

  sync(
    assignments: Readonly<Record<string, string>> = {},
    change: Partial<RequestInput<typeof SyncGroup>> = {},
    version = 5,
  ): Promise<ResponseOf<typeof SyncGroup>> {
    return this.client.send(SyncGroup, version, {
      groupId: this.group.id,
      generationId: this.generationId,
      memberId: this.memberId,
      groupInstanceId: this.options.instanceId ?? null,
      protocolType: this.options.protocolType ?? 'consumer',
      protocolName: this.joined?.protocolName ?? 'range',
      assignments: Object.entries(assignments).map(([memberId, text]) => ({ memberId, assignment: Buffer.from(text) })),
      ...change,
    });
  }

  async heartbeat(change: Partial<RequestInput<typeof Heartbeat>> = {}, version = 4): Promise<number> {
    const answer = await this.client.send(Heartbeat, version, {
      groupId: this.group.id,
      generationId: this.generationId,
      memberId: this.memberId,
      groupInstanceId: this.options.instanceId ?? null,
      ...change,
    });
    return answer.errorCode;
  }

  /** Heartbeats until one is answered with this code. */
  heartbeatUntil(code: number): Promise<void> {
    return eventually(async () => {
      const got = await this.heartbeat();
      if (got !== code) throw new Error(`heartbeat answers ${got}, not ${code}`);
    });
  }

  leave(version = 5): Promise<ResponseOf<typeof LeaveGroup>> {
    const { memberId } = this;
    const groupInstanceId = this.options.instanceId ?? null;
    return this.client.send(LeaveGroup, version, {
      groupId: this.group.id,
      memberId,
      members: [{ memberId, groupInstanceId }],
    });
  }

  /** Commits one offset; its error code. */
  async commit(
    topic: string,
    offset: number,
    change: Partial<RequestInput<typeof OffsetCommit>> & { partition?: number; metadata?: string | null } = {},
    version = 9,
  ): Promise<number> {
    const { partition = 0, metadata = null, ...rest } = change;
    const partitions = [{ partitionIndex: partition, committedOffset: offset, committedMetadata: metadata }];
    const answer = await this.client.send(OffsetCommit, version, {
      groupId: this.group.id,
      generationIdOrMemberEpoch: this.generationId,
      memberId: this.memberId,
      groupInstanceId: this.options.instanceId ?? null,
      topics: [{ name: topic, partitions }],
      ...rest,
    });
    return answer.topics[0]!.partitions[0]!.errorCode;
  }
}

export class Group {
  private constructor(
    readonly world: World,
    readonly id: string,
  ) {}

  static async create(world: World): Promise<Group> {
    return new Group(world, await world.group());
  }

  /** A member to be, with a connection; nothing is sent. */
  async newcomer(options: MemberOptions = {}): Promise<Member> {
    return new Member(this, await this.world.connect(options.clientId ?? 'member'), options);
  }

  /** A stable group of members with these options; the first of them leads. */
  async stable(...all: readonly MemberOptions[]): Promise<Member[]> {
    const members: Member[] = [];
    for (const options of all) {
      const member = await this.newcomer(options);
      const entering = member.enter();
      // The others join again as soon as the coordinator tells them to.
      const rejoining = members.map(async (other) => {
        await other.heartbeatUntil(27);
        await other.join();
      });
      await Promise.all([entering, ...rejoining]);
      members.push(member);
      await this.syncAll(members);
    }
    // A group without offsets is forgotten at any time after its last member is gone.
    const code = await members[0]!.commit('__consumer_offsets', 0);
    if (code !== 0) throw new Error(`commit of ${this.id}: error ${code}`);
    return members;
  }

  /** A group of one whose coordinator has told it that a second is entering, and waits for it. */
  static async awaitingItsFirst(
    world: World,
  ): Promise<{ group: Group; first: Member; second: Member; entering: ReturnType<Member['join']> }> {
    const group = await Group.create(world);
    const [first] = await group.stable({});
    const second = await group.newcomer();
    await second.join();
    const entering = second.join();
    await first!.heartbeatUntil(27);
    return { group, first: first!, second, entering };
  }

  /** Every member syncs; each is assigned `for <its place>`. */
  async syncAll(members: readonly Member[]): Promise<void> {
    const assignments = Object.fromEntries(members.map(({ memberId }, i) => [memberId, `for ${i}`]));
    const answers = await Promise.all(members.map((member) => member.sync(member.isLeader ? assignments : {})));
    const wrong = answers.find(({ errorCode }) => errorCode !== 0);
    if (wrong) throw new Error(`sync of ${this.id}: error ${wrong.errorCode}`);
  }

  async describe(version = 5) {
    const answer = await this.world.send(DescribeGroups, version, {
      groups: [this.id],
      includeAuthorizedOperations: false,
    });
    return answer.groups[0]!;
  }

  /** State and number of members, as DescribeGroups has them. */
  async state(): Promise<string> {
    const { groupState, members } = await this.describe();
    return `${groupState} ${members.length}`;
  }

  /** Waits until the group is in one of these states. */
  async until(...states: readonly string[]): Promise<void> {
    await eventually(async () => {
      const now = await this.state();
      if (!states.includes(now)) throw new Error(`${this.id} is ${now}, not ${states.join(' or ')}`);
    });
  }

  /** The committed offset of a partition; -1 for none. */
  async committed(topic: string, partition = 0): Promise<number> {
    return (await this.commitOf(topic, partition)).committedOffset;
  }

  async commitOf(topic: string, partition = 0, version = 8) {
    const asked = [{ name: topic, partitionIndexes: [partition] }];
    const answer = await this.world.send(OffsetFetch, version, {
      groupId: this.id,
      topics: asked,
      groups: [{ groupId: this.id, topics: asked }],
      requireStable: false,
    });
    const topics = version >= 8 ? answer.groups[0]!.topics : answer.topics;
    return topics[0]!.partitions[0]!;
  }
}

/** A commit by nobody's member, as administrators and consumers without a group make it. */
export function commitSimply(
  world: World,
  groupId: string,
  topic: string,
  offset: number,
  more: object = {},
  version = 9,
) {
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: 'm', ...more }];
  return world
    .send(OffsetCommit, version, {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [{ name: topic, partitions }],
    })
    .then((answer) => answer.topics[0]!.partitions[0]!.errorCode);
}
