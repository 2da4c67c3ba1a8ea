import { describe, expect, it } from '@jest/globals';
import { sleep } from '../../../src/common/clock.js';
import { NestdawError } from '../../../src/common/errors.js';
import { type KafkaRecord } from '../../../src/common/record.js';
import {
  defaultErrorHandler,
  delegatingErrorHandler,
  loggingErrorHandler,
  stoppingErrorHandler,
} from '../../../src/runtime/listener/failures/error-handler.js';
import { type Failure } from '../../../src/runtime/listener/failures/failure.js';
import { DONE } from '../../../src/runtime/listener/listener-endpoint.js';
import { failed, GatedHandler, Harness, TOPIC } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

const POOL = { workers: 2, order: 'none' as const };
const SMALL = { budgetRecords: 4, pollMaxRecords: 4 };

/** Partition 0 is full of records that hang; what becomes of one that comes in partition 1? */
async function full(overflow: 'pause' | 'block' | 'caller-runs' | 'reject', records = 4) {
  const handler = new GatedHandler();
  const harness = new Harness({
    partitions: 2,
    endpoint: POOL,
    settings: { ...SMALL, pollMaxRecords: records, overflow, errorHandler: loggingErrorHandler() },
    invoke: handler.invoke,
  });
  harness.push(records);
  await harness.start();
  await flush(6);
  harness.push(1, () => null, 1);
  await flush(6);
  return { handler, harness };
}

describe('when the budget of a partition is used up', () => {
  it('`pause` lets the other partitions be polled', async () => {
    const { handler, harness } = await full('pause');
    expect(harness.partition(1).unfinished).toBe(1);
    expect([harness.consumer.pausesOf(TOPIC, 0), harness.consumer.pausesOf(TOPIC, 1)]).toEqual([['backpressure'], []]);
    await handler.endAll();
    await harness.container.stop();
    expect([harness.committed(0), harness.committed(1)]).toEqual([4, 1]);
  });

  it('`block` polls nothing until there is room', async () => {
    const { handler, harness } = await full('block');
    expect(harness.partition(1).unfinished).toBe(0);
    expect(handler.running.size).toBe(2);
    await handler.end(0);
    await handler.end(1);
    await flush(6);
    expect(harness.partition(1).unfinished).toBe(1);
    await handler.endAll();
    await flush();
    await harness.container.stop();
    expect(harness.committed(1)).toBe(1);
  });

  it.each<[string, (harness: Harness) => unknown]>([
    ['taken away', ({ consumer }) => consumer.rebalance([{ topic: TOPIC, partition: 1 }])],
    ['moved', ({ container }) => container.seek('end', { topic: TOPIC, partition: 0 })],
    ['paused', ({ container }) => container.pausePartitions([{ topic: TOPIC, partition: 0 }])],
  ])('`block` polls on when the partition is %s, though no handler of it ends', async (_how, change) => {
    const harness = new Harness({
      partitions: 2,
      endpoint: POOL,
      settings: { ...SMALL, overflow: 'block', errorHandler: () => ({ action: 'retry', delayMs: 3_600_000 }) },
      invoke: ({ partition }) => (partition === 0 ? failed() : DONE),
    });
    harness.push(4);
    await harness.start();
    await flush(6);
    harness.push(1, () => null, 1);
    await flush(6);
    expect([harness.partition(0).retrying, harness.committed(1)]).toEqual([4, 0]);
    await change(harness);
    await flush(6);
    expect(harness.committed(1)).toBe(1);
    await harness.container.stop();
  });

  it('`caller-runs` handles one more record in the poll loop, which polls when that has ended', async () => {
    const { handler, harness } = await full('caller-runs');
    const seen = () => [handler.started.length, handler.running.size, harness.partition(1).unfinished];
    // Two workers, and the loop: three in work.
    expect([handler.started, ...seen()]).toEqual([[0, 1, 2], 3, 3, 0]);
    await handler.end(2);
    await flush(6);
    // It has polled, and takes the next, for the partition is still full.
    expect([handler.started, ...seen()]).toEqual([[0, 1, 2, 3], 4, 3, 1]);
    harness.push(1, () => null, 1);
    await handler.end(0);
    await flush(6);
    // A worker goes on beside it; the loop waits for its own record alone.
    expect(seen()).toEqual([5, 3, 1]);
    await handler.end(3);
    await flush(6);
    // There is room: it polls, and nothing runs but what the workers have.
    expect(seen()).toEqual([5, 2, 2]);
    await handler.endAll();
    await flush(6);
    await handler.endAll();
    await harness.container.stop();
    expect([harness.committed(0), harness.committed(1)]).toEqual([4, 2]);
  });

  it('`caller-runs` leaves the workers as they are, also where there are more of them when its record ends', async () => {
    const { handler, harness } = await full('caller-runs', 8);
    harness.container.workers = 3;
    await handler.end(2);
    await flush(6);
    // Three workers, one of them new, and the loop.
    expect([handler.started, handler.running.size]).toEqual([[0, 1, 2, 3, 4], 4]);
    for (const offset of [3, 0, 1]) {
      await handler.end(offset);
      expect(handler.running.size).toBe(4);
    }
    await handler.endAll();
    await harness.container.stop();
  });

  it('`reject` fails what is beyond it, and the error handler decides', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({
      endpoint: POOL,
      settings: { budgetRecords: 4, pollMaxRecords: 50, overflow: 'reject', errorHandler: loggingErrorHandler() },
      invoke: handler.invoke,
    });
    harness.push(10);
    await harness.start();
    await flush();
    await handler.endAll();
    await flush();
    await handler.endAll();
    expect(handler.started).toEqual([0, 1, 2, 3]);
    expect(harness.ofType('failed').map(({ error }) => (error as NestdawError).code)).toEqual(
      Array.from({ length: 6 }, () => 'KAFKA_POOL_FULL'),
    );
    await harness.container.stop();
    expect(harness.committed()).toBe(10);
  });
});

