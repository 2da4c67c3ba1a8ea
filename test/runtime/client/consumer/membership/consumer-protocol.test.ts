import { describe, expect, it } from '@jest/globals';
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../../../src/runtime/client/consumer/membership/consumer-protocol.js';

// The hex texts are what kafka-clients 4.3.1 writes.

const owned = [
  { topic: 'a', partition: 0 },
  { topic: 'a', partition: 2 },
  { topic: 'b', partition: 1 },
];
const OWNED = '000000020001610000000200000000000000020001620000000100000001';
const HEAD = '000000020001610001620000000201' + '02';
const subscription = {
  topics: ['a', 'b'],
  userData: Buffer.from([1, 2]),
  ownedPartitions: owned,
  generationId: 7,
  rackId: 'r1',
};

describe('the subscription of a member', () => {
  it.each([
    [0, `0000${HEAD}`, { ownedPartitions: [], generationId: -1, rackId: null }],
    [1, `0001${HEAD}${OWNED}`, { generationId: -1, rackId: null }],
    [2, `0002${HEAD}${OWNED}00000007`, { rackId: null }],
    [3, `0003${HEAD}${OWNED}0000000700027231`, {}],
  ])('version %i is written and read as Java does', (version, hex, missing) => {
    expect(encodeSubscription(subscription, version).toString('hex')).toBe(hex);
    expect(decodeSubscription(Buffer.from(hex, 'hex'))).toEqual({ ...subscription, ...missing });
  });

  it('is read from newer versions and with bytes behind it', () => {
    const newer = Buffer.from(`0009${HEAD}${OWNED}0000000700027231ffff`, 'hex');
    expect(decodeSubscription(newer)).toEqual(subscription);
  });

  it('says where it cannot be read', () => {
    expect(() => decodeSubscription(Buffer.from(`0001${HEAD}`, 'hex'))).toThrow(
      /consumer subscription v1.ownedPartitions/,
    );
    expect(() => decodeSubscription(Buffer.from('ffff', 'hex'))).toThrow(/version -1/);
  });
});

describe('an assignment', () => {
  it('is written and read as Java does', () => {
    const assignment = { partitions: owned, userData: Buffer.from([9]) };
    const hex = `0003${OWNED}0000000109`;
    expect(encodeAssignment(assignment).toString('hex')).toBe(hex);
    expect(decodeAssignment(Buffer.from(hex, 'hex'))).toEqual(assignment);
  });

  it('of no bytes at all is empty', () => {
    expect(decodeAssignment(Buffer.alloc(0))).toEqual({ partitions: [], userData: null });
  });
});
