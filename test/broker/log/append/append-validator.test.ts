import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { validateAppend } from '../../../../src/broker/log/append/append-validator.js';
import { StorageCounters } from '../../../../src/broker/log/directory/storage-counters.js';
import { logConfig } from '../../../../src/broker/log/log-config.js';
import { ErrorCode } from '../../../../src/protocol/error-codes.js';
import { encodeRecords, recordsOf, sealCrc, verifyCrc } from '../../../../src/protocol/record-batch.js';
import {
  attributes,
  baseOffset,
  compressionOf,
  maxTimestamp,
  setAttributes,
  setMaxTimestamp,
} from '../../../../src/protocol/record-batch-header.js';
import { batchOf, marker, NOW, producerBatch } from '../log-fixture.js';

type Config = Record<string, string>;

const validate = (batch: Buffer | null, config: Config = {}, origin: 'client' | 'coordinator' = 'client') =>
  validateAppend(batch, { origin, config: logConfig(config), now: NOW, counters: new StorageCounters() });

/** The batch after a change, with a checksum that fits. */
function changed(change: (batch: Buffer) => void, batch = batchOf({ count: 2 })): Buffer {
  change(batch);
  sealCrc(batch);
  return batch;
}

/** Two records under a header that claims something else. */
const claiming = (count: number, lastDelta: number): Buffer =>
  changed((batch) => {
    batch.writeInt32BE(lastDelta, 23);
    batch.writeInt32BE(count, 57);
  });

const HEADERS = [
  { key: 'trace', value: Buffer.from('abc') },
  { key: '', value: null },
];
const overHour = NOW + 3_600_001;

