import { describe, expect, it } from '@jest/globals';
import { ProcessHold } from '../../src/common/process-hold.js';

function socket() {
  const calls: string[] = [];
  return { calls, ref: () => calls.push('ref'), unref: () => calls.push('unref') };
}

describe('ProcessHold', () => {
  it('lets go of what is idle, until the application has started', () => {
    const hold = new ProcessHold();
    const [idle, busy, late] = [socket(), socket(), socket()];
    hold.add(idle);
    hold.add(busy);
    hold.remove(busy);
    hold.remove(busy);
    expect([idle.calls, busy.calls]).toEqual([['unref'], ['unref', 'ref']]);
    hold.hold();
    hold.add(late);
    expect([idle.calls, busy.calls, late.calls]).toEqual([['unref', 'ref'], ['unref', 'ref'], []]);
  });
});
