import { NestdawError } from '../../../../common/errors.js';
import { resolveTarget, type SeekTarget } from '../../../../common/seek-target.js';
import { partitionName, type TopicPartition, type TopicPartitionMap } from '../../../../common/topic-partition.js';
import { type AssignedPartition, type ConsumerEvent } from '../../consumer-client.js';
import { type ConsumerSettings } from '../consumer-options.js';
import { EARLIEST, LATEST, type LogOffsets } from './log-offsets.js';
import { type OffsetClient } from './offset-client.js';

// Where reading begins: at the committed offset, else where auto.offset.reset says, and how many records that skips.

export type StartPosition = Omit<AssignedPartition, 'assignmentEpoch'>;

type Reset = 'earliest' | 'latest' | 'none';

/** A position to be found anew, and where it was before (null: there was none). */
interface LostPosition extends TopicPartition {
  readonly from: number | null;
  readonly reset: Reset;
}

/** Where logs begin, and where they end. */
type Bounds = readonly [begins: TopicPartitionMap<number>, ends: TopicPartitionMap<number>];

export class StartPositions {
  constructor(
    readonly offsets: OffsetClient,
    readonly logs: LogOffsets,
    readonly settings: ConsumerSettings,
    readonly emit: (event: ConsumerEvent) => void,
  ) {}

  /**
   * Start positions of newly assigned partitions. In `grown` topics the group has read before: a partition of theirs
   * without an offset appeared later and is read from its beginning, or what it got until now would be skipped. Of
   * topics that nobody of the group has read (`isUnread`), where their logs begin and end is asked for at once.
   */
  async of(
    partitions: readonly TopicPartition[],
    grown: ReadonlySet<string>,
    signal: AbortSignal,
    isUnread: (topic: string) => boolean = () => false,
  ): Promise<StartPosition[]> {
    const { autoOffsetReset } = this.settings;
    const lost = ({ topic, partition }: TopicPartition): LostPosition => {
      return { topic, partition, from: null, reset: grown.has(topic) ? 'earliest' : autoOffsetReset };
    };
    const early = partitions.filter(({ topic }) => isUnread(topic)).map(lost);
    const asked = this.#bounds(autoOffsetReset === 'none' ? [] : early, signal);
    asked.catch(() => undefined); // thrown below, where it counts
    const committed = await this.offsets.fetchCommitted(partitions, { signal, requireStable: true });
    const missing = partitions.filter(({ topic, partition }) => !committed.has(topic, partition));
    const isAsked = missing.every(({ topic }) => isUnread(topic));
    const resets = await this.#reset(missing.map(lost), signal, isAsked ? asked : undefined);
    const known = partitions.flatMap(({ topic, partition }): StartPosition[] => {
      const found = committed.get(topic, partition);
      if (!found) return [];
      return [{ topic, partition, position: found.offset, metadata: found.metadata, source: 'committed' }];
    });
    return [...known, ...resets];
  }

  /** The same for a consumer without a group: there is nothing committed. */
  withoutGroup(
    partitions: readonly TopicPartition[],
    grown: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<StartPosition[]> {
    const { autoOffsetReset } = this.settings;
    return this.#reset(
      partitions.map((tp) => ({ ...tp, from: null, reset: grown.has(tp.topic) ? 'earliest' : autoOffsetReset })),
      signal,
    );
  }

  /** A position that the log does not hold any more. */
  async replace(tp: TopicPartition, from: number, signal: AbortSignal): Promise<number> {
    const lost = { topic: tp.topic, partition: tp.partition, from, reset: this.settings.autoOffsetReset };
    const [start] = await this.#reset([lost], signal);
    return start!.position;
  }

  /** Where these logs begin, and where those end that are read from there. */
  #bounds(lost: readonly LostPosition[], signal: AbortSignal): Promise<Bounds> {
    const latest = lost.filter(({ reset }) => reset === 'latest');
    return Promise.all([this.logs.of(lost, EARLIEST, signal), this.logs.of(latest, LATEST, signal)]);
  }

  async #reset(lost: readonly LostPosition[], signal: AbortSignal, asked?: Promise<Bounds>): Promise<StartPosition[]> {
    const refused = lost.find(({ reset }) => reset === 'none');
    if (refused) throw this.#noPosition(refused);
    const [begins, ends] = await (asked ?? this.#bounds(lost, signal));
    return lost.map(({ topic, partition, from, reset }) => {
      const begin = begins.get(topic, partition)!;
      const position = reset === 'latest' ? ends.get(topic, partition)! : begin;
      const skipped = Math.max(0, position - (from ?? begin));
      this.emit({ type: 'offset-reset', topic, partition, from, to: position, skipped });
      this.#log(partitionName({ topic, partition }), from, position, skipped);
      return { topic, partition, position, metadata: '', source: 'reset' };
    });
  }

  #log(name: string, from: number | null, to: number, skipped: number): void {
    const { logger, groupId, autoOffsetReset } = this.settings;
    const why = from === null ? 'had no committed offset' : `stood at ${from}, which the log does not hold`;
    const owner = groupId ? `of group '${groupId}'` : '(read without a group)';
    const text = `${name} ${owner} ${why}: reading from ${to}, ${skipped} records skipped`;
    if (skipped > 0 || from !== null) logger.warn(`${text} (auto.offset.reset=${autoOffsetReset})`);
    else logger.debug?.(text);
  }

  #noPosition({ topic, partition, from }: LostPosition): NestdawError {
    const name = partitionName({ topic, partition });
    const { groupId } = this.settings;
    const advice = 'commit or seek a position first, or set auto.offset.reset to earliest or latest';
    return from === null
      ? new NestdawError(
          'KAFKA_NO_OFFSET',
          `${name} has no committed offset in group '${groupId}' and auto.offset.reset=none: ${advice}`,
        )
      : new NestdawError(
          'KAFKA_OFFSET_OUT_OF_RANGE',
          `${name} of group '${groupId}' stood at ${from}, which the log does not hold, and auto.offset.reset=none: ${advice}`,
        );
  }
}

/** Where a partition begins that was given a place of its own; relative ones count from `start`. */
export async function startOf(
  start: StartPosition,
  target: SeekTarget,
  logs: LogOffsets,
  signal: AbortSignal,
): Promise<StartPosition> {
  const { topic, partition } = start;
  const found = await resolveTarget([start], target, {
    current: () => start.position,
    offsetsAt: (partitions, moment) => logs.at(partitions, moment, signal),
  });
  return { topic, partition, position: found.get(topic, partition)!, metadata: '', source: 'seek' };
}