describe('a rate', () => {
  it('is kept by a listener, and what waits keeps no worker', async () => {
    const at: number[] = [];
    const harness: Harness = new Harness({
      endpoint: { workers: 4, order: 'none' },
      settings: { rate: { perSecond: 10, burst: 2 } },
      invoke: () => {
        at.push(harness.clock.monotonic());
        return DONE;
      },
    });
    harness.push(6);
    await harness.start();
    await harness.clock.advance(1_000);
    expect(at).toEqual([0, 0, 100, 200, 300, 400]);
    await harness.container.stop();
    expect(harness.committed()).toBe(6);
  });

  it('is kept by each key, and what waits does not keep the only worker', async () => {
    const at: string[] = [];
    const harness: Harness = new Harness({
      partitions: 2,
      endpoint: { workers: 1, order: 'key' },
      settings: { rate: { perSecond: 10, perKey: true } },
      invoke: ({ key, partition, offset }: KafkaRecord) => {
        at.push(`${key?.toString() ?? `-${partition}`}:${offset} at ${harness.clock.monotonic()}`);
        return DONE;
      },
    });
    harness.push(4, (i) => (i < 2 ? 'a' : 'b'));
    harness.push(2, () => null, 1);
    await harness.start();
    expect(harness.container.describe().consumers[0]!.running).toBe(0);
    await harness.clock.advance(1_000);
    const first = ['-1:0 at 0', 'a:0 at 0', 'b:2 at 0'];
    expect(at.slice(0, 3).sort()).toEqual(first);
    expect(at.slice(3).sort()).toEqual(['-1:1 at 100', 'a:1 at 100', 'b:3 at 100']);
    await harness.container.stop();
    expect([harness.committed(0), harness.committed(1)]).toEqual([4, 2]);
  });
});

