import { randomBytes } from 'node:crypto';
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
