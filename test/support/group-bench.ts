import { type GroupConfig } from '../../src/broker/coordinator/group/group-config.js';
import { GroupCoordinator } from '../../src/broker/coordinator/group/group-coordinator.js';
import {
  type JoinAnswer,
  type JoinRequest,
  type SyncAnswer,
  type SyncRequest,
} from '../../src/broker/coordinator/group/group-effects.js';
import { type CommitRequest } from '../../src/broker/coordinator/group/group-offsets.js';
import { silentLogger } from '../../src/common/logger.js';
import { seededRandom } from '../../src/common/random.js';
import { WireWriter } from '../../src/protocol/wire-writer.js';
import { flush, ManualClock } from './manual-clock.js';
import { MemoryCoordinatorLog } from './memory-coordinator-log.js';

// A group coordinator with a manual clock and a log in memory, and short ways to be a member of `g`.

export const GROUP = 'g';
export const SESSION_MS = 10_000;
export const REBALANCE_MS = 60_000;
export const INITIAL_DELAY_MS = 3_000;

const DEFAULTS: GroupConfig = {
  minSessionTimeoutMs: 6_000,
  maxSessionTimeoutMs: 1_800_000,
  initialRebalanceDelayMs: INITIAL_DELAY_MS,
  maxSize: 0x7fff_ffff,
  offsetsRetentionMinutes: 10_080,
  offsetsRetentionCheckIntervalMs: 600_000,
  offsetMetadataMaxBytes: 4_096,
};

/** A request under way: `answer` is there once it has come (after a flush). */
export interface Waiting<A> {
  readonly promise: Promise<A>;
  answer: A | undefined;
}

function waiting<A>(promise: Promise<A>): Waiting<A> {
  const result: Waiting<A> = { promise, answer: undefined };
  void promise.then((answer) => {
    if (result.answer) throw new Error('answered twice');
    result.answer = answer;
  });
  return result;
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

export class GroupBench {
  readonly clock = new ManualClock();
  readonly topics = new Map([
    ['__consumer_offsets', 5],
    ['orders', 4],
    ['paid', 4],
  ]);
  readonly config: GroupConfig;
  coordinator!: GroupCoordinator;
  #seed = 1;

  private constructor(
    config: Partial<GroupConfig>,
    readonly log: MemoryCoordinatorLog,
  ) {
    this.config = { ...DEFAULTS, ...config };
  }

  static async open(config: Partial<GroupConfig> = {}, log = new MemoryCoordinatorLog()): Promise<GroupBench> {
    const bench = new GroupBench(config, log);
    await bench.restart();
    return bench;
  }

  /** The process ends without a word and another one starts on the same log. */
  async restart(): Promise<void> {
    await this.coordinator?.stop();
    this.coordinator = this.another();
    await this.coordinator.start();
  }

  /** A coordinator on the same log, not started. */
  another(): GroupCoordinator {
    const { log, clock, config } = this;
    const topics = { partitionCount: (topic: string) => this.topics.get(topic) };
    const random = seededRandom(this.#seed++);
    return new GroupCoordinator({ log, topics, config, clock, random, logger: silentLogger });
  }

  join(request: Partial<JoinRequest> = {}, groupId = GROUP): Waiting<JoinAnswer> {
    return waiting(
      this.coordinator.join(groupId, {
        memberId: '',
        groupInstanceId: null,
        clientId: 'c',
        clientHost: '/127.0.0.1',
        sessionTimeoutMs: SESSION_MS,
        rebalanceTimeoutMs: REBALANCE_MS,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: subscription('orders') }],
        requireKnownMemberId: false,
        supportsSkippingAssignment: true,
        ...request,
      }),
    );
  }

  sync(member: JoinAnswer, request: Partial<SyncRequest> = {}): Waiting<SyncAnswer> {
    const { memberId, generationId } = member;
    return waiting(
      this.coordinator.sync(GROUP, {
        memberId,
        generationId,
        groupInstanceId: null,
        protocolType: null,
        protocolName: null,
        assignments: [],
        ...request,
      }),
    );
  }

  heartbeat({ memberId, generationId }: JoinAnswer, groupInstanceId: string | null = null): number {
    return this.coordinator.heartbeat(GROUP, { memberId, generationId, groupInstanceId });
  }

  leave(...members: Array<Pick<JoinAnswer, 'memberId'>>): readonly number[] {
    const leaving = members.map(({ memberId }) => ({ memberId, groupInstanceId: null }));
    return this.coordinator.leave(GROUP, leaving).memberCodes;
  }

  get state(): string | undefined {
    const described = this.coordinator.describe(GROUP);
    return typeof described === 'object' ? described.state : undefined;
  }

  /** A stable group of so many members, the leader first; each is assigned its number. */
  async stable(count: number, request: (i: number) => Partial<JoinRequest> = () => ({})): Promise<JoinAnswer[]> {
    const joins = Array.from({ length: count }, (_, i) => this.join(request(i)));
    await this.clock.advance(2 * INITIAL_DELAY_MS);
    return this.assigned(joins);
  }

  /** Lets the leader assign and everybody sync. */
  async assigned(joins: ReadonlyArray<Waiting<JoinAnswer>>): Promise<JoinAnswer[]> {
    await flush();
    const answers = joins.map(({ answer }) => answer!);
    const assignments = answers.map(({ memberId }, i) => ({ memberId, assignment: Buffer.from([i]) }));
    const members = [...answers].sort((a, b) => Number(b.leader === b.memberId) - Number(a.leader === a.memberId));
    for (const member of members) this.sync(member, { assignments });
    await flush();
    return members;
  }

  /** The error code of a commit of one partition. */
  async commit(request: Partial<CommitRequest> & { offset?: number; metadata?: string | null } = {}): Promise<number> {
    const { offset = 1, metadata = '', ...rest } = request;
    const partition = {
      partitionIndex: 0,
      committedOffset: offset,
      committedLeaderEpoch: -1,
      committedMetadata: metadata,
    };
    const results = await this.coordinator.offsets.commit({
      groupId: GROUP,
      memberId: '',
      groupInstanceId: null,
      generationId: -1,
      retentionTimeMs: -1,
      unknownGroupCode: 22,
      topics: [{ name: 'orders', partitions: [partition] }],
      ...rest,
    });
    return results[0]!.partitions[0]!.errorCode;
  }

  /** Everything that is committed, as `topic-partition: offset`. */
  committed(groupId = GROUP): Record<string, number> {
    const { topics } = this.coordinator.offsets.fetch(groupId, null);
    return Object.fromEntries(
      topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, committedOffset }) => [`${name}-${partitionIndex}`, committedOffset]),
      ),
    );
  }
}
