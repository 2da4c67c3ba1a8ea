import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hasCode } from '../../../../src/common/errors.js';
import { TransactionState } from '../../../../src/runtime/client/producer/transaction-state.js';

// The state machine against everything that may be called and may happen, in any order.

const EVENTS = [
  'initialized',
  'begin',
  'requireOpen',
  'admits',
  'newPartitions',
  'partitionsAdded',
  'stored',
  'failed',
  'failedWithGap',
  'fatal',
  'commit',
  'abort',
  'closed',
  'ended',
] as const;
type Event = (typeof EVENTS)[number];

const lost = new Error('a record was lost');
const partitions = [0, 1, 2].map((partition) => ({ topic: 'orders', partition }));

/** True when the call was allowed. */
function happen(state: TransactionState, event: Event, version: 1 | 2, epoch: number): boolean {
  const identity = { producerId: 7n, epoch };
  try {
    switch (event) {
      case 'initialized':
        state.initialized(identity, version);
        break;
      case 'begin':
        state.begin();
        break;
      case 'requireOpen':
        state.requireOpen('send');
        break;
      case 'admits':
        state.admits('orders', epoch % 3);
        break;
      case 'newPartitions':
        state.newPartitions();
        break;
      case 'partitionsAdded':
        if (state.maySend) state.partitionsAdded(partitions);
        break;
      case 'stored':
        if (state.maySend) state.hasOpened();
        break;
      case 'failed':
        state.failed(lost, false);
        break;
      case 'failedWithGap':
        state.failed(lost, true);
        break;
      case 'fatal':
        state.fatal(new Error('fenced'));
        break;
      case 'commit':
        state.beginCommit();
        break;
      case 'abort':
        state.beginAbort();
        break;
      case 'closed':
        if (state.phase === 'committing' || state.phase === 'aborting')
          state.closed(version === 2 ? identity : undefined);
        break;
      case 'ended':
        state.ended();
        break;
    }
    return true;
  } catch {
    return false;
  }
}

describe('the state of a transaction', () => {
  it('never commits what has failed, and never sends outside of a transaction', () => {
    const script = fc.array(fc.tuple(fc.constantFrom(...EVENTS), fc.nat(20)), { maxLength: 60 });
    fc.assert(
      fc.property(fc.constantFrom(1 as const, 2 as const), script, (version, events) => {
        const state = new TransactionState('tx');
        let isFatal = false;
        let hasFailed = false; // in the transaction that is open
        const broken: string[] = [];
        const rule = (name: string, holds: boolean) => {
          if (!holds) broken.push(name);
        };
        for (const [event, epoch] of [['initialized', 0] as const, ...events]) {
          const { phase: before, number, opened } = state;
          const allowed = happen(state, event, version, epoch);
          isFatal ||= event === 'fatal';
          if (state.number > number || state.phase === 'ready') hasFailed = false;
          if (event.startsWith('failed') && (before === 'in-transaction' || before === 'committing')) hasFailed = true;
          const { phase } = state;
          rule('fatal for ever', !isFatal || phase === 'fatal-error');
          rule('refused calls change nothing', allowed || phase === before || isFatal);
          rule(
            'only an abort after a loss',
            !hasFailed || isFatal || phase === 'abortable-error' || phase === 'aborting',
          );
          rule('no commit after a loss', !(event === 'commit' && allowed && hasFailed));
          rule('sends inside only', state.maySend === (phase === 'in-transaction' || phase === 'committing'));
          const isClosed = () => !state.admits('orders', 0) && state.newPartitions().length === 0;
          rule('nothing is admitted outside', state.maySend || isClosed());
          const isClean = state.opened === 'no' && state.error === undefined;
          rule('begins clean', !(event === 'begin' && allowed) || isClean);
          const mayClose = event === 'ended' || event === 'closed';
          rule('nothing open is forgotten', opened === 'no' || mayClose || state.opened !== 'no');
        }
        expect(broken).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('adds each partition once under version 1, and admits it when it is added', () => {
    const state = new TransactionState('tx');
    state.initialized({ producerId: 1n, epoch: 0 }, 1);
    state.begin();
    expect([state.admits('a', 0), state.admits('a', 0), state.admits('b', 1)]).toEqual([false, false, false]);
    const found = state.newPartitions();
    expect(found).toEqual([
      { topic: 'a', partition: 0 },
      { topic: 'b', partition: 1 },
    ]);
    expect(state.newPartitions()).toEqual([]);
    expect([state.admits('a', 0), state.opened]).toEqual([false, 'maybe']);
    state.partitionsAdded(found);
    expect([state.admits('a', 0), state.opened]).toEqual([true, 'yes']);
    state.beginCommit();
    state.closed(undefined);
    state.ended();
    state.begin();
    expect([state.admits('a', 0), state.identity]).toEqual([false, { producerId: 1n, epoch: 0 }]);
  });

  it('takes the epoch of each end under version 2', () => {
    const state = new TransactionState('tx');
    state.initialized({ producerId: 1n, epoch: 0 }, 2);
    state.begin();
    expect([state.admits('a', 0), state.opened]).toEqual([true, 'maybe']);
    state.failed(lost, true);
    state.beginAbort();
    expect(state.needsNewEpoch).toBe(true);
    state.closed({ producerId: 1n, epoch: 1 });
    expect(state.needsNewEpoch).toBe(false);
    state.ended();
    expect(state.identity).toEqual({ producerId: 1n, epoch: 1 });
  });

  it('says what to do about a call that it refuses', () => {
    const state = new TransactionState('tx');
    const refusal = (call: () => void): unknown => {
      try {
        call();
      } catch (error) {
        return error;
      }
      return undefined;
    };
    expect(refusal(() => state.begin())).toMatchObject({
      message: expect.stringContaining('start the producer first'),
    });
    state.initialized({ producerId: 1n, epoch: 0 }, 1);
    expect(refusal(() => state.beginCommit())).toMatchObject({ message: expect.stringContaining('begin one first') });
    state.begin();
    state.failed(lost, false);
    const error = refusal(() => state.beginCommit());
    expect(hasCode(error, 'KAFKA_TRANSACTION_ABORTED')).toBe(true);
    expect(error).toMatchObject({ cause: lost, message: expect.stringContaining('a record was lost') });
  });
});
