import { type Clock, every, type Timer } from '../../../common/clock.js';
import { type TopicPartition, TopicPartitionMap } from '../../../common/topic-partition.js';
import { type PartitionRecords } from '../../client/consumer-client.js';
import { type ContainerEvents } from '../container-events.js';

// Tells when nothing has come for a while: to a consumer as a whole, and to single partitions.

export interface IdleWatchOptions {
  readonly consumer: number;
  readonly idleEventMs: number | undefined;
  readonly idlePartitionEventMs: number | undefined;
  readonly assignment: () => readonly TopicPartition[];
  readonly isPaused: () => boolean;
  /** It alone, or the whole consumer. */
  readonly isPartitionPaused: (partition: TopicPartition) => boolean;
  readonly clock: Clock;
  readonly events: ContainerEvents;
}

/** Since when nothing comes, and when that was last told. */
interface Quiet {
  since: number;
  toldAt: number | undefined;
}

export class IdleWatch {
  readonly #options: IdleWatchOptions;
  readonly #whole: Quiet;
  readonly #partitions = new TopicPartitionMap<Quiet>();
  #timer: Timer | undefined;

  constructor(options: IdleWatchOptions) {
    this.#options = options;
    this.#whole = { since: options.clock.monotonic(), toldAt: undefined };
  }

  start(): void {
    const { idleEventMs, idlePartitionEventMs, clock } = this.#options;
    const shortest = Math.min(
      idleEventMs ?? Number.POSITIVE_INFINITY,
      idlePartitionEventMs ?? Number.POSITIVE_INFINITY,
    );
    if (shortest === Number.POSITIVE_INFINITY) return;
    this.#whole.since = clock.monotonic();
    this.#timer = every(clock, Math.max(1, shortest / 4), () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Records came. */
  received(polled: readonly PartitionRecords[]): void {
    if (this.#timer === undefined) return;
    const { clock, consumer, events, idlePartitionEventMs } = this.#options;
    const now = clock.monotonic();
    const ms = wake(this.#whole, now);
    if (ms !== undefined) events.emit({ type: 'no-longer-idle', consumer, ms });
    if (idlePartitionEventMs === undefined) return;
    for (const { topic, partition } of polled) {
      const quietMs = wake(this.#quietOf(topic, partition, now), now);
      if (quietMs === undefined) continue;
      events.emit({ type: 'partition-no-longer-idle', consumer, ms: quietMs, partition: { topic, partition } });
    }
  }

  #look(): void {
    const { clock, consumer, events, idleEventMs, idlePartitionEventMs, assignment } = this.#options;
    const { isPaused, isPartitionPaused } = this.#options;
    const now = clock.monotonic();
    const partitions = assignment();
    if (idleEventMs !== undefined && isDue(this.#whole, idleEventMs, now)) {
      const ms = now - this.#whole.since;
      events.emit({ type: 'idle', consumer, ms, partitions, isPaused: isPaused() });
    }
    if (idlePartitionEventMs === undefined) return;
    const owned = new TopicPartitionMap<true>();
    for (const { topic, partition } of partitions) {
      owned.set(topic, partition, true);
      const quiet = this.#quietOf(topic, partition, now);
      if (!isDue(quiet, idlePartitionEventMs, now)) continue;
      const ms = now - quiet.since;
      const idle = { topic, partition };
      events.emit({ type: 'partition-idle', consumer, ms, partition: idle, isPaused: isPartitionPaused(idle) });
    }
    for (const [{ topic, partition }] of Array.from(this.#partitions.entries())) {
      if (!owned.has(topic, partition)) this.#partitions.delete(topic, partition);
    }
  }

  #quietOf(topic: string, partition: number, now: number): Quiet {
    return this.#partitions.getOrCreate(topic, partition, () => ({ since: now, toldAt: undefined }));
  }
}

function isDue(quiet: Quiet, intervalMs: number, now: number): boolean {
  if (now - (quiet.toldAt ?? quiet.since) < intervalMs) return false;
  quiet.toldAt = now;
  return true;
}

/** Ends a quiet time; how long it was, when somebody was told of it. */
function wake(quiet: Quiet, now: number): number | undefined {
  const ms = quiet.toldAt === undefined ? undefined : now - quiet.since;
  quiet.since = now;
  quiet.toldAt = undefined;
  return ms;
}
