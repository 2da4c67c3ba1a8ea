import { describe, expect, it } from '@jest/globals';
import { ChangedInvocation } from '../../../../src/runtime/listener/delivery/changed-invocation.js';
import { type ListenerConsumer } from '../../../../src/runtime/listener/listener-consumer.js';
import { type Acknowledgment, type InvocationContext } from '../../../../src/runtime/listener/listener-endpoint.js';
import { type SqlTransaction } from '../../../../src/runtime/sql/sql-database.js';

const mine: Acknowledgment = { acknowledge: () => Promise.resolve(), nack: () => undefined };
const transaction = {} as SqlTransaction;

const invocation = (more: Partial<InvocationContext> = {}): InvocationContext => ({
  signal: new AbortController().signal,
  acknowledgment: undefined,
  attempt: 3,
  consumer: {} as ListenerConsumer,
  ...more,
});

describe('a changed invocation', () => {
  it('passes everything on that it does not change, the transaction too', () => {
    const whole = invocation({ sql: transaction });
    const changed = new ChangedInvocation(whole, mine);
    expect(changed).toMatchObject({ acknowledgment: mine, sql: transaction, attempt: 3 });
    expect(changed.signal).toBe(whole.signal);
    expect(changed.consumer).toBe(whole.consumer);
  });

  it('may take the acknowledgment away, and put the call into a transaction', () => {
    const changed = new ChangedInvocation(invocation({ acknowledgment: mine }), undefined, transaction);
    expect(changed).toMatchObject({ acknowledgment: undefined, sql: transaction });
  });

  it('lets the container know where the call runs', () => {
    const whole = invocation();
    const work = { abort: () => undefined, runningForMs: () => undefined };
    new ChangedInvocation(new ChangedInvocation(whole, mine), mine).remote = work;
    expect(whole.remote).toBe(work);
  });

  it('does not make a signal that nobody reads', () => {
    let made = 0;
    const { signal: _signal, ...rest } = invocation();
    const whole = Object.defineProperty(rest, 'signal', {
      get: () => {
        made++;
        return new AbortController().signal;
      },
    }) as InvocationContext;
    const changed = new ChangedInvocation(whole, mine);
    expect(changed.attempt + made).toBe(3);
    expect(changed.signal.aborted).toBe(false);
    expect(made).toBe(1);
  });
});
