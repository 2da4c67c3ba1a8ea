import { describe, expect, it } from '@jest/globals';
import { type Deferred, deferred } from '../../../src/common/lifecycle.js';
import { defaultErrorHandler } from '../../../src/runtime/listener/failures/error-handler.js';
import { type Failure } from '../../../src/runtime/listener/failures/failure.js';
import { type RetryListener } from '../../../src/runtime/listener/failures/retry-listener.js';
import { DONE, type RecordInvoker } from '../../../src/runtime/listener/listener-endpoint.js';
import { failed, Harness } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

/** A recoverer whose promises settle when the test says so. */
class SlowRecoverer {
  readonly taken: Failure[] = [];
  readonly #pending: Array<Deferred<void>> = [];

  readonly recover = (failure: Failure): Promise<void> => {
    this.taken.push(failure);
    const end = deferred();
    this.#pending.push(end);
    return end.promise;
  };

  async end(error?: Error): Promise<void> {
    const pending = this.#pending.shift()!;
    if (error) pending.reject(error);
    else pending.resolve();
    await flush(10);
  }
}

function poison(offset: number, ran: string[]): RecordInvoker {
  return (record, { attempt }) => {
    ran.push(`${record.offset}#${attempt}`);
    return record.offset === offset ? failed() : DONE;
  };
}

