import { messageOf } from '../../../common/errors.js';
import { deferred } from '../../../common/lifecycle.js';
import { type Logger } from '../../../common/logger.js';
import { TopicPartitionMap } from '../../../common/topic-partition.js';
import { type CommitOffset } from '../../client/consumer-client.js';
import { type CommitOptions, type CommitTarget } from '../listener-consumer.js';
import { type RecordsInHand } from '../partitions/partition-state.js';
import { coordinates, type PartitionTable } from '../partitions/partition-table.js';
import { type CommitMetadata } from './commit-metadata.js';
import { type ExactCommit, mustWait, offsetOf, type PlannedCommit, plannedCommit } from './exact-commit.js';

// The commits that user code named, in the order of the calls, until a request takes them.

export interface NamedCommitsOptions {
  readonly listener: string;
  readonly logger: Logger;
  readonly partitions: PartitionTable;
  /** False: there is no group to commit for. */
  readonly commits: boolean;
  /** What is stored beside offsets. */
  readonly metadata: CommitMetadata;
}

/** What one request stores. */
export interface NamedRequest {
  readonly planned: readonly PlannedCommit[];
  readonly reject: (error: unknown) => void;
  readonly resolve: () => void;
}

export class NamedCommits {
  readonly #options: NamedCommitsOptions;
  #queue: ExactCommit[] = [];

  constructor(options: NamedCommitsOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** @param targets undefined: every partition that is here, as far as it is finished */
  add(
    targets: readonly CommitTarget[] | undefined,
    hand: RecordsInHand | undefined,
    { unfinished = 'refuse' }: CommitOptions,
  ): Promise<readonly CommitOffset[]> {
    const waiter = deferred<readonly CommitOffset[]>();
    this.#queue.push({ targets, hand, unfinished, waiter });
    return waiter.promise;
  }

  /** Those that one request can store: up to a second offset of a partition. Each call is refused by itself. */
  take(): NamedRequest {
    const planned = new TopicPartitionMap<PlannedCommit>();
    const taken: Array<{ readonly waiter: ExactCommit['waiter']; readonly offsets: readonly CommitOffset[] }> = [];
    for (let one = this.#queue[0]; one && !mustWait(one, planned); one = this.#queue[0]) {
      try {
        const own = this.#plan(one);
        for (const plan of own) planned.set(plan.state.topic, plan.state.partition, plan);
        taken.push({ waiter: one.waiter, offsets: own.map(offsetOf) });
      } catch (error) {
        this.#options.logger.error(`listener '${this.#options.listener}': ${messageOf(error)}`);
        one.waiter.reject(error);
      }
      this.#queue.shift();
    }
    return {
      planned: [...planned.values()],
      reject: (error) => {
        for (const { waiter } of taken) waiter.reject(error);
      },
      resolve: () => {
        for (const { waiter, offsets } of taken) waiter.resolve(offsets);
      },
    };
  }

  rejectAll(error: unknown): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const { waiter } of queue) waiter.reject(error);
  }

  #plan(one: ExactCommit): PlannedCommit[] {
    const { partitions, metadata, commits } = this.#options;
    if (!commits) return [];
    const targets: readonly CommitTarget[] =
      one.targets ?? coordinates(partitions.list().filter(({ isRevoked }) => !isRevoked));
    return targets.flatMap(
      (target) => plannedCommit(target, one, partitions.get(target.topic, target.partition), metadata) ?? [],
    );
  }
}
