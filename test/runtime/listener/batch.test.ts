import { describe, expect, it } from '@jest/globals';
import { deferred } from '../../../src/common/lifecycle.js';
import { defaultErrorHandler } from '../../../src/runtime/listener/failures/error-handler.js';
import { type BatchInvoker, type BatchOutcome } from '../../../src/runtime/listener/listener-endpoint.js';
import { Harness } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

/** Notes batches as `partition:first-last#attempt`. */
function noting(answer: (name: string) => BatchOutcome = () => ({ status: 'done' })) {
  const batches: string[] = [];
  const batch: BatchInvoker = (records, { attempt }) => {
    const name = `${records[0]!.partition}:${records[0]!.offset}-${records.at(-1)!.offset}#${attempt}`;
    batches.push(name);
    return answer(name);
  };
  return { batches, batch };
}

describe('a batch listener', () => {
  it('gets the records of a poll by partition, and commits them as a whole', async () => {
    const { batches, batch } = noting();
    const harness = new Harness({ partitions: 2, settings: { pollMaxRecords: 10 }, batch });
    harness.push(12, undefined, 0);
    harness.push(3, undefined, 1);
    await harness.start();
    await flush(10);
    expect(batches).toEqual(['0:0-9#1', '0:10-11#1', '1:0-2#1']);
    expect([harness.committed(0), harness.committed(1)]).toEqual([12, 3]);
    await harness.container.stop();
  });

  it('commits what is before the record that failed, and repeats from there', async () => {
    const { batches, batch } = noting((name) =>
      name === '0:0-5#1' ? { status: 'failed-at', index: 2, error: new Error('x') } : { status: 'done' },
    );
    const harness = new Harness({ batch });
    harness.push(6);
    await harness.start();
    expect(batches).toEqual(['0:0-5#1', '0:2-5#2']);
    expect(harness.committed()).toBe(6);
    await harness.container.stop();
  });

  it('skips only the record that failed, once its retries are used up', async () => {
    const { batches, batch } = noting((name) => {
      const first = Number(/:(\d+)-/.exec(name)![1]);
      return first <= 2 ? { status: 'failed-at', index: 2 - first, error: new Error('x') } : { status: 'done' };
    });
    const harness = new Harness({
      settings: { errorHandler: defaultErrorHandler({ retries: 2, exhausted: 'skip' }) },
      batch,
    });
    harness.push(6);
    await harness.start();
    expect(batches).toEqual(['0:0-5#1', '0:2-5#2', '0:2-5#3', '0:3-5#1']);
    expect(harness.committed()).toBe(6);
    expect(harness.container.describe().consumers[0]!.counters).toMatchObject({ finished: 6, skipped: 1, failed: 3 });
    await harness.container.stop();
  });

  it('counts the failures of each of its records by themselves', async () => {
    const failures: Record<string, number> = { '0:0-5#1': 0, '0:0-5#2': 0, '0:0-5#3': 4, '0:4-5#2': 0 };
    const { batches, batch } = noting((name) => {
      const index = failures[name];
      return index === undefined ? { status: 'done' } : { status: 'failed-at', index, error: new Error('x') };
    });
    const harness = new Harness({
      settings: { errorHandler: defaultErrorHandler({ retries: 2, exhausted: 'skip' }) },
      batch,
    });
    harness.push(6);
    await harness.start();
    expect(batches).toEqual(['0:0-5#1', '0:0-5#2', '0:0-5#3', '0:4-5#2', '0:4-5#3']);
    expect(harness.committed()).toBe(6);
    expect(harness.container.describe().consumers[0]!.counters).toMatchObject({ skipped: 0, failed: 4 });
    await harness.container.stop();
  });

  const error = new Error('database is down');
  it.each<[how: string, BatchOutcome]>([
    ['as a whole', { status: 'failed', error }],
    ['at a record that it does not have', { status: 'failed-at', index: 4, error }],
    ['at no index', { status: 'failed-at', index: -1, error }],
  ])('repeats as a whole, and ends so, when it failed %s', async (_how, outcome) => {
    const { batches, batch } = noting((name) => (name.startsWith('0:4') ? { status: 'done' } : outcome));
    const harness = new Harness({
      settings: { pollMaxRecords: 4, errorHandler: defaultErrorHandler({ retries: 2, exhausted: 'skip' }) },
      batch,
    });
    harness.push(6);
    await harness.start();
    await flush(6);
    expect(batches).toEqual(['0:0-3#1', '0:0-3#2', '0:0-3#3', '0:4-5#1']);
    expect(harness.committed()).toBe(6);
    expect(harness.container.describe().consumers[0]!.counters).toMatchObject({ failed: 3, skipped: 4 });
    await harness.container.stop();
  });

  it('is acknowledged as a whole under the manual modes', async () => {
    const harness = new Harness({
      endpoint: { ackMode: 'MANUAL_IMMEDIATE' },
      batch: async (_records, { acknowledgment }) => {
        await acknowledgment!.acknowledge();
        return { status: 'done' };
      },
    });
    harness.push(5);
    await harness.start();
    await flush(10);
    expect(harness.committed()).toBe(5);
    await harness.container.stop();
  });

  it('runs batches of several partitions at once in a pool', async () => {
    const gates = [deferred(), deferred()];
    const running: number[] = [];
    const harness = new Harness({
      partitions: 2,
      endpoint: { workers: 2, order: 'partition' },
      batch: async ([first]) => {
        running.push(first!.partition);
        await gates[first!.partition]!.promise;
        return { status: 'done' };
      },
    });
    harness.push(3, undefined, 0);
    harness.push(3, undefined, 1);
    await harness.start();
    expect(running).toEqual([0, 1]);
    for (const gate of gates) gate.resolve();
    await flush();
    expect([harness.committed(0), harness.committed(1)]).toEqual([3, 3]);
    await harness.container.stop();
  });
});
