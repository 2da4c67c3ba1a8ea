import { describe, expect, it } from '@jest/globals';
import { DedupGuard } from '../../../../src/runtime/dedup/dedup-guard.js';
import { DONE, type InvocationContext } from '../../../../src/runtime/listener/listener-endpoint.js';
import { idempotentRecord } from '../../../../src/runtime/nest/guards/idempotent-invoker.js';
import { type SqlTransaction } from '../../../../src/runtime/sql/sql-database.js';
import { recordOf } from '../../../support/fake-clients.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { ScriptedDedupStore } from '../../../support/scripted-dedup-store.js';

describe('a handler behind the claim of its message ids', () => {
  it.each([true, false])('still knows the transaction that it is in (manual acknowledgment: %s)', async (isManual) => {
    const guard = new DedupGuard({
      listener: 'billing',
      store: new ScriptedDedupStore(),
      idOf: ({ offset }) => String(offset),
      scopeOf: () => 'billing',
      window: { count: 1_000, timeMs: undefined },
      claimant: { owner: 'here', leaseMs: 9_000 },
      whenDown: 'fail',
      clock: new ManualClock(),
      logger: { log: () => undefined, warn: () => undefined, error: () => undefined },
    });
    const seen: InvocationContext[] = [];
    const invoke = idempotentRecord(
      (_record, context) => {
        seen.push(context);
        return DONE;
      },
      guard,
      isManual,
    );
    const sql = {} as SqlTransaction;
    const acknowledgment = { acknowledge: () => Promise.resolve(), nack: () => undefined };
    await invoke(recordOf({ offset: 7 }), { signal: new AbortController().signal, acknowledgment, attempt: 1, sql });
    expect(seen.map((context) => context.sql === sql)).toEqual([true]);
    expect(seen[0]!.acknowledgment === acknowledgment).toBe(!isManual);
  });
});
