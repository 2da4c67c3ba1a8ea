import { every, type Timer } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import { type ConsumerClient } from '../../client/consumer-client.js';
import { type ConsumerContext } from '../consumer-context.js';
import { type PartitionState } from '../partitions/partition-state.js';
import { coordinates, type PartitionTable } from '../partitions/partition-table.js';

// Tells of partitions that fall behind. A member that beats and does nothing looks healthy to its group: here a
// partition with something to do in which no record was finished for max.poll.interval.ms is told. And one so far
// behind that its log will soon delete what was not read, while there is still time to do something about it.

/** Share of retention.ms: older records that are not handled yet are told of. */
const NEAR_SHARE = 0.8;
const LOOK_MS = 60_000;

export interface LagWatchOptions extends ConsumerContext {
  /** How long nothing may be finished of a partition that has something. */
  readonly maxPollIntervalMs: number;
  readonly partitions: PartitionTable;
  readonly isPaused: () => boolean;
}

/** What was finished of a partition when it was last looked at, and since when it is that. */
interface Progress {
  committable: number;
  finishedAbove: number;
  since: number;
  isTold: boolean;
}

export class LagWatch {
  readonly #options: LagWatchOptions;
  #progress = new Map<PartitionState, Progress>();
  /** Partitions whose records near their end; told once, until they have caught up. */
  #near = new Set<PartitionState>();
  #timer: Timer | undefined;
  #isAsking = false;

  constructor(options: LagWatchOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, maxPollIntervalMs } = this.#options;
    this.#timer = every(clock, Math.max(1, Math.min(LOOK_MS, maxPollIntervalMs / 4)), () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #look(): void {
    const states = this.#options.partitions.list();
    this.#lookForProgress(states);
    if (!this.#isAsking) void this.#lookForAge(states);
  }

  #lookForProgress(states: readonly PartitionState[]): void {
    const { clock, isPaused } = this.#options;
    const now = clock.monotonic();
    const before = this.#progress;
    this.#progress = new Map();
    for (const state of states) {
      const { committableOffset: committable, finishedAbove } = state.tracker;
      const last = before.get(state);
      const isPausedByUser = isPaused() || state.holds.has('user');
      const stands = last !== undefined && last.committable === committable && last.finishedAbove === finishedAbove;
      if (!stands || isPausedByUser || this.#lagOf(state) === 0) {
        this.#progress.set(state, { committable, finishedAbove, since: now, isTold: false });
        continue;
      }
      this.#progress.set(state, last);
      if (last.isTold || now - last.since < this.#options.maxPollIntervalMs) continue;
      last.isTold = true;
      this.#tellStalled(state, now - last.since);
    }
  }

  #tellStalled(state: PartitionState, ms: number): void {
    const { listener, index, logger, events } = this.#options;
    const { topic, partition, tracker } = state;
    const lag = this.#lagOf(state);
    const oldest = tracker.oldestUnfinished ?? tracker.committableOffset;
    const holds = state.holds.size === 0 ? '' : ` (held: ${[...state.holds].join(', ')})`;
    logger.warn(
      `listener '${listener}': nothing of ${topic}-${partition} was finished for ${Math.round(ms)} ms, and ${lag} record(s) ` +
        `are to be done; the oldest is offset ${oldest}, ${state.queue.running} run${holds}`,
    );
    events.emit({ type: 'stalled', consumer: index, partition: { topic, partition }, ms, lag, oldest });
  }

  /** Asks only for partitions that have something to do. */
  async #lookForAge(states: readonly PartitionState[]): Promise<void> {
    const { consumer, logger, listener } = this.#options;
    const behind = states.filter((state) => this.#lagOf(state) > 0);
    this.#near = new Set([...this.#near].filter((state) => behind.includes(state)));
    if (behind.length === 0 || !consumer.retentionOf) return;
    this.#isAsking = true;
    try {
      const retention = await consumer.retentionOf([...new Set(behind.map(({ topic }) => topic))]);
      for (const [topic, ms] of retention) {
        const own = behind.filter((state) => state.topic === topic);
        await this.#lookInTopic(own, ms);
      }
    } catch (error) {
      logger.debug?.(`listener '${listener}': the age of what is not handled yet is unknown: ${messageOf(error)}`);
    } finally {
      this.#isAsking = false;
    }
  }

  async #lookInTopic(states: readonly PartitionState[], retentionMs: number): Promise<void> {
    const { consumer, clock, logger, listener, events, index } = this.#options;
    const since = Math.floor(clock.now() - NEAR_SHARE * retentionMs);
    const young = await consumer.offsetsAt(coordinates(states), since);
    for (const state of states) {
      const { topic, partition, tracker } = state;
      const position = tracker.committableOffset;
      const records = (young.get(topic, partition) ?? 0) - position;
      if (records <= 0) this.#near.delete(state);
      if (records <= 0 || this.#near.has(state) || state.isDropped) continue;
      this.#near.add(state);
      logger.warn(
        `listener '${listener}': ${records} record(s) of ${topic}-${partition} from offset ${position} on are older than ` +
          `${NEAR_SHARE * 100} % of retention.ms=${retentionMs} and not handled yet: they will soon be deleted unread. ` +
          "Give the listener more workers, or raise the topic's retention.ms",
      );
      events.emit({
        type: 'retention-near',
        consumer: index,
        partition: { topic, partition },
        position,
        records,
        retentionMs,
      });
    }
  }

  #lagOf(state: PartitionState): number {
    return lagOf(state, this.#options.consumer);
  }
}

/** Records of the log that are not finished yet, as far as the last fetch told; offsets without a record count too. */
export function lagOf({ topic, partition, tracker, highWatermark }: PartitionState, consumer: ConsumerClient): number {
  const end = consumer.highWatermark?.(topic, partition) ?? highWatermark;
  return Math.max(0, end - tracker.committableOffset);
}
