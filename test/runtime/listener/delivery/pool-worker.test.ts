/* oxlint-disable unicorn/no-thenable -- a handler may answer with any of them */
import { describe, expect, it } from '@jest/globals';
import { type Delivery } from '../../../../src/runtime/listener/delivery/delivery.js';
import { PoolWorker } from '../../../../src/runtime/listener/delivery/pool-worker.js';
import { type BatchOutcome, DONE } from '../../../../src/runtime/listener/invocation.js';

const delivery = {} as Delivery;

/** What the worker is told, call by call, until `calls` are used up. */
async function toldOf(calls: ReadonlyArray<Promise<BatchOutcome>>): Promise<BatchOutcome[]> {
  const told: BatchOutcome[] = [];
  let isStarted = false;
  await new Promise<void>((resolve) => {
    const worker = new PoolWorker(delivery, (_worker, outcome) => {
      expect(isStarted).toBe(true); // never within the call that it was given
      told.push(outcome);
      const next = calls[told.length];
      if (next === undefined) resolve();
      return next;
    });
    worker.waitFor(calls[0]!);
    isStarted = true;
  });
  return told;
}

describe('a worker of a pool', () => {
  it('goes on from call to call, and takes a rejection for a failure', async () => {
    const error = new Error('no');
    expect(await toldOf([Promise.resolve(DONE), Promise.reject(error), Promise.resolve(DONE)])).toEqual([
      DONE,
      { status: 'failed', error },
      DONE,
    ]);
  });

  it('is told once, and later, by what is no promise of the language', async () => {
    const eager = {
      // biome-ignore lint/suspicious/noThenProperty: this is what a library of promises may look like
      then: (onDone: (outcome: BatchOutcome) => void) => {
        onDone(DONE);
        onDone(DONE);
      },
    } as unknown as Promise<BatchOutcome>;
    expect(await toldOf([eager, Promise.resolve(DONE)])).toEqual([DONE, DONE]);
  });
});
