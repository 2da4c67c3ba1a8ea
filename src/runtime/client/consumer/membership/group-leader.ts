import { NestdawError } from '../../../../common/errors.js';
import { partitionName, type TopicPartition } from '../../../../common/topic-partition.js';
import { type Cluster } from '../../cluster/cluster.js';
import { type AssignorMember } from '../assignors/assignor.js';
import { withholdMoving } from '../assignors/moving-partitions.js';
import { type ConsumerSettings } from '../consumer-options.js';
import { type OffsetClient } from '../positions/offset-client.js';
import { encodeAssignment } from './consumer-protocol.js';
import { encodeLeaderNote } from './leader-note.js';

// The leader's duty: assignments for all members. With them goes a note, on which topics the group has read before, for
// one. Only the leader can know: it asks while all members wait for it, so nobody has committed in this generation yet.
// A member that asked by itself could take a peer's first commit for an old one.

export class GroupLeader {
  /** Partitions of every topic of the group at the last assignment; 0 where a topic was missing. */
  #counts: ReadonlyMap<string, number> = new Map();
  readonly #wereMissing = new Set<string>();
  #hasAssigned = false;

  constructor(
    readonly cluster: Cluster,
    readonly offsets: OffsetClient,
    readonly settings: ConsumerSettings,
    readonly stopping: AbortSignal,
  ) {}

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /**
   * Knows what its assignment was made for, from its own note. True when that was in a life before: much may have
   * changed since, and nobody else watches.
   */
  takeUp(counts: ReadonlyMap<string, number>): boolean {
    const isKnown = counts.size === this.#counts.size && [...counts].every(([key, n]) => this.#counts.get(key) === n);
    if (isKnown) return false;
    this.#counts = counts;
    this.#noteMissing();
    return true;
  }

  /** @param ownId this member's: its note says what the leader has to know when it comes back */
  async assign(
    protocolName: string,
    members: readonly AssignorMember[],
    ownId: string,
  ): Promise<ReadonlyMap<string, Buffer>> {
    const assignor = this.settings.assignors.find(({ name }) => name === protocolName);
    if (!assignor) {
      const message = `the group chose the strategy '${protocolName}', which this member did not offer`;
      throw new NestdawError('KAFKA_PROTOCOL_MALFORMED', message);
    }
    const topics = new Set(members.flatMap((member) => member.topics));
    // At its start the consumer has just looked, and asking once more would cost everybody a round trip.
    this.#counts = await partitionCounts(this.cluster, [...topics], this.#hasAssigned ? undefined : JUST_HEARD_MS);
    this.#hasAssigned = true;
    const existing = new Map([...this.#counts].filter(([, count]) => count > 0));
    const assigned = withholdMoving(assignor.assign(existing, members), members);
    const grownTopics = await this.#grownTopics(existing);
    const givers = new Set(
      members.filter(({ memberId, owned }) => !includesAll(assigned.get(memberId) ?? [], owned?.partitions ?? [])),
    );
    const handsOn = givers.size > 0;
    return new Map(
      members.map((member) => {
        const partitions = assigned.get(member.memberId) ?? [];
        const counts = member.memberId === ownId && { counts: this.#counts };
        const note = { grownTopics, givesUp: givers.has(member), handsOn, topics: member.topics, ...counts };
        return [member.memberId, encodeAssignment({ partitions, userData: encodeLeaderNote(note) })];
      }),
    );
  }

  /** Topics with a committed offset, and those that the group had to wait for: their first partitions came later. */
  async #grownTopics(existing: ReadonlyMap<string, number>): Promise<Set<string>> {
    this.#noteMissing();
    const committed = await this.offsets.fetchCommitted(allPartitions(existing), {
      signal: this.stopping,
      requireStable: false,
    });
    const waitedFor = [...existing.keys()].filter((topic) => this.#wereMissing.has(topic));
    return new Set([...committed.topics(), ...waitedFor]);
  }

  #noteMissing(): void {
    for (const [topic, count] of this.#counts) if (count === 0) this.#wereMissing.add(topic);
  }
}

/** What a consumer that starts has heard is as good as asked now. */
export const JUST_HEARD_MS = 500;

/** Partitions of each topic as of now, or as heard at most so many ms ago; 0 for topics that do not exist. */
export async function partitionCounts(
  cluster: Cluster,
  topics: readonly string[],
  maxAgeMs?: number,
): Promise<Map<string, number>> {
  const options = maxAgeMs === undefined ? { refresh: true } : { maxAgeMs };
  const found = topics.map(async (topic): Promise<[string, number]> => {
    const partitions = await cluster.partitionsOf(topic, options);
    return [topic, partitions?.length ?? 0];
  });
  return new Map(await Promise.all(found));
}

function allPartitions(counts: ReadonlyMap<string, number>): TopicPartition[] {
  return [...counts].flatMap(([topic, count]) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  );
}

function includesAll(partitions: readonly TopicPartition[], wanted: readonly TopicPartition[]): boolean {
  const names = new Set(partitions.map(partitionName));
  return wanted.every((one) => names.has(partitionName(one)));
}
