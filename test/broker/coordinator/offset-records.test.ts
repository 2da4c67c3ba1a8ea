import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type CommittedOffset,
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupMetadata,
} from '../../../src/broker/coordinator/offset-records.js';

const committed: CommittedOffset = {
  offset: 42,
  leaderEpoch: 7,
  metadata: 'm',
  commitTimestamp: 0x1_0000_0002,
  expireTimestamp: -1,
};
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('offset records', () => {
  it('are the bytes that Kafka writes', () => {
    const record = { type: 'offset', groupId: 'g', topic: 'tt', partition: 3, value: committed } as const;
    const { key, value } = encodeGroupRecord(record);
    expect(key).toEqual(hex('0001 0001 67 0002 7474 00000003'));
    expect(value).toEqual(hex('0003 000000000000002a 00000007 0001 6d 0000000100000002'));
  });

  it('take version 1 where the commit has an expiry of its own', () => {
    const value = { ...committed, leaderEpoch: -1, expireTimestamp: 9 };
    const record = { type: 'offset', groupId: 'g', topic: 't', partition: 0, value } as const;
    const bytes = encodeGroupRecord(record);
    expect(bytes.value).toEqual(hex('0001 000000000000002a 0001 6d 0000000100000002 0000000000000009'));
    expect(decodeGroupRecord(bytes.key, bytes.value)).toEqual(record);
  });

  it.each([
    [0, '0000 000000000000002a 0001 6d 0000000100000002', -1],
    [2, '0002 000000000000002a 0001 6d 0000000100000002', -1],
    [3, '0003 000000000000002a 00000007 0001 6d 0000000100000002', 7],
    [4, '0004 000000000000002a 00000007 02 6d 0000000100000002 00', 7],
    [4, `0004 000000000000002a 00000007 02 6d 0000000100000002 01 00 10 ${'ab'.repeat(16)}`, 7],
  ])('are read in version %i', (_version, bytes, leaderEpoch) => {
    const record = decodeGroupRecord(hex('0001 0001 67 0001 74 00000000'), hex(bytes));
    expect(record).toEqual({
      type: 'offset',
      groupId: 'g',
      topic: 't',
      partition: 0,
      value: { ...committed, leaderEpoch },
    });
  });

  it('are tombstones when the value is null', () => {
    const { key, value } = encodeGroupRecord({ type: 'offset', groupId: 'g', topic: 't', partition: 0, value: null });
    expect(value).toBeNull();
    expect(decodeGroupRecord(key, value)).toMatchObject({ type: 'offset', value: null });
  });

  it('come back as they were', () => {
    const anyOffset = fc.record({
      offset: fc.maxSafeInteger(),
      leaderEpoch: fc.integer({ min: -1 }),
      metadata: fc.string({ unit: 'grapheme' }),
      commitTimestamp: fc.nat(),
      expireTimestamp: fc.constant(-1),
    });
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(), fc.option(anyOffset), (groupId, topic, partition, value) => {
        const record = { type: 'offset', groupId, topic, partition, value } as const;
        const bytes = encodeGroupRecord(record);
        expect(decodeGroupRecord(bytes.key, bytes.value)).toEqual(record);
      }),
      { numRuns: 100 },
    );
  });
});

describe('group records', () => {
  const group: GroupMetadata = {
    protocolType: 'consumer',
    generationId: 5,
    protocolName: 'range',
    leaderId: 'm',
    currentStateTimestamp: 1,
    members: [
      {
        memberId: 'm',
        groupInstanceId: 'i',
        clientId: 'c',
        clientHost: '/h',
        rebalanceTimeoutMs: 2,
        sessionTimeoutMs: 3,
        subscription: hex('aa'),
        assignment: hex('bbcc'),
      },
    ],
  };
  const key = hex('0002 0001 67');

  it('are the bytes that Kafka writes', () => {
    const bytes = encodeGroupRecord({ type: 'group', groupId: 'g', value: group });
    expect(bytes.key).toEqual(key);
    expect(bytes.value).toEqual(
      hex(
        '0003 0008 636f6e73756d6572 00000005 0005 72616e6765 0001 6d 0000000000000001 00000001' +
          '0001 6d 0001 69 0001 63 0002 2f68 00000002 00000003 00000001 aa 00000002 bbcc',
      ),
    );
    expect(decodeGroupRecord(bytes.key, bytes.value)).toEqual({ type: 'group', groupId: 'g', value: group });
  });

  it('are read in version 0, whose members have one time-out', () => {
    const bytes = '0000 0001 63 00000005 ffff ffff 00000001 0001 6d 0001 63 0002 2f68 00000003 00000001 aa 00000000';
    expect(decodeGroupRecord(key, hex(bytes))).toMatchObject({
      value: {
        protocolName: null,
        leaderId: null,
        currentStateTimestamp: -1,
        members: [{ groupInstanceId: null, sessionTimeoutMs: 3, rebalanceTimeoutMs: 3 }],
      },
    });
  });

  it('are read in version 4, the flexible one', () => {
    const bytes =
      '0004 02 63 00000005 02 72 02 6d 0000000000000001 02' + '02 6d 00 02 63 03 2f68 00000002 00000003 02 aa 01 00 00';
    expect(decodeGroupRecord(key, hex(bytes))).toMatchObject({
      value: { protocolType: 'c', leaderId: 'm', members: [{ memberId: 'm', groupInstanceId: null }] },
    });
  });

  it('of other kinds of groups are left alone, of newer versions refused', () => {
    expect(decodeGroupRecord(hex('0003 0001 67'), hex('0000'))).toBeUndefined();
    expect(() => decodeGroupRecord(key, hex('0005 00'))).toThrow(/version 5.*newer broker/s);
  });
});
