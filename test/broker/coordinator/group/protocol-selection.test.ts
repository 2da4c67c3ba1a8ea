import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { GroupMember } from '../../../../src/broker/coordinator/group/group-member.js';
import { fitsIn, selectProtocol } from '../../../../src/broker/coordinator/group/protocol-selection.js';

const member = (...names: string[]) =>
  new GroupMember(names.join(), {
    groupInstanceId: null,
    clientId: '',
    clientHost: '',
    sessionTimeoutMs: 0,
    rebalanceTimeoutMs: 0,
    protocols: names.map((name) => ({ name, metadata: Buffer.alloc(0) })),
  });

describe('the protocol of a generation', () => {
  it('is one that all support, though others have more votes', () => {
    expect(selectProtocol([member('new', 'old'), member('new', 'old'), member('old')])).toBe('old');
  });

  it('is the one with most votes', () => {
    expect(selectProtocol([member('a', 'b'), member('b', 'a'), member('b', 'a')])).toBe('b');
  });

  it('is the first member’s choice at equal votes', () => {
    expect(selectProtocol([member('a', 'b'), member('b', 'a')])).toBe('a');
    expect(selectProtocol([member('b', 'a'), member('a', 'b')])).toBe('b');
  });

  it('exists whenever each member fitted in beside those before', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(names, { minLength: 1 }), (lists) => {
        const members: GroupMember[] = [];
        for (const list of lists) if (fitsIn(member(...list).facts, members)) members.push(member(...list));
        const chosen = selectProtocol(members);
        expect(members.every((m) => m.supports(chosen!))).toBe(true);
      }),
    );
  });
});
