import { NestdawError } from '../../../../common/errors.js';
import { resolveTarget, type SeekTarget } from '../../../../common/seek-target.js';
import { partitionName, type TopicPartition } from '../../../../common/topic-partition.js';
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

export class StartPositions {
  constructor(
    readonly offsets: OffsetClient,
    readonly logs: LogOffsets,
    readonly settings: ConsumerSettings,
    readonly emit: (event: ConsumerEvent) => void,
  ) {}

  /**
   * Start positions of newly assigned partitions. In `grown` topics the group has read before: a partition of theirs
   * without an offset appeared later and is read from its beginning, or what it got until now would be skipped.
   */
  async of(
    partitions: readonly TopicPartition[],
    grown: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<StartPosition[]> {
    const committed = await this.offsets.fetchCommitted(partitions, { signal, requireStable: true });
    const missing = partitions.filter(({ topic, partition }) => !committed.has(topic, partition));
    const { autoOffsetReset } = this.settings;
    const resets = await this.#reset(
      missing.map((tp) => ({ ...tp, from: null, reset: grown.has(tp.topic) ? 'earliest' : autoOffsetReset })),
      signal,
    );
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

  async #reset(lost: readonly LostPosition[], signal: AbortSignal): Promise<StartPosition[]> {
    const refused = lost.find(({ reset }) => reset === 'none');
    if (refused) throw this.#noPosition(refused);
    const [begins, ends] = await Promise.all([
      this.logs.of(lost, EARLIEST, signal),
      this.logs.of(
        lost.filter(({ reset }) => reset === 'latest'),
        LATEST,
        signal,
      ),
    ]);
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
