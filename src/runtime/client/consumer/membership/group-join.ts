import { messageOf, NestdawError } from '../../../../common/errors.js';
import { deferred } from '../../../../common/lifecycle.js';
import { type TopicPartition } from '../../../../common/topic-partition.js';
import { type ResponseOf } from '../../../../protocol/api.js';
import { BrokerError, brokerError, ErrorCode, errorName } from '../../../../protocol/error-codes.js';
import { JoinGroup } from '../../../../protocol/messages/11-join-group.js';
import { SyncGroup } from '../../../../protocol/messages/14-sync-group.js';
import { type Coordinator, isConnectionTrouble, isWorthRetrying } from '../../cluster/coordinator.js';
import { type AssignorMember, type OwnedPartitions } from '../assignors/assignor.js';
import { type ConsumerSettings } from '../consumer-options.js';
import { pauseAfter } from '../retry.js';
import { type TopicSelection } from '../topic-selection.js';
import { type Assignment, decodeAssignment, decodeSubscription, encodeSubscription } from './consumer-protocol.js';
import { type Generation } from './group-term.js';

// From "not in the group" to an assignment: JoinGroup and SyncGroup, tried until both succeed in one generation.
// The member id outlives failures, so that a coordinator that moves or restarts meets the member it knew.

export interface JoinListener {
  /** The leader's duty: assignments for all members of the generation, by member id. */
  assign(protocolName: string, members: readonly AssignorMember[], ownId: string): Promise<ReadonlyMap<string, Buffer>>;
  /** What a cooperative member brings: partitions that it has not given up. Empty for an eager one. */
  owned(): readonly TopicPartition[];
  /** The group has forgotten this member: what it kept may be elsewhere. */
  lost(reason: string): Promise<void>;
  disconnected(reason: string): void;
}

export interface Joined {
  readonly generation: Generation;
  readonly assignment: Assignment;
  /** It came without a member id. A static member may then have another's assignment, from before it came. */
  readonly isNew: boolean;
  /**
   * What it said to own when it joined: the leader gives none of that to others before this member has joined again.
   */
  readonly claimed: readonly TopicPartition[];
}

type JoinAnswer = ResponseOf<typeof JoinGroup>;

const PROTOCOL_TYPE = 'consumer';
/** What the broker may take beyond the rebalance time-out to answer a join. */
const ANSWER_MARGIN_MS = 5_000;
/** Rounds without a pause: 79, 25 and 27 are each cured by joining again at once. */
const ROUNDS_AT_ONCE = 4;

export class GroupJoin {
  #memberId = '';
  #waiting = false;
  #owned: OwnedPartitions = { partitions: [], generationId: -1 };
  #topics: readonly string[] | undefined;
  #claimed: readonly TopicPartition[] = [];

  constructor(
    readonly coordinator: Coordinator,
    readonly settings: ConsumerSettings,
    readonly selection: TopicSelection,
    readonly listener: JoinListener,
    readonly stopping: AbortSignal,
  ) {}

  get memberId(): string {
    return this.#memberId;
  }

  /** Whether a request of the join blocks the group's connection. */
  get isWaiting(): boolean {
    return this.#waiting;
  }

  /** Topics that the last join named; undefined before the first. */
  get topics(): readonly string[] | undefined {
    return this.#topics;
  }

  get owned(): OwnedPartitions {
    return this.#owned;
  }

  forgetMemberId(): void {
    this.#memberId = '';
  }

  /** Undefined when stopped. Rejects when the group refuses the member for good. */
  async join(): Promise<Joined | undefined> {
    let failures = 0;
    for (let round = 1; !this.stopping.aborted; round++) {
      try {
        const joined = await this.#attempt();
        if (joined) return joined;
      } catch (error) {
        if (!isWorthRetrying(error)) throw error;
        failures++;
        if (failures === 1 && isConnectionTrouble(error)) this.listener.disconnected(`join: ${messageOf(error)}`);
      }
      const slower = Math.max(failures, round - ROUNDS_AT_ONCE);
      if (slower > 0) await pauseAfter(slower, this.settings, this.stopping);
    }
    return undefined;
  }

  /** One round; undefined when it must be repeated. */
  async #attempt(): Promise<Joined | undefined> {
    const isNew = this.#memberId === '';
    const joined = await this.#untilStopped(this.#sendJoin());
    if (!joined) return undefined;
    if (joined.response.errorCode !== ErrorCode.NONE) {
      await this.#refused('JoinGroup', joined.nodeId, joined.response.errorCode, joined.response.memberId);
      return undefined;
    }
    const { generationId, memberId, leader, protocolName } = joined.response;
    this.#memberId = memberId;
    const generation: Generation = {
      generationId,
      memberId,
      groupInstanceId: this.settings.groupInstanceId,
      protocolName: protocolName ?? '',
      isLeader: leader === memberId,
    };
    const assignment = await this.#sync(generation, joined.response);
    return assignment && { generation, assignment, isNew, claimed: this.#claimed };
  }

