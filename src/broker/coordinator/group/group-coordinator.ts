import { type Clock, every, type Timer } from '../../../common/clock.js';
import { type Startable } from '../../../common/lifecycle.js';
import { type Logger } from '../../../common/logger.js';
import { type Random, randomUuid } from '../../../common/random.js';
import { ErrorCode } from '../../../protocol/error-codes.js';
import { type CoordinatorLog } from '../coordinator-log.js';
import { coordinatorError } from '../coordinator-runtime.js';
import { type GroupRecord } from '../offset-records.js';
import { type Committer, type GroupDescription } from './classic-group.js';
import { type GroupConfig } from './group-config.js';
import {
  type JoinAnswer,
  type JoinRequest,
  type LeavingMember,
  refusedJoin,
  refusedSync,
  type SyncAnswer,
  type SyncRequest,
} from './group-effects.js';
import { GroupOffsets } from './group-offsets.js';
import { type GroupShard } from './group-shard.js';
import { GroupShards } from './group-shards.js';
import { type TopicLookup } from './offset-commit.js';

// The group coordinator: takes each request to its group and keeps the watch over expired offsets. What a group
// answers is decided in classic-group.ts; what it committed is in `offsets`.

export interface GroupCoordinatorOptions {
  /** Partitions of `__consumer_offsets`. */
  readonly log: CoordinatorLog;
  readonly topics: TopicLookup;
  readonly config: GroupConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface LeaveAnswer {
  readonly errorCode: number;
  /** One per member, in the order asked. */
  readonly memberCodes: readonly number[];
}

export interface ListedGroup {
  readonly groupId: string;
  readonly protocolType: string;
  readonly groupState: string;
  readonly groupType: 'classic';
}

const MS_PER_MINUTE = 60_000;
const OFFSETS_TOPIC = '__consumer_offsets';

export class GroupCoordinator implements Startable {
  readonly offsets: GroupOffsets;
  readonly #options: GroupCoordinatorOptions;
  readonly #shards: GroupShards;
  #expiry: Timer | undefined;

