import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { WireReader, ZERO_UUID } from '../../src/protocol/wire-reader.js';
import { WireWriter } from '../../src/protocol/wire-writer.js';

const MALFORMED = expect.objectContaining({ code: 'KAFKA_PROTOCOL_MALFORMED' });

function written(write: (writer: WireWriter) => void): string {
  const writer = new WireWriter();
  write(writer);
  return writer.toBuffer().toString('hex');
}

const readerOf = (hex: string): WireReader => new WireReader(Buffer.from(hex, 'hex'));

describe('varints', () => {
  it.each([
    [0, '00'],
    [-1, '01'],
    [1, '02'],
    [63, '7e'],
    [-64, '7f'],
    [64, '8001'],
    [300, 'd804'],
    [0x7fff_ffff, 'feffffff0f'],
    [-0x8000_0000, 'ffffffff0f'],
  ])('%d is %s', (value, hex) => {
    expect(written((w) => w.varint(value))).toBe(hex);
    expect(written((w) => w.varlong(value))).toBe(hex);
    expect(readerOf(hex).varint()).toBe(value);
    expect(readerOf(hex).varlong()).toBe(value);
  });

  it('round trips every size', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer(), fc.nat(0xffff_ffff), (long, int, unsigned) => {
        const writer = new WireWriter();
        writer.varlong(long);
        writer.varint(int);
        writer.uvarint(unsigned);
        const reader = new WireReader(writer.toBuffer());
        expect([reader.varlong(), reader.varint(), reader.uvarint()]).toEqual([long, int, unsigned]);
      }),
    );
  });

  it('refuses one that does not end or does not fit', () => {
    expect(() => readerOf('808080808000').uvarint()).toThrow(MALFORMED);
    expect(() => readerOf('ffffffff1f').uvarint()).toThrow(MALFORMED);
    expect(() => readerOf('ffffffffffffffffffffff01').varlong()).toThrow(MALFORMED);
    expect(() => readerOf('80').uvarint()).toThrow(MALFORMED);
  });
});

describe('int64', () => {
  it('round trips all safe integers', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(readerOf(written((w) => w.i64(value))).i64()).toBe(value);
      }),
      { examples: [[-1], [Number.MIN_SAFE_INTEGER], [Number.MAX_SAFE_INTEGER], [-0x1_0000_0000], [0xffff_ffff]] },
    );
  });

  it('clamps what a number cannot hold, and can write it again', () => {
    expect(readerOf('7fffffffffffffff').i64()).toBe(Number.MAX_SAFE_INTEGER);
    expect(readerOf('8000000000000000').i64()).toBe(Number.MIN_SAFE_INTEGER);
    expect(readerOf('ffe0000000000000').i64()).toBe(Number.MIN_SAFE_INTEGER);
    expect(() => written((w) => w.i64(2 ** 53))).toThrow(RangeError);
  });

  it('keeps every bit where asked', () => {
    expect(readerOf('8000000000000001').i64Exact()).toBe(-(2n ** 63n) + 1n);
    expect(written((w) => w.i64Exact(-1n))).toBe('ffffffffffffffff');
  });
});

describe('strings, ids and bytes', () => {
  it('writes classic and compact forms', () => {
    expect(written((w) => w.string('é'))).toBe('0002c3a9');
    expect(written((w) => w.compactString('é'))).toBe('03c3a9');
    expect(written((w) => w.nullableString(null))).toBe('ffff');
    expect(written((w) => w.compactNullableString(null))).toBe('00');
    expect(written((w) => w.bytes(Buffer.from('ab')))).toBe('000000026162');
    expect(written((w) => w.compactBytes(Buffer.from('ab')))).toBe('036162');
  });

  it('writes a topic id as its 16 bytes', () => {
    expect(written((w) => w.uuid('ABEiM0RVZneImaq7zN3u_w'))).toBe('00112233445566778899aabbccddeeff');
    expect(readerOf('00112233445566778899aabbccddeeff').uuid()).toBe('ABEiM0RVZneImaq7zN3u_w');
    expect(readerOf('00'.repeat(16)).uuid()).toBe(ZERO_UUID);
    expect(() => written((w) => w.uuid('orders'))).toThrow(RangeError);
  });

  it('refuses lengths beyond the bytes that are there, and null where it is not allowed', () => {
    expect(() => readerOf('7fff61').string()).toThrow(MALFORMED);
    expect(() => readerOf('ffff').string()).toThrow(MALFORMED);
    expect(() => readerOf('fffe').nullableString()).toThrow(MALFORMED);
    expect(() => readerOf('7fffffff61').bytes()).toThrow(MALFORMED);
    expect(() => readerOf('00').compactBytes()).toThrow(MALFORMED);
    expect(() => written((w) => w.string('x'.repeat(0x8000)))).toThrow(RangeError);
    expect(() => written((w) => w.compactString('x'.repeat(0x8000)))).toThrow(RangeError);
  });

  it('refuses an array that claims more elements than bytes, before making room for it', () => {
    expect(() => readerOf('7fffffff').array((r) => r.i8())).toThrow(MALFORMED);
    expect(() => readerOf('ffffffff0f0000').compactArray((r) => r.i8())).toThrow(MALFORMED);
    expect(() => readerOf('fffffffe').nullableArray((r) => r.i8())).toThrow(MALFORMED);
    expect(readerOf('ffffffff').nullableArray((r) => r.i8())).toBeNull();
  });

  it('does not read past its own end although the buffer goes on', () => {
    expect(() => new WireReader(Buffer.alloc(8), 0, 3).i32()).toThrow(MALFORMED);
  });
});

describe('tagged sections', () => {
  it('bounds a known tag to its size and skips the others', () => {
    const reader = readerOf('02' + '0002abcd' + '0501ff' + '2a');
    const seen: Array<[number, number]> = [];
    reader.tags((tag, inner) => seen.push([tag, inner.remaining]));
    expect(seen).toEqual([
      [0, 2],
      [5, 1],
    ]);
    expect(reader.i8()).toBe(0x2a);
    expect(reader.remaining).toBe(0);
  });

  it('refuses tags that do not rise, and sections that are cut off', () => {
    expect(() => readerOf('0201000100').tags()).toThrow(MALFORMED);
    expect(() => readerOf('ffffffff0f').tags()).toThrow(MALFORMED);
    expect(() => readerOf('010005ab').tags()).toThrow(MALFORMED);
  });
});

describe('large byte fields', () => {
  it('are referenced, not copied, and stay in order', () => {
    const large = Buffer.alloc(5000, 1);
    const writer = new WireWriter(8);
    writer.i32(7);
    writer.bytes(large);
    writer.string('after');
    writer.chunks([large, Buffer.from('x')], false);
    writer.i8(1);
    expect(writer.size).toBe(4 + 4 + 5000 + 7 + 4 + 5001 + 1);
    const chunks = writer.finish();
    expect(chunks.filter((chunk) => chunk === large)).toHaveLength(2);
    const reader = new WireReader(Buffer.concat(chunks));
    expect(reader.i32()).toBe(7);
    expect(reader.bytes().equals(large)).toBe(true);
    expect(reader.string()).toBe('after');
    expect(reader.bytes()).toHaveLength(5001);
    expect(reader.i8()).toBe(1);
    expect(reader.remaining).toBe(0);
  });
});