describe('validateAppend', () => {
  it.each<[string, Buffer | null, Config, number]>([
    ['nothing', null, {}, ErrorCode.INVALID_RECORD],
    ['no bytes', Buffer.alloc(0), {}, ErrorCode.INVALID_RECORD],
    ['a few bytes', Buffer.alloc(10), {}, ErrorCode.INVALID_RECORD],
    ['format 1', changed((b) => b.writeInt8(1, 16)), {}, ErrorCode.INVALID_RECORD],
    ['two batches', Buffer.concat([batchOf(), batchOf()]), {}, ErrorCode.INVALID_RECORD],
    ['half a batch', batchOf().subarray(0, 70), {}, ErrorCode.INVALID_RECORD],
    ['half a header', batchOf().subarray(0, 40), {}, ErrorCode.INVALID_RECORD],
    ['format 3', changed((b) => b.writeInt8(3, 16)), {}, ErrorCode.CORRUPT_MESSAGE],
    ['a codec that there is not', changed((b) => setAttributes(b, 0, 7)), {}, ErrorCode.INVALID_RECORD],
    ['plain bytes that say gzip', changed((b) => setAttributes(b, 0, 1)), {}, ErrorCode.INVALID_RECORD],
    ['a negative length', Buffer.from(batchOf()).fill(0xff, 8, 12), {}, ErrorCode.CORRUPT_MESSAGE],
    ['a base offset', changed((b) => b.writeBigInt64BE(5n, 0)), {}, ErrorCode.INVALID_RECORD],
    ['too many bytes', batchOf({ valueBytes: 100 }), { 'max.message.bytes': '100' }, ErrorCode.MESSAGE_TOO_LARGE],
    ['more than a segment', batchOf({ valueBytes: 100 }), { 'segment.bytes': '100' }, ErrorCode.RECORD_LIST_TOO_LARGE],
    ['a wrong checksum', Buffer.concat([batchOf().subarray(0, -1), Buffer.from([9])]), {}, ErrorCode.CORRUPT_MESSAGE],
    ['a wrong last delta', changed((b) => b.writeInt32BE(5, 23)), {}, ErrorCode.INVALID_RECORD],
    ['no records', claiming(0, -1), {}, ErrorCode.INVALID_RECORD],
    ['more records than there are', claiming(3, 2), {}, ErrorCode.INVALID_RECORD],
    ['fewer records than there are', claiming(1, 0), {}, ErrorCode.INVALID_RECORD],
    ['a wrong offset delta', changed((b) => b.writeUInt8(2, 64), batchOf()), {}, ErrorCode.INVALID_RECORD],
    ['a value longer than its record', changed((b) => b.writeUInt8(22, 67), batchOf()), {}, ErrorCode.INVALID_RECORD],
    ['a value shorter than its record', changed((b) => b.writeUInt8(18, 67), batchOf()), {}, ErrorCode.INVALID_RECORD],
    ['a negative number of headers', changed((b) => b.writeUInt8(1, b.length - 1)), {}, ErrorCode.INVALID_RECORD],
    ['headers that are not there', changed((b) => b.writeUInt8(2, b.length - 1)), {}, ErrorCode.INVALID_RECORD],
    ['a marker', marker('commit'), {}, ErrorCode.INVALID_RECORD],
    ['an id without a sequence', producerBatch({ sequence: -1 }), {}, ErrorCode.INVALID_RECORD],
    [
      'log append time from a client',
      changed((b) => setAttributes(b, 0, 8)),
      { 'message.timestamp.type': 'LogAppendTime' },
      ErrorCode.INVALID_TIMESTAMP,
    ],
    ['no key for compaction', batchOf({ key: null }), { 'cleanup.policy': 'compact' }, ErrorCode.INVALID_RECORD],
    ['a future', batchOf({ timestamp: overHour }), {}, ErrorCode.INVALID_TIMESTAMP],
    ['a packed future', batchOf({ timestamp: overHour, compression: 'gzip' }), {}, ErrorCode.INVALID_TIMESTAMP],
    [
      'a past',
      batchOf({ timestamp: NOW - 11 }),
      { 'message.timestamp.before.max.ms': '10' },
      ErrorCode.INVALID_TIMESTAMP,
    ],
    [
      'bytes that are not gzip',
      changed((b) => setAttributes(b, 0, 1)),
      { 'cleanup.policy': 'compact' },
      ErrorCode.INVALID_RECORD,
    ],
  ])('refuses %s', (_what, batch, config, errorCode) => {
    expect(validate(batch, config)).toMatchObject({ errorCode });
  });

  it.each<[string, Buffer, Config]>([
    ['a plain batch', batchOf({ count: 5 }), {}],
    ['a batch without keys where nothing is compacted', batchOf({ key: null }), {}],
    ['a batch of exactly the largest size', batchOf(), { 'max.message.bytes': String(batchOf().length) }],
    ['kafkajs’ epoch 0 and sequence 0 without an id', batchOf({ producerEpoch: 0, baseSequence: 0 }), {}],
    ['gzip with keys for compaction', batchOf({ compression: 'gzip', count: 3 }), { 'cleanup.policy': 'compact' }],
    ['headers', encodeRecords([{ key: null, value: null, headers: HEADERS }], { timestamp: NOW }), {}],
    ['no timestamp', batchOf({ timestamp: -1 }), { 'message.timestamp.before.max.ms': '10' }],
  ])('accepts %s', (_what, batch, config) => {
    expect(validate(batch, config)).toBeUndefined();
    expect(verifyCrc(batch)).toBe(true);
  });

  it('accepts the end of a transaction however small batches must be, from a coordinator alone', () => {
    const small = { 'max.message.bytes': '20' };
    expect(validate(marker('commit'), small, 'coordinator')).toBeUndefined();
    expect(validate(batchOf(), small, 'coordinator')).toMatchObject({ errorCode: ErrorCode.MESSAGE_TOO_LARGE });
    expect(validate(marker('commit'), small)).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD });
  });

  it('names the records that are wrong', () => {
    const times = [NOW, overHour, NOW, overHour];
    const refusal = validate(batchOf({ count: 4, timestamps: times }));
    expect(refusal?.recordErrors.map((error) => error.batchIndex)).toEqual([1, 3]);
    const keyless = validate(batchOf({ count: 2, key: null }), { 'cleanup.policy': 'compact' });
    expect(keyless?.recordErrors.map((error) => error.batchIndex)).toEqual([0, 1]);
  });

  it('corrects a wrong largest timestamp and its checksum', () => {
    const batch = changed((b) => setMaxTimestamp(b, 0, NOW - 5), batchOf({ timestamps: [NOW + 9, NOW - 4], count: 2 }));
    expect(validate(batch)).toBeUndefined();
    expect(maxTimestamp(batch)).toBe(NOW + 9);
    expect(verifyCrc(batch)).toBe(true);
  });

  it('takes the stamp of another broker off a batch of a topic with the times of its producers', () => {
    const batch = changed((b) => setAttributes(b, 0, 8), batchOf({ timestamp: NOW - 3 }));
    expect(validate(batch)).toBeUndefined();
    expect([maxTimestamp(batch), attributes(batch) & 8, verifyCrc(batch)]).toEqual([NOW - 3, 0, true]);
  });

  it('stamps its own time where the topic asks for it, whatever the producer said', () => {
    const batch = batchOf({ timestamp: overHour });
    expect(validate(batch, { 'message.timestamp.type': 'LogAppendTime' })).toBeUndefined();
    expect([maxTimestamp(batch), attributes(batch) & 8, verifyCrc(batch)]).toEqual([NOW, 8, true]);
  });

  it('takes markers and offsets from a coordinator', () => {
    expect(validate(marker('abort'), { 'cleanup.policy': 'compact' }, 'coordinator')).toBeUndefined();
  });

  it('never throws, whatever the bytes, and what it accepts can be read (property)', () => {
    const records = [1, 2, 3].map(() => ({ key: Buffer.from('k'), value: Buffer.alloc(20), headers: HEADERS }));
    const base = encodeRecords(records, { timestamp: NOW });
    const edits = fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 5 });
    fc.assert(
      fc.property(edits, fc.boolean(), fc.boolean(), (changes, seals, compacts) => {
        const batch = Buffer.from(base);
        for (const [at, value] of changes) batch[at] = value;
        if (seals && batch.readInt32BE(8) === base.length - 12) sealCrc(batch);
        const refusal = validate(batch, compacts ? { 'cleanup.policy': 'compact' } : {});
        const isReadable = (): boolean => compressionOf(batch) !== 0 || [...recordsOf(batch)].length === 3;
        expect(refusal !== undefined || (baseOffset(batch) === 0 && isReadable())).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