  constructor(options: GroupCoordinatorOptions) {
    const { log, clock, logger, config, topics } = options;
    this.#options = options;
    this.#shards = new GroupShards({ log, clock, logger, settings: config });
    this.offsets = new GroupOffsets(this.#shards, { topics, maxMetadata: config.offsetMetadataMaxBytes });
  }

  /** Loads what was stored: groups go on as they were. The broker's topics must be known before. */
  async start(): Promise<void> {
    const { clock, config, topics } = this.#options;
    await this.#shards.open();
    if (this.#shards.errorCode !== ErrorCode.NONE) return; // stopped meanwhile
    // A look-up that does not even know the topic just read knows no topics at all: nothing can be told from it.
    if (topics.partitionCount(OFFSETS_TOPIC) !== undefined) this.offsets.dropOrphans();
    this.#expiry = every(clock, config.offsetsRetentionCheckIntervalMs, () => this.expireOffsets());
  }

  async stop(): Promise<void> {
    this.#expiry?.cancel();
    this.#shards.close();
  }

  join(groupId: string, request: Omit<JoinRequest, 'newMemberId'>): Promise<JoinAnswer> {
    const refused = (errorCode: number) => Promise.resolve(refusedJoin(errorCode, request.memberId));
    if (groupId === '') return refused(ErrorCode.INVALID_GROUP_ID);
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#options.config;
    if (request.sessionTimeoutMs < minSessionTimeoutMs || request.sessionTimeoutMs > maxSessionTimeoutMs) {
      return refused(ErrorCode.INVALID_SESSION_TIMEOUT);
    }
    const shard = this.#shards.locate(groupId);
    if (typeof shard === 'number') return refused(shard);
    if (request.memberId !== '' && !shard.get(groupId)) return refused(ErrorCode.UNKNOWN_MEMBER_ID);
    const newMemberId = `${request.groupInstanceId ?? request.clientId}-${randomUuid(this.#options.random)}`;
    const { ticket, answer } = this.#shards.joins.park();
    shard.getOrCreate(groupId).handle((group, now) => group.join({ ...request, newMemberId }, ticket, now));
    shard.dropUnused(groupId);
    return answer;
  }

  sync(groupId: string, request: SyncRequest): Promise<SyncAnswer> {
    const refused = (errorCode: number) => Promise.resolve(refusedSync(errorCode));
    if (groupId === '') return refused(ErrorCode.INVALID_GROUP_ID);
    const shard = this.#shards.locate(groupId);
    // The rebalance this belongs to is forgotten: the member may join again at once, it need not search for us.
    if (shard === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) return refused(ErrorCode.REBALANCE_IN_PROGRESS);
    if (typeof shard === 'number') return refused(shard);
    const host = shard.get(groupId);
    if (!host) return refused(ErrorCode.UNKNOWN_MEMBER_ID);
    const { ticket, answer } = this.#shards.syncs.park();
    host.handle((group, now) => group.sync(request, ticket, now));
    return answer;
  }

  /** The error code. */
  heartbeat(groupId: string, member: Committer): number {
    if (groupId === '') return ErrorCode.INVALID_GROUP_ID;
    const shard = this.#shards.locate(groupId);
    // Sessions begin anew after loading, so nothing is lost by letting the member go on.
    if (shard === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) return ErrorCode.NONE;
    if (typeof shard === 'number') return shard;
    return shard.get(groupId)?.handle((group) => group.heartbeat(member)) ?? ErrorCode.UNKNOWN_MEMBER_ID;
  }

  leave(groupId: string, members: readonly LeavingMember[]): LeaveAnswer {
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID, memberCodes: [] };
    const shard = this.#shards.locate(groupId);
    if (typeof shard === 'number') return { errorCode: shard, memberCodes: [] };
    const codes = shard.get(groupId)?.handle((group, now) => group.leave(members, now));
    const memberCodes = codes ?? members.map(() => ErrorCode.UNKNOWN_MEMBER_ID);
    return { errorCode: ErrorCode.NONE, memberCodes };
  }

  /** Undefined when there is no such group; a number when it cannot be told now. */
  describe(groupId: string): GroupDescription | number | undefined {
    const shard = this.#shards.locate(groupId);
    return typeof shard === 'number' ? shard : shard.get(groupId)?.group.describe();
  }

  list(): { readonly errorCode: number; readonly groups: readonly ListedGroup[] } {
    const groups = this.#shards.loaded().flatMap((shard) =>
      shard.hosts().map(({ group }) => ({
        groupId: group.groupId,
        protocolType: group.protocolType,
        groupState: group.state,
        groupType: 'classic' as const,
      })),
    );
    return { errorCode: this.#shards.errorCode, groups };
  }

  /** The error code of each group, in the order asked. */
  async delete(groupIds: readonly string[]): Promise<number[]> {
    const durable = new Set<Promise<void>>();
    const codes = groupIds.map((groupId) => {
      const shard = this.#shards.locate(groupId);
      if (typeof shard === 'number') return shard;
      const errorCode = this.#deleteFrom(shard, groupId);
      const settled = errorCode === ErrorCode.NONE ? this.#shards.durable(shard) : undefined;
      if (settled) durable.add(settled);
      return errorCode;
    });
    await Promise.all(durable);
    return codes;
  }

  #deleteFrom(shard: GroupShard, groupId: string): number {
    const state = shard.get(groupId)?.group.state;
    if (state === undefined) return ErrorCode.GROUP_ID_NOT_FOUND;
    if (state !== 'Empty') return ErrorCode.NON_EMPTY_GROUP;
    const records: GroupRecord[] = [...shard.offsets.removals(groupId), { type: 'group', groupId, value: null }];
    return coordinatorError(this.#shards.write(shard, records));
  }

  /** See `GroupOffsets.onTopicDeleted`. */
  onTopicDeleted(topic: string): void {
    this.offsets.onTopicDeleted(topic);
  }

  /** Runs by itself every `offsets.retention.check.interval.ms`. */
  expireOffsets(): void {
    this.offsets.expire(this.#options.config.offsetsRetentionMinutes * MS_PER_MINUTE);
  }
}
