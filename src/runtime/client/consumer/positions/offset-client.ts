import { SerialQueue } from '../../../../common/lifecycle.js';
import { type TopicPartition, TopicPartitionMap } from '../../../../common/topic-partition.js';
import { type ResponseOf } from '../../../../protocol/api.js';
import { brokerError, ErrorCode } from '../../../../protocol/error-codes.js';
import { OffsetCommit } from '../../../../protocol/messages/08-offset-commit.js';
import { OffsetFetch } from '../../../../protocol/messages/09-offset-fetch.js';
import { type Coordinator } from '../../cluster/coordinator.js';
import { type CommitOffset, type CommittedOffset } from '../../consumer-client.js';
import { type ConsumerSettings } from '../consumer-options.js';
import { groupByTopic } from '../membership/consumer-protocol.js';
import { type Generation } from '../membership/group-term.js';
import { retrying } from '../retry.js';

// Committed offsets of one group: read and written, metadata included. One commit is under way at a time, so that a
// repeated older one never overtakes a newer one.

export interface FetchCommittedOptions {
  readonly signal: AbortSignal;
  /** Whether to wait until open transactions that hold offsets have ended. */
  readonly requireStable: boolean;
}

/** The highest versions that name topics instead of giving their ids, which the port Cluster does not know. */
const OFFSET_FETCH_VERSION = 9;
const OFFSET_COMMIT_VERSION = 9;

export class OffsetClient {
  readonly #commits = new SerialQueue();

  constructor(
    readonly coordinator: Coordinator,
    readonly settings: ConsumerSettings,
    /** Ends every try. */
    readonly closed: AbortSignal,
  ) {}

  /** The committed offsets; partitions without one have no entry. */
  fetchCommitted(
    partitions: readonly TopicPartition[],
    { signal, requireStable }: FetchCommittedOptions,
  ): Promise<TopicPartitionMap<CommittedOffset>> {
    if (partitions.length === 0) return Promise.resolve(new TopicPartitionMap());
    const { offsets } = this.settings;
    // Whoever wants stable ones begins to read there; the others only look.
    if (offsets) return offsets.fetch(partitions, { claims: requireStable, signal });
    const what = `fetching the offsets of group '${this.settings.groupId}'`;
    return retrying(this.settings, { signal, what }, () => this.#fetchOnce(partitions, requireStable, what));
  }

  async #fetchOnce(partitions: readonly TopicPartition[], requireStable: boolean, what: string) {
    const { groupId } = this.settings;
    const topics = groupByTopic(partitions).map((t) => ({ name: t.topic, partitionIndexes: t.partitions }));
    const { nodeId, response } = await this.coordinator.send(OffsetFetch, OFFSET_FETCH_VERSION, (version) => ({
      groupId,
      topics,
      groups: version >= 8 ? [{ groupId, memberId: null, topics }] : [],
      requireStable,
    }));
    const { errorCode, topics: answered } = groupOf(response);
    this.#check(nodeId, errorCode, what);
    const committed = new TopicPartitionMap<CommittedOffset>();
    for (const { name, partitions: answers } of answered) {
      for (const { partitionIndex, committedOffset, metadata, errorCode: code } of answers) {
        this.#check(nodeId, code, `${what} (${name}-${partitionIndex})`);
        if (committedOffset >= 0) {
          committed.set(name, partitionIndex, { offset: committedOffset, metadata: metadata ?? '' });
        }
      }
    }
    return committed;
  }

  /**
   * Commits for one generation, in the order of the calls. Rejects with a BrokerError that carries the first code
   * that is not cured by trying again, or with connection trouble when defaultApiTimeoutMs has passed.
   */
  commit(offsets: readonly CommitOffset[], generation: Generation): Promise<void> {
    const { offsets: keeper } = this.settings;
    if (keeper) return this.#commits.run(() => keeper.commit(offsets));
    const what = `committing offsets of group '${this.settings.groupId}'`;
    const retry = { signal: this.closed, what, withinMs: this.settings.defaultApiTimeoutMs };
    return this.#commits.run(() => retrying(this.settings, retry, () => this.#commitOnce(offsets, generation, what)));
  }

  async #commitOnce(offsets: readonly CommitOffset[], generation: Generation, what: string): Promise<void> {
    const { nodeId, response } = await this.coordinator.send(OffsetCommit, OFFSET_COMMIT_VERSION, () => ({
      groupId: this.settings.groupId,
      generationIdOrMemberEpoch: generation.generationId,
      memberId: generation.memberId,
      groupInstanceId: generation.groupInstanceId,
      topics: commitTopics(offsets),
    }));
    const codes = response.topics.flatMap((topic) =>
      topic.partitions.map(({ partitionIndex, errorCode }) => ({ errorCode, name: `${topic.name}-${partitionIndex}` })),
    );
    // What cannot be cured decides; only when all of it is curable is the whole commit tried again.
    const failed = codes.filter(({ errorCode }) => errorCode !== ErrorCode.NONE);
    const errors = failed.map(({ errorCode, name }) => brokerError(errorCode, `${what} (${name})`));
    for (const { errorCode } of failed) this.coordinator.movedAway(nodeId, errorCode);
    const worst = errors.find((error) => !error.retriable) ?? errors[0];
    if (worst) throw worst;
  }

  #check(nodeId: number, code: number, what: string): void {
    if (code === ErrorCode.NONE) return;
    this.coordinator.movedAway(nodeId, code);
    throw brokerError(code, what);
  }
}

function groupOf(response: ResponseOf<typeof OffsetFetch>) {
  return response.groups[0] ?? { errorCode: response.errorCode, topics: response.topics };
}

/** Offsets as the commit requests carry them. */
export function commitTopics(offsets: readonly CommitOffset[]) {
  const topics = new Map<
    string,
    Array<{ partitionIndex: number; committedOffset: number; committedMetadata: string }>
  >();
  for (const { topic, partition, offset, metadata } of offsets) {
    const entry = { partitionIndex: partition, committedOffset: offset, committedMetadata: metadata ?? '' };
    const known = topics.get(topic);
    if (known) known.push(entry);
    else topics.set(topic, [entry]);
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }));
}