describe('a pool that steers itself', () => {
  it.each<['latency' | 'lag', number[]]>([
    ['latency', [2, 4]],
    ['lag', [2, 3]],
  ])('by %s takes more workers while that pays, fewer when there is no work, and says so', async (by, first) => {
    let [running, most] = [0, 0];
    const harness: Harness = new Harness({
      endpoint: { workers: 2, order: 'none', steering: { min: 2, max: 8, by } },
      settings: { budgetRecords: 5_000 },
      invoke: () => {
        most = Math.max(most, ++running);
        return sleep(harness.clock, 50).then(() => {
          running--;
          return DONE;
        });
      },
    });
    harness.push(2_000);
    await harness.start();
    await harness.clock.advance(6_000);
    const steps = () => harness.ofType('resized').map(({ from, to }) => [from, to]);
    expect(steps()[0]).toEqual(first);
    const described = () => harness.container.describe().consumers[0]!.workers;
    expect([steps().at(-1)![1], most, described()]).toEqual([8, 8, 8]);
    await harness.clock.advance(25_000);
    expect(harness.committed()).toBe(2_000);
    expect([steps().at(-1)![1], described()]).toEqual([2, 2]);
    await harness.container.stop();
  });
});

describe('error handlers', () => {
  class Busy extends Error {}
  const failure = (error: unknown, attempt = 1, more: Partial<Failure> = {}): Failure => ({
    listener: 'l',
    record: { topic: TOPIC, partition: 0, offset: 0 } as KafkaRecord,
    error,
    attempt,
    ...more,
  });

  it('have rules of their own for single kinds of errors, by class, code or function, causes too', () => {
    const decide = defaultErrorHandler({
      retries: 2,
      fatal: [TypeError],
      retriable: ['KAFKA_VALIDATION_FAILED'],
      policies: [
        { on: Busy, retries: 100, backoff: (n) => n * 10 },
        { on: (error) => (error as { status?: number }).status === 404, retries: 0, exhausted: 'skip' },
        { on: [Busy, RangeError], retries: 1, exhausted: 'stop-container' },
      ],
    });
    expect(decide(failure(new Busy(), 50))).toEqual({ action: 'retry', delayMs: 500 });
    expect(decide(failure(new Error('wrapped', { cause: new Busy() }), 7))).toMatchObject({ action: 'retry' });
    expect(decide(failure({ status: 404 }))).toMatchObject({ action: 'skip' });
    expect(decide(failure(new TypeError('x')))).toEqual({ action: 'pause-partition' });
    expect(decide(failure(new NestdawError('KAFKA_VALIDATION_FAILED', 'x')))).toMatchObject({ action: 'retry' });
    expect(decide(failure(new NestdawError('KAFKA_DESERIALIZATION_FAILED', 'x')))).toEqual({
      action: 'pause-partition',
    });
    expect(decide(failure(new Error('x'), 2))).toEqual({ action: 'retry', delayMs: 0 });
    expect(decide(failure(new Error('x'), 3))).toEqual({ action: 'pause-partition' });
    expect(decide(failure(new RangeError('x'), 1))).toMatchObject({ action: 'retry' });
    expect(decide(failure(new RangeError('x'), 2))).toEqual({ action: 'stop-container' });
    expect(decide(failure(new Busy(), 101))).toEqual({ action: 'pause-partition' });
    expect(decide(failure(new Busy(), 1, { timeouts: 3, isTooSlow: true }))).toEqual({ action: 'pause-partition' });
  });

  it('delegate by the kind of error, stop the container, log only', () => {
    const decide = delegatingErrorHandler(stoppingErrorHandler(), [
      { on: [Busy], handler: loggingErrorHandler() },
      { on: Error, handler: ({ attempt }) => ({ action: 'retry', delayMs: attempt }) },
    ]);
    expect(decide(failure(new Busy()))).toMatchObject({ action: 'skip' });
    expect(decide(failure({ cause: new Busy() }))).toMatchObject({ action: 'skip' });
    expect(decide(failure(new Error('x'), 7))).toEqual({ action: 'retry', delayMs: 7 });
    expect(decide(failure('no error'))).toEqual({ action: 'stop-container' });
  });
});

