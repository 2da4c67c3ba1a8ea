import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesOfData, type KafkaRecord, type OutgoingRecord } from '../../src/common/record.js';
import { partitionForKey } from '../../src/protocol/murmur2.js';
import {
  decodeBatch,
  encodeRecords,
  RecordBatchBuilder,
  recordsOf,
  verifyCrc,
} from '../../src/protocol/record-batch.js';
import { setBaseOffset } from '../../src/protocol/record-batch-header.js';
import { outcomeOf } from '../support/outcome.js';

const bytes = fc.oneof(
  { weight: 5, arbitrary: fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)) },
  { weight: 1, arbitrary: fc.integer({ min: 60, max: 20_000 }).map((length) => Buffer.alloc(length, length)) },
);
const headers = fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 8 }), value: fc.option(bytes) }), {
  maxLength: 3,
});
const record = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers,
  timestamp: fc.oneof(fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }), fc.nat(2 ** 31), fc.nat()),
});
const records = fc.array(record, { minLength: 1, maxLength: 12 });
const compression = fc.constantFrom('none', 'gzip', 'snappy', 'lz4', 'zstd');

it('records come back as they went in, from any offset on', () => {
  fc.assert(
    fc.property(records, compression, fc.nat(1_000_000), fc.nat(14), (input, codec, base, skip) => {
      const batch = encodeRecords(input, { timestamp: 0, compression: codec });
      setBaseOffset(batch, 0, base);
      expect(verifyCrc(batch)).toBe(true);
      const out: KafkaRecord[] = [];
      decodeBatch('t', 1, batch, 0, batch.length, base + skip, out);
      const expected = input.map((each, i) => ({ ...each, topic: 't', partition: 1, offset: base + i }));
      expect(out.map((each) => ({ ...each }))).toEqual(expected.slice(skip));
      expect([...recordsOf(batch)].map(({ offsetDelta }) => offsetDelta)).toEqual(input.map((_, i) => i));
    }),
    { numRuns: 80 },
  );
});

it('text gives the bytes that its UTF-8 gives, and the same partition', () => {
  // Halves of surrogate pairs too; up to lengths on both sides of where loops end.
  const text = fc.option(
    fc.oneof(
      fc.string({ unit: 'binary-ascii', maxLength: 40 }),
      fc.string({ unit: 'binary', maxLength: 120 }),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map((units) => String.fromCharCode(...units)),
      fc.nat(20_000).map((length) => 'é'.repeat(length)),
    ),
  );
  fc.assert(
    fc.property(fc.array(fc.record({ key: text, value: text }), { minLength: 1, maxLength: 8 }), (input) => {
      const inBytes = input.map(({ key, value }) => ({ key: bytesOfData(key), value: bytesOfData(value) }));
      expect(encodeRecords(input, { timestamp: 7 })).toEqual(encodeRecords(inBytes, { timestamp: 7 }));
      const placed = (each: OutgoingRecord[]) =>
        each.map((one) => [RecordBatchBuilder.sizeOf(one), one.key === null ? null : partitionForKey(one.key, 1009)]);
      expect(placed(input)).toEqual(placed(inBytes));
    }),
    { numRuns: 200 },
  );
});

it('no record takes more room than foretold', () => {
  fc.assert(
    fc.property(records, (input) => {
      const builder = new RecordBatchBuilder();
      for (const each of input) {
        const before = builder.sizeInBytes;
        builder.append(each, each.timestamp);
        expect(builder.sizeInBytes - before).toBeLessThanOrEqual(RecordBatchBuilder.sizeOf(each));
      }
      expect(builder.build()).toHaveLength(builder.sizeInBytes);
    }),
    { numRuns: 60 },
  );
});

it('changed bytes give records or are refused as malformed, never anything else', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
  fc.assert(
    fc.property(records, compression, changes, (input, codec, places) => {
      const batch = encodeRecords(input, { timestamp: 0, compression: codec });
      for (const [place, byte] of places) batch[place % batch.length] = byte;
      const outcome = outcomeOf(() => decodeBatch('t', 1, batch, 0, batch.length, 0, []));
      expect(['ok', 'KAFKA_PROTOCOL_MALFORMED']).toContain(outcome);
    }),
    { numRuns: 300 },
  );
});
