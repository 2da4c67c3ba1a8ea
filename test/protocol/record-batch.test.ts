import { describe, expect, it } from '@jest/globals';
import { type KafkaRecord, NO_HEADERS, type OutgoingRecord } from '../../src/common/record.js';
import {
  type BatchOptions,
  decodeBatch,
  encodeRecords,
  RecordBatchBuilder,
  recordsOf,
  rewriteProducerState,
  sealCrc,
  verifyCrc,
} from '../../src/protocol/record-batch.js';
import * as header from '../../src/protocol/record-batch-header.js';
import { outcomeOf } from '../support/outcome.js';

const T = 1_700_000_000_000;
const MALFORMED = expect.objectContaining({ code: 'KAFKA_PROTOCOL_MALFORMED' });

const VECTOR = Buffer.from(
  '0000000000000000' +
    '00000047' +
    '00000000' +
    '02' +
    '4cc5a885' +
    '0000' +
    '00000001' +
    '0000018bcfe56800' +
    '0000018bcfe56805' +
    'ffffffffffffffff' +
    '0000' +
    '00000000' +
    '00000002' +
    '1000000002' +
    '6b' +
    '02' +
    '76' +
    '00' +
    '18000a0201047732' +
    '0202680278',
  'hex',
);

const VECTOR_RECORDS: OutgoingRecord[] = [
  { key: Buffer.from('k'), value: Buffer.from('v'), timestamp: T },
  { key: null, value: Buffer.from('w2'), headers: [{ key: 'h', value: Buffer.from('x') }], timestamp: T + 5 },
];

function read(batch: Buffer, fromOffset = 0, at = 0): KafkaRecord[] {
  const out: KafkaRecord[] = [];
  decodeBatch('orders', 3, batch, at, batch.length - at, fromOffset, out);
  return out;
}

const numbered = (count: number): OutgoingRecord[] =>
  Array.from({ length: count }, (_, i) => ({
    key: Buffer.from(`key-${i % 7}`),
    value: Buffer.from(`value ${i} `.repeat(8)),
    timestamp: T + i,
  }));

