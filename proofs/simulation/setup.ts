import { type Random } from '../../src/common/random.js';
import { type KafkaRecord } from '../../src/common/record.js';
import { type AckMode } from '../../src/runtime/dispatch/commit-policy.js';
import { type Order } from '../../src/runtime/dispatch/key-dispatcher.js';

// What one run is about: the listener that all processes of the run share, drawn from the run's seed.

export interface Setup {
  readonly partitions: number;
  readonly strategy: string;
  readonly isStatic: boolean;
  readonly concurrency: number;
  /** Undefined: a consumer handles its records one after another. */
  readonly workers: number | undefined;
  readonly order: Order;
  readonly ackMode: AckMode;
  readonly gapMap: boolean;
  readonly batch: boolean;
  readonly slowHandler: 'abort' | 'warn' | 'leave';
}

const STRATEGIES = ['range', 'roundrobin', 'sticky', 'cooperative-sticky'] as const;
const RECORD_MODES = ['RECORD', 'BATCH', 'TIME', 'COUNT', 'COUNT_TIME', 'MANUAL', 'MANUAL_IMMEDIATE'] as const;

export function drawSetup(random: Random): Setup {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;
  const isPool = random.next() < 0.65;
  const order: Order = isPool ? pick(['key', 'key', 'partition', 'none'] as const) : 'partition';
  const batch = order === 'partition' && random.next() < 0.3;
  return {
    partitions: 1 + Math.floor(random.next() * 4),
    strategy: pick(STRATEGIES),
    isStatic: random.next() < 0.3,
    concurrency: random.next() < 0.25 ? 2 : 1,
    workers: isPool ? 1 + Math.floor(random.next() * 8) : undefined,
    order,
    ackMode: pick(batch ? RECORD_MODES.slice(1) : RECORD_MODES),
    gapMap: order !== 'partition',
    batch,
    slowHandler: pick(['abort', 'leave', 'warn'] as const),
  };
}

/** In one line, for those who read of a failure. */
export function setupText({ workers, order, batch, ackMode, gapMap, strategy, isStatic, ...rest }: Setup): string {
  const model = workers === undefined ? 'consumer model' : `pool of ${workers} by ${order}`;
  const words = [batch ? 'batches' : 'records', ackMode, ...(gapMap ? ['gap map'] : []), strategy];
  const group = `${rest.partitions} partitions, ${rest.concurrency} consumer(s) a process`;
  return `${model}, ${words.join(', ')}, ${isStatic ? 'static, ' : ''}${group}, ${rest.slowHandler}`;
}

/** Records that must not overtake each other share a lane; undefined where nothing is promised. */
export function laneOf({ partition, key }: Pick<KafkaRecord, 'partition' | 'key'>, setup: Setup): string | undefined {
  if (setup.workers === undefined || setup.order === 'partition') return `partition ${partition}`;
  return setup.order === 'none' || key === null ? undefined : `key ${partition}:${key.toString()}`;
}
