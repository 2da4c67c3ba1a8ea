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

  it('repeats as a whole when it failed as a whole', async () => {
    let failures = 2;
    const { batches, batch } = noting(() =>
      failures-- > 0 ? { status: 'failed', error: new Error('database is down') } : { status: 'done' },
    );
    const harness = new Harness({ batch });
    harness.push(4);
    await harness.start();
    expect(batches).toEqual(['0:0-3#1', '0:0-3#2', '0:0-3#3']);
    expect(harness.committed()).toBe(4);
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