describe('building', () => {
  it('gives the bytes that Kafka expects', () => {
    const batch = encodeRecords(VECTOR_RECORDS, { timestamp: 0, producerEpoch: 0, baseSequence: 0 });
    header.setLeaderEpoch(batch, 0, 0); // outside the checksum
    expect(batch.toString('hex')).toBe(VECTOR.toString('hex'));
  });

  it('fills the header', () => {
    const builder = new RecordBatchBuilder({ initialBytes: 10 });
    for (const timestamp of [T + 10, T, T + 30, T + 20])
      builder.append({ key: null, value: Buffer.from('v') }, timestamp);
    expect(builder.count).toBe(4);
    const size = builder.sizeInBytes;
    const batch = builder.build({ producerId: 7n, producerEpoch: 2, baseSequence: 40, transactional: true });
    expect(batch).toHaveLength(size);
    expect(header.batchSize(batch)).toBe(size);
    expect(header.lastOffsetDelta(batch)).toBe(3);
    expect(header.recordCount(batch)).toBe(4);
    expect(header.baseTimestamp(batch)).toBe(T + 10);
    expect(header.maxTimestamp(batch)).toBe(T + 30);
    expect(header.producerId(batch)).toBe(7n);
    expect(header.producerEpoch(batch)).toBe(2);
    expect(header.baseSequence(batch)).toBe(40);
    expect(header.isTransactional(batch)).toBe(true);
    expect(header.isControl(batch)).toBe(false);
    expect(header.leaderEpoch(batch)).toBe(-1);
    expect(verifyCrc(batch)).toBe(true);
    expect(read(batch).map((record) => record.timestamp - T)).toEqual([10, 0, 30, 20]);
  });

  it('says that there is no producer unless one is given', () => {
    const batch = encodeRecords(VECTOR_RECORDS, { timestamp: T });
    expect(header.hasProducerId(batch)).toBe(false);
    expect(header.producerId(batch)).toBe(header.NO_PRODUCER_ID);
    expect(header.producerEpoch(batch)).toBe(-1);
    expect(header.baseSequence(batch)).toBe(-1);
  });

  it('grows, and keeps large and small values apart', () => {
    const values = [0, 1, 23, 24, 25, 63, 64, 127, 128, 8191, 8192, 70_000].map((n) => Buffer.alloc(n, n % 251));
    const batch = encodeRecords(
      values.map((value) => ({ key: value, value, headers: [{ key: 'é', value }] })),
      { timestamp: T },
    );
    const records = [...read(batch)];
    expect(records).toHaveLength(values.length);
    for (const [i, record] of records.entries()) {
      expect(record.key!.equals(values[i]!)).toBe(true);
      expect(record.value!.equals(values[i]!)).toBe(true);
      expect(record.headers).toEqual([{ key: 'é', value: values[i] }]);
    }
  });

  it('takes times that lie far apart, and refuses what is no time', () => {
    const builder = new RecordBatchBuilder();
    const times = [T, 0, T + 2 ** 31, -1, 2 ** 48, T];
    for (const time of times) builder.append({ key: null, value: null }, time);
    for (const wrong of [1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      const refused = expect.objectContaining({ code: 'KAFKA_SERIALIZATION_FAILED' });
      expect(() => builder.append({ key: null, value: null }, wrong)).toThrow(refused);
      expect(() => new RecordBatchBuilder().append({ key: null, value: null }, wrong)).toThrow(refused);
    }
    expect(read(builder.build()).map((record) => record.timestamp)).toEqual(times);
  });

  it('gives every size of a time its own length', () => {
    const builder = new RecordBatchBuilder();
    const times = [0];
    for (let bits = 1; bits <= 50; bits++) times.push(2 ** bits - 1, 2 ** bits, -(2 ** bits));
    for (const time of times) builder.append({ key: null, value: null }, time);
    expect(read(builder.build()).map((record) => record.timestamp)).toEqual(times);
  });

  it('needs a record', () => {
    expect(() => new RecordBatchBuilder().build()).toThrow(RangeError);
  });

  it('gives a finished batch another producer state', () => {
    const batch = encodeRecords(numbered(3), { timestamp: T, producerId: 1n, producerEpoch: 0, baseSequence: 5 });
    rewriteProducerState(batch, 9n, 4, 0);
    expect([header.producerId(batch), header.producerEpoch(batch), header.baseSequence(batch)]).toEqual([9n, 4, 0]);
    expect(verifyCrc(batch)).toBe(true);
    expect(read(batch)).toHaveLength(3);
  });
});

describe('reading', () => {
  it('gives records as slices, with shared empty headers', () => {
    header.setBaseOffset(VECTOR, 0, 100);
    const [first, second] = read(VECTOR, 0);
    header.setBaseOffset(VECTOR, 0, 0);
    expect(first).toMatchObject({ topic: 'orders', partition: 3, offset: 100, timestamp: T });
    expect(first!.key!.buffer).toBe(VECTOR.buffer);
    expect(first!.headers).toBe(NO_HEADERS);
    expect(second).toMatchObject({ offset: 101, timestamp: T + 5, key: null });
    expect(second!.value!.toString()).toBe('w2');
    expect(second!.headers).toEqual([{ key: 'h', value: Buffer.from('x') }]);
  });

  it('begins at the offset asked for, in the middle of a buffer', () => {
    const batch = encodeRecords(numbered(10), { timestamp: T });
    header.setBaseOffset(batch, 0, 50);
    const buffer = Buffer.concat([VECTOR, batch, VECTOR]);
    expect(read(buffer, 57, VECTOR.length).map((record) => record.offset)).toEqual([57, 58, 59]);
    expect(read(buffer, 60, VECTOR.length)).toEqual([]);
    expect(read(buffer, 0, VECTOR.length)).toHaveLength(10);
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('reads %s', (compression) => {
    const batch = encodeRecords(numbered(200), { timestamp: T, compression });
    expect(header.recordCount(batch)).toBe(200);
    expect(verifyCrc(batch)).toBe(true);
    const records = read(batch, 3);
    expect(records).toHaveLength(197);
    expect(records[0]).toMatchObject({ offset: 3, timestamp: T + 3 });
    expect(records[196]!.value!.toString()).toBe('value 199 '.repeat(8));
  });

  it('takes the time of the broker where the topic says so', () => {
    const batch = encodeRecords(numbered(3), { timestamp: T });
    header.setAttributes(batch, 0, header.attributes(batch) | header.TIMESTAMP_TYPE_BIT);
    header.setMaxTimestamp(batch, 0, T + 999);
    sealCrc(batch);
    expect(read(batch).map((record) => record.timestamp)).toEqual([T + 999, T + 999, T + 999]);
  });

  it('keeps offsets that compaction left, and reads a batch that it emptied', () => {
    const sparse = encodeRecords(numbered(1), { timestamp: T });
    sparse[61 + 4] = 8; // the varint of the offset delta: 4
    sparse.writeInt32BE(9, 23);
    sealCrc(sparse);
    expect(read(sparse).map((record) => record.offset)).toEqual([4]);
    expect(header.nextOffset(sparse)).toBe(10);
    const empty = Buffer.from(sparse.subarray(0, header.BATCH_HEADER_BYTES));
    empty.writeInt32BE(header.BATCH_HEADER_BYTES - header.LOG_OVERHEAD, 8);
    empty.writeInt32BE(0, 57);
    expect(read(empty)).toEqual([]);
  });

  it('goes through records one by one, several batches at a time', () => {
    const a = recordsOf(encodeRecords(numbered(3), { timestamp: T }));
    const b = recordsOf(VECTOR);
    const steps = [a.next(), b.next(), a.next(), b.next(), a.next()];
    expect(steps.map((step) => step.value!.offsetDelta)).toEqual([0, 0, 1, 1, 2]);
    expect(steps[3]!.value!.value!.toString()).toBe('w2');
    expect([a.next().done, b.next().done]).toEqual([true, true]);
  });

  it('refuses another format, an unknown codec, and a batch that is not whole', () => {
    const old = Buffer.from(VECTOR);
    old[16] = 1;
    expect(() => read(old)).toThrow(MALFORMED);
    const unknown = Buffer.from(VECTOR);
    header.setAttributes(unknown, 0, 5);
    expect(() => read(unknown)).toThrow(MALFORMED);
    for (let length = 0; length < VECTOR.length; length++) {
      expect(() => read(VECTOR.subarray(0, length))).toThrow(MALFORMED);
      expect(verifyCrc(VECTOR.subarray(0, length))).toBe(false);
    }
  });

  it('refuses a count that does not fit the records', () => {
    for (const count of [0, 1, 3, 0x7fff_ffff, -1]) {
      const wrong = Buffer.from(VECTOR);
      wrong.writeInt32BE(count, 57);
      expect(() => read(wrong)).toThrow(MALFORMED);
    }
  });

  it('refuses a record that is longer or shorter than what it holds', () => {
    const leftOver = Buffer.from(VECTOR);
    leftOver.set([1, 0, 0], 67); // no value, no headers, and one byte more
    expect(() => read(leftOver)).toThrow('1 left over');
    const intoTheNext = Buffer.concat([VECTOR, VECTOR]);
    intoTheNext[70] = 0x1a; // the second record claims a byte of the next batch
    expect(() => read(intoTheNext)).toThrow('record of 13 bytes, 12 left');
  });

  it('sees every flipped bit of the checksummed part', () => {
    for (let bit = header.CRC_FROM * 8; bit < VECTOR.length * 8; bit++) {
      const flipped = Buffer.from(VECTOR);
      flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7));
      expect(verifyCrc(flipped)).toBe(false);
    }
  });

  it('refuses a compressed batch that was cut off', () => {
    for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] satisfies Array<BatchOptions['compression']>) {
      const whole = encodeRecords(numbered(50), { timestamp: T, compression });
      for (const length of [
        whole.length - 1,
        whole.length - 20,
        header.BATCH_HEADER_BYTES + 3,
        header.BATCH_HEADER_BYTES,
      ]) {
        const cut = Buffer.from(whole.subarray(0, length));
        cut.writeInt32BE(length - header.LOG_OVERHEAD, 8);
        // The last bytes may be a checksum of the codec, which not every codec insists on.
        expect(['ok', 'KAFKA_PROTOCOL_MALFORMED']).toContain(outcomeOf(() => read(cut)));
      }
    }
  });
});