  async #sync(generation: Generation, answer: JoinAnswer): Promise<Assignment | undefined> {
    const assignments = await this.#assignments(generation, answer);
    const synced = await this.#untilStopped(this.#sendSync(generation, assignments));
    if (!synced) return undefined;
    if (synced.response.errorCode !== ErrorCode.NONE) {
      await this.#refused('SyncGroup', synced.nodeId, synced.response.errorCode, '');
      return undefined;
    }
    const assignment = decodeAssignment(synced.response.assignment);
    this.#owned = { partitions: assignment.partitions, generationId: generation.generationId };
    return assignment;
  }

  /** Empty unless this member leads; a returning static leader is told to leave things as they are (KIP-814). */
  async #assignments(generation: Generation, answer: JoinAnswer): Promise<ReadonlyMap<string, Buffer>> {
    if (!generation.isLeader || answer.skipAssignment) return new Map();
    const members = answer.members.map(({ memberId, groupInstanceId, metadata }) => {
      const { topics, userData, rackId, ownedPartitions: partitions, generationId } = decodeSubscription(metadata);
      return { memberId, groupInstanceId, topics, userData, rackId, owned: { partitions, generationId } };
    });
    return this.listener.assign(generation.protocolName, members, generation.memberId);
  }

  async #sendJoin() {
    const { settings } = this;
    return this.coordinator.send(
      JoinGroup,
      9,
      (version) => {
        this.#requireStaticMembership(version);
        return {
          groupId: settings.groupId,
          sessionTimeoutMs: settings.sessionTimeoutMs,
          rebalanceTimeoutMs: settings.maxPollIntervalMs,
          memberId: this.#memberId,
          groupInstanceId: settings.groupInstanceId,
          protocolType: PROTOCOL_TYPE,
          protocols: this.#protocols(),
        };
      },
      { timeoutMs: settings.maxPollIntervalMs + ANSWER_MARGIN_MS },
    );
  }

  #protocols() {
    const { clientRack, assignors } = this.settings;
    const { names: topics } = this.selection;
    this.#topics = topics;
    const ownedPartitions = this.listener.owned();
    this.#claimed = ownedPartitions;
    return assignors.map((assignor) => ({
      name: assignor.name,
      metadata: encodeSubscription({
        topics: [...topics],
        userData: assignor.userData?.(this.#owned) ?? null,
        ownedPartitions,
        generationId: this.#owned.generationId,
        rackId: clientRack === '' ? null : clientRack,
      }),
    }));
  }

  async #sendSync(generation: Generation, assignments: ReadonlyMap<string, Buffer>) {
    return this.coordinator.send(
      SyncGroup,
      5,
      () => ({
        groupId: this.settings.groupId,
        generationId: generation.generationId,
        memberId: generation.memberId,
        groupInstanceId: generation.groupInstanceId,
        protocolType: PROTOCOL_TYPE,
        protocolName: generation.protocolName,
        assignments: [...assignments].map(([memberId, assignment]) => ({ memberId, assignment })),
      }),
      { timeoutMs: this.settings.maxPollIntervalMs + ANSWER_MARGIN_MS },
    );
  }

  /** Waits for an answer, but not beyond a stop: the answer then goes nowhere. */
  async #untilStopped<T>(answer: Promise<T>): Promise<T | undefined> {
    const stopped = deferred<undefined>();
    const stop = (): void => stopped.resolve(undefined);
    this.stopping.addEventListener('abort', stop, { once: true });
    this.#waiting = true;
    try {
      return await Promise.race([answer, stopped.promise]);
    } finally {
      this.stopping.removeEventListener('abort', stop);
      this.#waiting = this.stopping.aborted;
    }
  }

  /** Returns when another round makes sense; throws when it does not. */
  async #refused(request: string, nodeId: number, code: number, memberId: string): Promise<void> {
    switch (code) {
      case ErrorCode.MEMBER_ID_REQUIRED:
        this.#memberId = memberId;
        return;
      case ErrorCode.REBALANCE_IN_PROGRESS:
      case ErrorCode.ILLEGAL_GENERATION:
        return;
      case ErrorCode.UNKNOWN_MEMBER_ID: {
        const reason = `${request} was answered ${errorName(code)} (${code}): the group has removed member ${this.#memberId}`;
        this.#memberId = '';
        await this.listener.lost(reason);
        return;
      }
      case ErrorCode.FENCED_INSTANCE_ID:
        await this.listener.lost(`${request} was answered ${errorName(code)} (${code})`);
        throw fencedError(this.settings);
      default:
        this.coordinator.movedAway(nodeId, code);
        throw this.#explained(request, code);
    }
  }

  #explained(request: string, code: number): NestdawError {
    const { groupId, sessionTimeoutMs, assignors } = this.settings;
    const error = brokerError(code, `${request} of group '${groupId}'`);
    const advice = new Map<number, string>([
      [
        ErrorCode.INVALID_SESSION_TIMEOUT,
        `session.timeout.ms=${sessionTimeoutMs} must lie between the broker's group.min.session.timeout.ms (6000 by ` +
          'default) and group.max.session.timeout.ms: change one of them',
      ],
      [
        ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
        `partition.assignment.strategy=${assignors.map(({ name }) => name).join(',')} shares nothing with the other ` +
          'members: give all members one strategy in common',
      ],
      [ErrorCode.GROUP_MAX_SIZE_REACHED, 'raise group.max.size on the broker or run fewer consumers'],
    ]).get(code);
    return advice === undefined ? error : new BrokerError(code, `${error.message}; ${advice}`);
  }

  #requireStaticMembership(version: number): void {
    const { groupInstanceId, groupId } = this.settings;
    if (groupInstanceId === null || version >= 5) return;
    throw new NestdawError(
      'KAFKA_UNSUPPORTED_VERSION',
      `group.instance.id=${groupInstanceId} of group '${groupId}' needs JoinGroup version 5, the broker has ${version}: ` +
        'remove the id or use a broker from 2.3 on',
    );
  }
}

export function fencedError({ groupId, groupInstanceId }: ConsumerSettings): NestdawError {
  return new NestdawError(
    'KAFKA_REBALANCED',
    `another consumer joined group '${groupId}' with group.instance.id=${groupInstanceId} and took over: ` +
      'give each running consumer its own id',
  );
}
