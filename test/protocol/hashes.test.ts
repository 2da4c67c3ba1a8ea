import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { crc32c, nativeChecksum, plainChecksum } from '../../src/protocol/crc32c.js';
import { coordinatorPartition, javaHash } from '../../src/protocol/java-hash.js';
import { murmur2, partitionForKey } from '../../src/protocol/murmur2.js';

describe('crc32c', () => {
  it('gives the check value of the Castagnoli polynomial', () => {
    const bytes = Buffer.from('123456789');
    expect(crc32c(bytes)).toBe(0xe3069283);
    expect(crc32c(Buffer.from('xx123456789yy'), 2, 11)).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(0))).toBe(0);
  });

  it('is the same in plain JavaScript and, where installed, native code', () => {
    const native = nativeChecksum() ?? plainChecksum();
    const plain = plainChecksum();
    for (let length = 0; length < 300; length += 7) {
      const bytes = randomBytes(length);
      expect(plain(bytes)).toBe(native(bytes));
    }
    // Whichever of the two is taken: small ones alone do not load the native package.
    for (const length of [300, 1023, 1024, 5000, 300]) {
      const bytes = randomBytes(length);
      expect(crc32c(bytes)).toBe(plain(bytes));
    }
  });
});

describe('murmur2', () => {
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['abc', 479470107],
    ['kafka', -798503068],
    ['', 275646681],
  ])('of %j is what Java computes', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  it('gives 10,000 keys the hash and the partition that the Java client gives them', () => {
    // Made by Murmur2Vectors.java, which makes the same keys.
    const vectors = readFileSync(new URL('../fixtures/murmur2/murmur2.bin', import.meta.url));
    let state = 1;
    const nextByte = (): number => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 0xff;
    };
    const keys = Array.from({ length: 10_000 }, (_, i) => {
      if (i % 3 === 0) return `key-${i}`;
      if (i % 3 === 1) return `\u017elu\u0165-${i}-\u{1f600}`;
      return Buffer.from(Array.from({ length: i % 61 }, nextByte));
    });
    const expected = keys.map((_, i) => [vectors.readInt32BE(i * 5), vectors.readInt8(i * 5 + 4)]);
    expect(vectors).toHaveLength(keys.length * 5);
    expect(keys.map((key) => [murmur2(Buffer.from(key)), partitionForKey(key, 12)])).toEqual(expected);
  });

  it('chooses the partition from the hash without its sign', () => {
    expect(partitionForKey(Buffer.from('21'), 50)).toBe((-973932308 & 0x7fffffff) % 50);
    expect(partitionForKey(Buffer.from('abc'), 1)).toBe(0);
  });
});

describe('javaHash', () => {
  it.each([
    ['my-group', -1906497762, 12],
    ['test-group', 627841412, 12],
    ['a', 97, 47],
    ['', 0, 0],
    ['polygenelubricants', -2147483648, 0],
    ['é-groupe', -1901585622, 22],
    ['console-consumer-1', 35782224, 24],
  ])('of %j is %d, partition %d of 50', (id, hash, partition) => {
    expect(javaHash(id)).toBe(hash);
    expect(coordinatorPartition(id, 50)).toBe(partition);
  });
});