describe('those who look on', () => {
  it('are told about failures and recoveries, and interceptors stand around each call', async () => {
    const log: string[] = [];
    let fails = true;
    const harness = new Harness({
      settings: {
        errorHandler: defaultErrorHandler({ retries: 1, recoverer: () => undefined }),
        retryListeners: [
          {
            failedDelivery: ({ offset }, _error, attempt, { action }) =>
              log.push(`${offset} failed ${attempt} ${action}`),
            recovered: ({ offset }) => log.push(`${offset} recovered`),
          },
        ],
        recordInterceptors: [
          {
            intercept: (record) => (record.offset === 2 ? null : record),
            success: ({ offset }) => void log.push(`${offset} success`),
            failure: ({ offset }) => void log.push(`${offset} failure`),
            afterRecord: ({ offset }) => void log.push(`${offset} after`),
          },
        ],
      },
      invoke: ({ offset }) => (offset === 1 && fails ? failed() : DONE),
    });
    harness.push(4);
    await harness.start();
    await flush(6);
    fails = false;
    expect(log).toEqual([
      '0 success',
      '0 after',
      '1 failure',
      '1 after',
      '1 failed 1 retry',
      '1 failure',
      '1 after',
      '1 failed 2 recover',
      '1 recovered',
      '3 success',
      '3 after',
    ]);
    await harness.container.stop();
    expect(harness.committed()).toBe(4);
  });

  it('change what comes after them when they are interceptors; who passes one over is the last asked', async () => {
    const asked: string[] = [];
    const handled: string[] = [];
    const harness = new Harness({
      settings: {
        recordInterceptors: [
          {
            intercept: (record) =>
              record.offset === 1 ? null : { ...record, value: Buffer.from(`${record.offset}a`) },
          },
          {
            intercept: (record) => {
              asked.push(String(record.value));
              return { ...record, value: Buffer.from(`${String(record.value)}b`) };
            },
          },
        ],
      },
      invoke: ({ value }) => {
        handled.push(String(value));
        return DONE;
      },
    });
    harness.push(3);
    await harness.start();
    expect([asked, handled]).toEqual([
      ['0a', '2a'],
      ['0ab', '2ab'],
    ]);
    expect(harness.committed()).toBe(3);
    expect(harness.container.describe().consumers[0]!.counters).toMatchObject({ filtered: 1, finished: 3 });
    await harness.container.stop();
  });

  it('stand around each batch too, of what is left of it', async () => {
    const log: string[] = [];
    const note = (what: string, records: readonly KafkaRecord[]) =>
      void log.push(`${what} ${records.map(({ offset, value }) => `${offset}${String(value)}`).join()}`);
    const harness = new Harness({
      settings: {
        pollMaxRecords: 2,
        batchInterceptors: [
          {
            intercept: (records) => {
              note('before', records);
              return records[0]!.offset === 2 ? null : records.map((one) => ({ ...one, value: Buffer.from('!') }));
            },
            success: (records) => note('success', records),
            failure: (records, error) => note((error as Error).message, records),
            afterBatch: (records) => note('after', records),
          },
        ],
      },
      batch: (records) => {
        note('handler', records);
        return log.length === 2 ? { status: 'failed-at', index: 1, error: new Error('boom') } : DONE;
      },
    });
    harness.push(6);
    await harness.start();
    await flush(6);
    expect(log).toEqual([
      'before 0,1',
      'handler 0!,1!',
      'boom 0!,1!',
      'after 0!,1!',
      'before 1',
      'handler 1!',
      'success 1!',
      'after 1!',
      'before 2,3',
      'before 4,5',
      'handler 4!,5!',
      'success 4!,5!',
      'after 4!,5!',
    ]);
    expect(harness.committed()).toBe(6);
    expect(harness.container.describe().consumers[0]!.counters).toMatchObject({ filtered: 2, failed: 1 });
    await harness.container.stop();
  });

  it('are counted and timed when they are interceptors, and when they throw', async () => {
    const harness: Harness = new Harness({
      settings: {
        errorHandler: defaultErrorHandler({ retries: 0, exhausted: 'skip' }),
        recordInterceptors: [
          {
            intercept: (record) => {
              void harness.clock.leap(4);
              if (record.offset === 1) throw new Error('before the handler');
              return record;
            },
            afterRecord: ({ offset }) => {
              void harness.clock.leap(1);
              if (offset === 2) throw new Error('after the handler');
            },
          },
        ],
      },
    });
    harness.push(4);
    await harness.start();
    await flush(6);
    expect(harness.committed()).toBe(4);
    expect(harness.container.describe().interceptors).toEqual({ calls: 4, errors: 2, ms: 20 });
  });
});
