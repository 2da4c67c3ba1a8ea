import { describe, expect, it } from '@jest/globals';
import { type KafkaRecord } from '../../../../src/common/record.js';
import { DONE, type InvocationContext, type RemoteWork } from '../../../../src/runtime/listener/listener-endpoint.js';
import { idempotentRecord } from '../../../../src/runtime/nest/guards/idempotent-invoker.js';
import { SubBatch } from '../../../../src/runtime/nest/handlers/sub-batch.js';

// Where a call runs in a thread, its delivery must know, through whatever stands around it: or no signal would reach
// it, and nobody would notice that it hangs.

const record: KafkaRecord = { topic: 't', partition: 0, offset: 0, timestamp: 0, key: null, value: null, headers: [] };
const acknowledgment = { acknowledge: () => Promise.resolve(), nack: () => undefined };
const work: RemoteWork = { abort: () => undefined, runningForMs: () => 1 };

function invocation(): InvocationContext {
  return { signal: new AbortController().signal, attempt: 1, acknowledgment };
}

describe('a call that runs elsewhere', () => {
  it('is known to its delivery through a part of a batch', () => {
    const whole = invocation();
    const part = new SubBatch([record, record], [1], whole, false);
    part.context.remote = work;
    expect(whole.remote).toBe(work);
  });

  it('is known to its delivery through a guard under manual acknowledgment', async () => {
    const whole = invocation();
    const guard = { enter: () => [{ isDuplicate: false }], finish: () => undefined, release: () => undefined };
    const invoke = idempotentRecord(
      (_record, context) => {
        context.remote = work;
        return DONE;
      },
      guard as never,
      true,
    );
    expect(await invoke(record, whole)).toBe(DONE);
    expect(whole.remote).toBe(work);
  });
});
