import { type TopicPartition, TopicPartitionMap } from './topic-partition.js';

// Places in a log by name, and how each becomes an offset.

/**
 * Where reading shall stand:
 *
 * - a number from 0: that offset; a negative one: so many records before the end
 * - `beginning`, `end`
 * - `{ timestamp }`: the first record written at or after it, the end when there is none
 * - `{ relative }`: so many offsets forward, or back when negative
 * - a function of the offset where reading stands now
 */
export type SeekTarget =
  | number
  | 'beginning'
  | 'end'
  | { readonly timestamp: number | Date }
  | { readonly relative: number }
  | ((current: number) => number);

/** A moment of a log: where it begins, where it ends, or ms since the epoch. */
export type LogMoment = 'beginning' | 'end' | number;

/** What resolving a target may have to ask. */
export interface SeekAnswers {
  /** Where reading stands now. */
  current(tp: TopicPartition): number;
  /** Offsets of a moment; for a time after the last record the end. */
  offsetsAt(partitions: readonly TopicPartition[], moment: LogMoment): Promise<TopicPartitionMap<number>>;
}

/** The target as an offset, when nothing has to be asked of the cluster for it; else undefined. */
export function knownOffset(target: SeekTarget, current: () => number): number | undefined {
  if (typeof target === 'number') return target >= 0 ? target : undefined;
  if (typeof target === 'function') return atLeastZero(target(current()));
  if (typeof target === 'object' && 'relative' in target) return atLeastZero(current() + target.relative);
  return undefined;
}

/** Whether the target counts from where reading stands, instead of naming a place of its own. */
export function isCounted(target: SeekTarget): boolean {
  return typeof target === 'function' || (typeof target === 'object' && 'relative' in target);
}

/** The target as an offset of each partition. */
export async function resolveTarget(
  partitions: readonly TopicPartition[],
  target: SeekTarget,
  answers: SeekAnswers,
): Promise<TopicPartitionMap<number>> {
  const found = new TopicPartitionMap<number>();
  if (typeof target === 'number' && target < 0) {
    const [begins, ends] = await Promise.all([
      answers.offsetsAt(partitions, 'beginning'),
      answers.offsetsAt(partitions, 'end'),
    ]);
    for (const { topic, partition } of partitions) {
      const end = ends.get(topic, partition)!;
      found.set(topic, partition, Math.max(begins.get(topic, partition)!, end + target));
    }
    return found;
  }
  if (target === 'beginning' || target === 'end') return answers.offsetsAt(partitions, target);
  if (typeof target === 'object' && 'timestamp' in target) {
    return answers.offsetsAt(partitions, Number(target.timestamp));
  }
  for (const tp of partitions) {
    found.set(tp.topic, tp.partition, knownOffset(target, () => answers.current(tp))!);
  }
  return found;
}

/** Why a target cannot be one; undefined when it can. */
export function targetMistake(target: SeekTarget): string | undefined {
  if (typeof target === 'number') return Number.isSafeInteger(target) ? undefined : `${target} is no offset`;
  if (typeof target === 'function' || target === 'beginning' || target === 'end') return undefined;
  if (typeof target === 'object' && target !== null) {
    const number = 'timestamp' in target ? Number(target.timestamp) : target.relative;
    if (Number.isSafeInteger(number)) return undefined;
  }
  return `${JSON.stringify(target)} is no position; give an offset, 'beginning', 'end', { timestamp } or { relative }`;
}

function atLeastZero(offset: number): number {
  return Math.max(0, offset);
}