describe('a record handed to a recoverer', () => {
  it('is committed only when the recoverer has taken it, and nothing of its lane overtakes it', async () => {
    const recoverer = new SlowRecoverer();
    const ran: string[] = [];
    const harness = new Harness({
      settings: { errorHandler: defaultErrorHandler({ retries: 1, recoverer }) },
      invoke: poison(1, ran),
    });
    harness.push(3);
    await harness.start();
    expect(ran).toEqual(['0#1', '1#1', '1#2']);
    expect(recoverer.taken).toEqual([expect.objectContaining({ listener: 'billing', groupId: 'billing', attempt: 2 })]);
    expect(harness.committed() ?? 0).toBeLessThan(2);
    await recoverer.end();
    expect(ran).toEqual(['0#1', '1#1', '1#2', '2#1']);
    expect(harness.committed()).toBe(3);
    expect(harness.container.describe().consumers[0]!.counters).toMatchObject({ recovered: 1, finished: 3 });
    expect(harness.ofType('recovered')).toHaveLength(1);
    await harness.container.stop();
  });

  it('lets its lane go on when it need not wait, but holds the commit', async () => {
    const recoverer = new SlowRecoverer();
    const ran: string[] = [];
    const harness = new Harness({
      settings: { errorHandler: () => ({ action: 'recover', recoverer, isOrdered: false }) },
      invoke: poison(1, ran),
    });
    harness.push(4);
    await harness.start();
    expect(ran).toEqual(['0#1', '1#1', '2#1', '3#1']);
    expect(harness.committed() ?? 0).toBeLessThan(2);
    await recoverer.end();
    await harness.clock.advance(5_000);
    await flush(10);
    expect(harness.committed()).toBe(4);
    await harness.container.stop();
  });

  it.each([
    [true, ['0#1', '0#2', '0#1', '0#2']],
    [false, ['0#1', '0#2', '0#2']],
  ])('comes again after a pause when the recoverer fails, from the start: %s', async (reset, deliveries) => {
    const recoverer = new SlowRecoverer();
    const ran: string[] = [];
    const errorHandler = defaultErrorHandler({ retries: 1, recoverer, resetStateOnRecoveryFailure: reset });
    const told: string[] = [];
    const retryListeners: RetryListener[] = [
      {
        recoveryFailed() {
          throw new Error('one that looks on broke');
        },
      },
      {
        recoveryFailed: ({ offset }, error) => void told.push(`${offset} ${(error as Error).message}`),
        recovered: ({ offset }, error) => void told.push(`${offset} recovered of ${(error as Error).message}`),
      },
    ];
    const harness = new Harness({ settings: { errorHandler, retryListeners }, invoke: poison(0, ran) });
    harness.push(2);
    await harness.start();
    await recoverer.end(new Error('topic is away'));
    expect(told).toEqual(['0 topic is away']);
    expect(harness.committed() ?? 0).toBe(0);
    expect(harness.log.join()).toContain('topic is away');
    expect(harness.ofType('recovery-failed')).toHaveLength(1);
    await harness.clock.advance(1_000);
    await flush(10);
    expect(ran).toEqual(deliveries);
    await recoverer.end();
    expect(told.slice(1)).toEqual(['0 recovered of boom']);
    expect(harness.committed()).toBe(2);
    expect(harness.container.describe().consumers[0]!.counters).toMatchObject({ recoveryFailures: 1, recovered: 1 });
    await harness.container.stop();
  });

  it('comes again too when its lane had gone on', async () => {
    const recoverer = new SlowRecoverer();
    const ran: string[] = [];
    const harness = new Harness({
      settings: { errorHandler: () => ({ action: 'recover', recoverer, isOrdered: false }) },
      invoke: poison(0, ran),
    });
    harness.push(2);
    await harness.start();
    await recoverer.end(new Error('away'));
    await harness.clock.advance(1_000);
    await flush(10);
    expect(ran).toEqual(['0#1', '1#1', '0#1']);
    await recoverer.end();
    await harness.clock.advance(5_000);
    await flush(10);
    expect(harness.committed()).toBe(2);
    await harness.container.stop();
  });

  it('takes only the failed record of a batch, or all records of one that failed as a whole', async () => {
    const recoverer = new SlowRecoverer();
    const batches: number[][] = [];
    const harness = new Harness({
      settings: { errorHandler: () => ({ action: 'recover', recoverer }) },
      batch: (records) => {
        batches.push(records.map(({ offset }) => offset));
        const index = records.findIndex(({ offset }) => offset === 2);
        if (index >= 0) return { status: 'failed-at', index, error: new Error('two') };
        return records.length === 2 ? failed() : DONE;
      },
    });
    harness.push(5);
    await harness.start();
    await recoverer.end();
    expect(batches).toEqual([
      [0, 1, 2, 3, 4],
      [3, 4],
    ]);
    await recoverer.end();
    await recoverer.end();
    expect(recoverer.taken.map(({ record }) => record.offset)).toEqual([2, 3, 4]);
    expect(harness.committed()).toBe(5);
    await harness.container.stop();
  });

  it('is waited for by a stop, so that it is committed and not handled twice', async () => {
    for (const isOrdered of [true, false]) {
      const recoverer = new SlowRecoverer();
      const harness = new Harness({
        settings: { errorHandler: () => ({ action: 'recover', recoverer, isOrdered }) },
        invoke: poison(0, []),
      });
      harness.push(1);
      await harness.start();
      const stopped = harness.container.stop();
      await flush(10);
      expect(harness.container.state).toBe('stopping');
      await recoverer.end();
      await stopped;
      expect(harness.committed()).toBe(1);
    }
  });

  it('is waited for when its partition goes; past the deadline the next owner has the record again', async () => {
    for (const isOrdered of [true, false]) {
      const recoverer = new SlowRecoverer();
      const ran: string[] = [];
      const harness = new Harness({
        settings: { errorHandler: () => ({ action: 'recover', recoverer, isOrdered }) },
        invoke: poison(0, ran),
      });
      harness.push(1);
      await harness.start();
      let isGone = false;
      const goes = (deadline: AbortSignal) => {
        isGone = false;
        return harness.consumer.rebalance([], deadline).then(() => {
          isGone = true;
        });
      };
      const deadline = new AbortController();
      const late = goes(deadline.signal);
      await flush(10);
      expect(isGone).toBe(false);
      deadline.abort();
      await late;
      expect(harness.committed()).toBe(0);
      await harness.consumer.rebalance([{ topic: 'orders', partition: 0 }]);
      await recoverer.end();
      await flush(10);
      expect([ran, harness.committed()]).toEqual([['0#1', '0#1'], 0]);

      const inTime = goes(new AbortController().signal);
      await flush(10);
      expect(isGone).toBe(false);
      await recoverer.end();
      await inTime;
      expect(harness.committed()).toBe(1);
      await harness.container.stop();
    }
  });

  it('changes nothing when its partition has been given up meanwhile', async () => {
    const recoverer = new SlowRecoverer();
    const harness = new Harness({
      settings: { errorHandler: () => ({ action: 'recover', recoverer, isOrdered: false }) },
      invoke: poison(0, []),
    });
    harness.push(1);
    await harness.start();
    await harness.consumer.lose();
    await recoverer.end();
    expect(harness.committed() ?? 0).toBe(0);
    expect(harness.container.describe().consumers[0]!.counters).toMatchObject({ stale: 1 });
    await harness.container.stop();
  });
});
