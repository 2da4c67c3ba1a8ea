import { type Clock, systemClock } from '../../common/clock.js';
import { NestdawError } from '../../common/errors.js';
import { type KafkaRecord } from '../../common/record.js';
import { type LogMoment } from '../../common/seek-target.js';
import { partitionName, type TopicPartition } from '../../common/topic-partition.js';
import { type ManualPartition } from './consumer/consumer-options.js';
import { type ConsumerClient } from './consumer-client.js';

// Reads partitions from somewhere to where they end now, once, outside of any group.

/** Makes a consumer of these partitions that belongs to no group. */
export type ReaderFactory = (partitions: readonly ManualPartition[]) => ConsumerClient;

export interface LogRange extends TopicPartition {
  /** Offset, or a moment: the log's beginning, or a time in ms since the epoch. Default the beginning. */
  readonly from?: number | { readonly timestamp: number } | undefined;
  /** Offset behind the last one. Default, and at most, where the log ends now. */
  readonly to?: number | undefined;
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** Gives up when nothing has come for this long. Default 60,000 ms. */
  readonly patienceMs?: number;
}

const POLL = { maxRecords: 1_000, maxWaitMs: 1_000 };

/**
 * Calls `visit` for every record of the ranges, in order within a partition, and waits where it gives a promise; stops
 * early when it answers false.
 * Rejects with KAFKA_REQUEST_TIMEOUT when nothing has come for too long.
 */
export async function readLogs(
  create: ReaderFactory,
  ranges: readonly LogRange[],
  visit: (record: KafkaRecord) => unknown,
  { signal, clock = systemClock, patienceMs = 60_000 }: ReadOptions = {},
): Promise<void> {
  if (ranges.length === 0) return;
  const consumer = create(ranges.map(({ topic, partition, from }) => ({ topic, partition, start: startOf(from) })));
  try {
    await consumer.start({ onAssigned: () => undefined, onRevoked: () => undefined, onLost: () => undefined });
    const ends = await consumer.offsetsAt(ranges, 'end' satisfies LogMoment);
    for (const { topic, partition, to } of ranges) {
      if (to !== undefined) ends.set(topic, partition, Math.min(to, ends.get(topic, partition) ?? 0));
    }
    const open = () =>
      ranges.filter(
        ({ topic, partition }) => (consumer.position(topic, partition) ?? 0) < (ends.get(topic, partition) ?? 0),
      );
    let last = clock.monotonic();
    while (open().length > 0 && !signal?.aborted) {
      const polled = await consumer.poll({ ...POLL, ...(signal ? { signal } : {}) });
      for (const { topic, partition, records } of polled) {
        const end = ends.get(topic, partition)!;
        for (const record of records) {
          if (record.offset >= end) break;
          const answer = visit(record);
          if (answer === false || (answer instanceof Promise && (await answer) === false)) return;
        }
      }
      if (polled.length > 0) last = clock.monotonic();
      else if (clock.monotonic() - last > patienceMs) throw tooSlow(open(), patienceMs);
    }
  } finally {
    await consumer.stop();
  }
}

function startOf(from: LogRange['from']): NonNullable<ManualPartition['start']> {
  return from ?? 'beginning';
}

function tooSlow(open: readonly TopicPartition[], patienceMs: number): NestdawError {
  const message = `reading ${open.map(partitionName).join(', ')} brought nothing for ${patienceMs} ms`;
  return new NestdawError('KAFKA_REQUEST_TIMEOUT', message, { retriable: true });
}
