import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type ErrorClass } from '../../../src/common/error-class.js';
import { hasCode, NestdawError } from '../../../src/common/errors.js';
import { bytesOfData, type KafkaRecord } from '../../../src/common/record.js';
import { nameOf } from '../../../src/runtime/dead-letters/error-story.js';
import { errorClassifier } from '../../../src/runtime/retry/error-classes.js';
import { packCalls, transferOf, unpackCalls } from '../../../src/runtime/threads/call-codec.js';
import { fromPlainError, toPlainError } from '../../../src/runtime/threads/plain-error.js';
import { readSends, SendWriter } from '../../../src/runtime/threads/send-codec.js';

// Records and errors on their way between threads.

const bytes = fc.option(fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)));
const record: fc.Arbitrary<KafkaRecord> = fc.record({
  topic: fc.constantFrom('a', 'b', 'long.name'),
  partition: fc.nat(5_000),
  offset: fc.maxSafeNat(),
  timestamp: fc.integer({ min: -1 }),
  key: bytes,
  value: bytes,
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme' }), value: bytes }), { maxLength: 3 }),
});
const call = fc.record({
  slot: fc.nat(1_000),
  id: fc.maxSafeNat(),
  attempt: fc.integer({ min: 1, max: 100 }),
  records: fc.array(record, { minLength: 1, maxLength: 4 }),
});

describe('packed calls', () => {
  it('come out as they went in', () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 10 }), (calls) => {
        const pack = packCalls(calls);
        expect(unpackCalls(structuredClone(pack))).toEqual(calls);
      }),
    );
  });

  it('copy the bytes of their records alone, not what these are slices of', () => {
    const frame = Buffer.alloc(1_000_000);
    const value = frame.subarray(10, 20);
    const one = { topic: 't', partition: 0, offset: 1, timestamp: 2, key: null, value, headers: [] };
    const pack = packCalls([{ slot: 0, id: 1, attempt: 1, records: [one] }]);
    expect(pack.memory.byteLength).toBeLessThan(200);
    expect(transferOf(pack)).toEqual([]);
  });

  it('hand large memory over', () => {
    const one = {
      topic: 't',
      partition: 0,
      offset: 1,
      timestamp: 2,
      key: null,
      value: Buffer.alloc(100_000),
      headers: [],
    };
    const pack = packCalls([{ slot: 0, id: 1, attempt: 1, records: [one] }]);
    expect(transferOf(pack)).toEqual([pack.memory]);
  });
});

const data = fc.oneof(bytes, fc.string({ unit: 'binary', maxLength: 30 }));
const send = fc.record({
  slot: fc.nat(100_000),
  topic: fc.constantFrom('a', 'b', 'long.name'),
  partition: fc.option(fc.nat(5_000), { nil: undefined }),
  record: fc.record(
    { key: data, value: data, headers: fc.array(fc.record({ key: fc.string(), value: bytes })), timestamp: fc.nat() },
    { requiredKeys: ['key', 'value'] },
  ),
});

describe('packed sends', () => {
  it('come out as they went in, text as its bytes, block after block, whatever was refused between', () => {
    fc.assert(
      fc.property(fc.array(fc.array(send, { maxLength: 60 }), { maxLength: 4 }), (blocks) => {
        const writer = new SendWriter();
        for (const sends of blocks) {
          for (const { slot, topic, partition, record } of sends) {
            const broken = { key: 'x'.repeat(slot % 20_000), value: 7 as unknown as string };
            expect(() => writer.add(0, 'broken', 0, broken)).toThrow('out of range');
            writer.add(slot, topic, partition, record);
          }
          const out: unknown[] = [];
          readSends(structuredClone(writer.take()), (slot, topic, partition, record) =>
            out.push({ slot, topic, partition, record }),
          );
          expect(out).toEqual(
            sends.map(({ record: { headers = [], ...record }, ...place }) => ({
              ...place,
              record: {
                ...record,
                key: bytesOfData(record.key),
                value: bytesOfData(record.value),
                ...(headers.length > 0 ? { headers } : {}),
              },
            })),
          );
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('plain errors', () => {
  const across = (error: unknown): unknown => fromPlainError(structuredClone(toPlainError(error)));

  it('keep name, message, stack, code, own properties and causes', () => {
    const cause = Object.assign(new RangeError('too far'), { code: 'E_FAR' });
    const error = Object.assign(new Error('no', { cause }), { status: 418, socket: () => undefined });
    error.name = 'TeapotError';
    const got = across(error) as Error & { status: number; cause: Error };
    expect(got).toMatchObject({ name: 'TeapotError', message: 'no', status: 418, stack: error.stack });
    expect(got).not.toHaveProperty('socket');
    expect(got.cause).toBeInstanceOf(RangeError);
    expect(got.cause).toMatchObject({ message: 'too far', code: 'E_FAR' });
  });

  it('are still told by their classes', () => {
    class Declined extends Error {}
    class CardDeclined extends Declined {}
    const got = across(new CardDeclined('no'));
    const is = (...classes: ErrorClass[]) => errorClassifier(classes)(got);
    expect([is(CardDeclined), is(Declined), is('Declined'), is(TypeError)]).toEqual([true, true, true, false]);
    expect(nameOf(got)).toBe('CardDeclined');
    expect(nameOf(across(got))).toBe('CardDeclined');
  });

  it('keep our own what they are', () => {
    const got = across(new NestdawError('KAFKA_VALIDATION_FAILED', 'wrong', { retriable: true })) as NestdawError;
    expect(got).toBeInstanceOf(NestdawError);
    expect(hasCode(got, 'KAFKA_VALIDATION_FAILED')).toBe(true);
    expect(got.retriable).toBe(true);
  });

  it('keep what is no error, and survive circles and deep chains', () => {
    expect(across('text')).toBe('text');
    expect(across({ a: [1] })).toEqual({ a: [1] });
    expect(across(undefined)).toBeUndefined();
    const error = new Error('round');
    error.cause = error;
    expect((across(error) as Error).message).toBe('round');
  });
});
