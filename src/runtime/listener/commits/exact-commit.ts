import { NestdawError } from '../../../common/errors.js';
import { type Deferred } from '../../../common/lifecycle.js';
import { type KafkaRecord } from '../../../common/record.js';
import { partitionName, type TopicPartition, type TopicPartitionMap } from '../../../common/topic-partition.js';
import { type CommitOffset } from '../../client/consumer-client.js';
import { type CommitOptions, type CommitTarget } from '../listener-consumer.js';
import { type PartitionState, type RecordsInHand } from '../partitions/partition-state.js';
import { type CommitMetadata } from './commit-metadata.js';

// Commits of partitions, and of offsets, that user code names: what is asked for, and what may be.

/** One call of `commit`, until its turn comes. */
export interface ExactCommit {
  /** Undefined: every partition that is here, as far as it is finished. */
  readonly targets: readonly CommitTarget[] | undefined;
  readonly hand: RecordsInHand | undefined;
  readonly unfinished: NonNullable<CommitOptions['unfinished']>;
  readonly waiter: Deferred<readonly CommitOffset[]>;
}

/** One partition of it, worked out. */
export interface PlannedCommit {
  readonly state: PartitionState;
  readonly offset: number;
  readonly metadata: string;
  /** The offset was given. */
  readonly isExact: boolean;
  /** Records below the offset that count as finished once it is stored. */
  readonly covered: CoveredRecords | undefined;
}

export interface CoveredRecords {
  /** Of the caller, in their order. */
  readonly own: readonly KafkaRecord[];
  /** Others as well, whatever they are. */
  readonly others: boolean;
}

export function offsetOf({ state, offset, metadata }: PlannedCommit): CommitOffset {
  const { topic, partition } = state;
  return { topic, partition, offset, metadata };
}

/** The targets as a list. Throws KAFKA_CONFIG_INVALID for what can be no commit. */
export function commitTargets(
  which: CommitTarget | readonly CommitTarget[],
  { unfinished = 'refuse' }: CommitOptions,
  groupId: string,
): readonly CommitTarget[] {
  const targets = 'topic' in which ? [which] : which;
  if (unfinished !== 'refuse' && unfinished !== 'finish')
    throw mistaken(`unfinished is ${String(unfinished)}: give 'refuse' or 'finish'`);
  if (groupId === '' && targets.some(({ offset }) => offset !== undefined)) {
    throw mistaken('the listener has no group to commit for; give it a groupId');
  }
  const names = new Set<string>();
  for (const target of targets) {
    const name = partitionName(target);
    const { offset, metadata } = target;
    if ('value' in target && 'headers' in target) {
      throw mistaken(
        `${name}@${offset} is a record: give { topic, partition, offset: record.offset + 1 }, the next offset to be read`,
      );
    }
    if (names.has(name)) throw mistaken(`${name} is named twice`);
    names.add(name);
    if (offset !== undefined && !(Number.isSafeInteger(offset) && offset >= 0)) {
      throw mistaken(`${name} at ${String(offset)}: an offset is a whole number from 0`);
    }
    if (metadata !== undefined && offset === undefined) {
      throw mistaken(`${name}: metadata goes with an offset; give that too`);
    }
  }
  return targets;
}

export function plannedCommit(
  target: CommitTarget,
  { hand, unfinished }: ExactCommit,
  state: PartitionState | undefined,
  stored: CommitMetadata,
): PlannedCommit | undefined {
  if (state === undefined || state.isRevoked || state.isDropped) throw elsewhere(target);
  const { tracker } = state;
  const { offset } = target;
  const { committableOffset } = tracker;
  if (offset === undefined) {
    const isNews = stored.hasMaps && tracker.version !== state.committedVersion;
    if (committableOffset <= state.committedOffset && !isNews) return undefined;
    const metadata = stored.of(state, committableOffset, true);
    return { state, offset: committableOffset, metadata, isExact: false, covered: undefined };
  }
  // Below the committable offset nothing is said of what is finished: all of it shall be read again.
  const metadata = target.metadata ?? stored.of(state, offset, offset >= committableOffset);
  const plan = { state, offset, metadata, isExact: true };
  if (offset <= committableOffset) return { ...plan, covered: undefined };
  const own = hand?.partition === state ? (hand.batch ?? [hand.record]) : [];
  const covered = { own: own.filter((record) => record.offset < offset), others: unfinished === 'finish' };
  if (!covered.others) refuseOthers(state, offset, covered.own);
  return { ...plan, covered };
}

/** Whether one request cannot store it as well: of a partition it has two offsets to say, in their order. */
export function mustWait({ targets }: ExactCommit, planned: TopicPartitionMap<PlannedCommit>): boolean {
  if (targets === undefined) return [...planned.values()].some(({ isExact }) => isExact);
  return targets.some(({ topic, partition, offset }) => {
    const other = planned.get(topic, partition);
    return other !== undefined && (other.isExact || offset !== undefined);
  });
}

function refuseOthers(state: PartitionState, offset: number, own: readonly KafkaRecord[]): void {
  const { tracker } = state;
  const name = partitionName(state);
  const known = new Set(own.map((record) => record.offset));
  const others = tracker.unfinishedBelow(offset).filter((one) => !known.has(one));
  const isAhead = offset > tracker.position;
  if (others.length === 0 && !isAhead) return;
  const why = isAhead
    ? `records from ${tracker.position} on have not been received`
    : `${others.length} record(s) below it are not finished, ${others[0]} first`;
  throw new NestdawError(
    'KAFKA_COMMIT_FAILED',
    `${name} is not committed at ${offset}: ${why}, and would be lost if the process died now. Acknowledge them, commit ` +
      `{ topic, partition } without an offset, or say { unfinished: 'finish' } where they may be lost`,
  );
}

function elsewhere(tp: TopicPartition): NestdawError {
  const message = `${partitionName(tp)} is not committed: it is not assigned here; its owner's commits count`;
  return new NestdawError('KAFKA_REBALANCED', message);
}

function mistaken(problem: string): NestdawError {
  return new NestdawError('KAFKA_CONFIG_INVALID', `commit: ${problem}`);
}
