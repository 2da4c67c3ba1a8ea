import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '../../src/common/random.js';
import { nativeBlocks, plainBlocks, snappy, snappyOver } from '../../src/protocol/codecs/snappy.js';
import { CompressionType, compress, compressionName, decompress } from '../../src/protocol/compression.js';
import { codecPackage } from '../../src/protocol/optional-package.js';
import { outcomeOf } from '../support/outcome.js';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const MALFORMED = expect.objectContaining({ code: 'KAFKA_PROTOCOL_MALFORMED' });

const inputs = {
  nothing: Buffer.alloc(0),
  'one byte': Buffer.from('a'),
  text: Buffer.from('the same words again and again '.repeat(200)),
  'more than a block': Buffer.from('0123456789'.repeat(9000)),
  noise: seededRandom(1).bytes(70_000),
};

describe.each(CODECS)('%s', (type) => {
  it.each(Object.entries(inputs))('gives back %s', (_name, bytes) => {
    expect(decompress(type, compress(type, bytes)).equals(bytes)).toBe(true);
  });
});

describe.each(CODECS.slice(1))('%s', (type) => {
  it('stops before it has unpacked more than allowed', () => {
    const bomb = compress(type, Buffer.alloc(3_000_000));
    expect(bomb.length).toBeLessThan(200_000);
    expect(() => decompress(type, bomb, 1_000_000)).toThrow(MALFORMED);
    expect(() => decompress(type, bomb, 2_999_999)).toThrow(MALFORMED);
    expect(decompress(type, bomb, 3_000_000)).toHaveLength(3_000_000);
  });

  it('refuses bytes that are something else', () => {
    for (const bytes of [Buffer.from('neither of them'), Buffer.alloc(40, 0xff), seededRandom(2).bytes(200)]) {
      expect(() => decompress(type, bytes)).toThrow(MALFORMED);
    }
  });

  it('fails only as malformed when bytes change', () => {
    const packed = compress(type, inputs.text);
    for (let at = 0; at < packed.length; at += 3) {
      const changed = Buffer.from(packed);
      changed[at] = changed[at]! ^ 0x55;
      const outcome = outcomeOf(() => decompress(type, changed, 1_000_000));
      expect(['ok', 'KAFKA_PROTOCOL_MALFORMED']).toContain(outcome);
    }
  });
});

describe('codecs', () => {
  it('are known by name and by number', () => {
    for (const name of CODECS) expect(compressionName(CompressionType[name])).toBe(name);
    expect(() => compressionName(5)).toThrow(MALFORMED);
  });

  it('take a level', () => {
    for (const type of ['gzip', 'zstd'] as const) {
      const fast = compress(type, inputs['more than a block'], 1);
      expect(decompress(type, fast).equals(inputs['more than a block'])).toBe(true);
    }
    const text = Buffer.from(Array.from({ length: 5000 }, (_, i) => `order ${i * 7919}`).join());
    expect(compress('gzip', text, 9).length).toBeLessThan(compress('gzip', text, 1).length);
  });

  it('whose package is missing say which one to install', () => {
    expect(() => codecPackage('lz4', 'no-such-package')).toThrow(
      expect.objectContaining({
        code: 'KAFKA_CODEC_MISSING',
        message: expect.stringMatching(/'lz4'.*npm install no-such-package/),
      }),
    );
  });
});

describe('snappy', () => {
  it('writes the stream of blocks that Java reads', () => {
    const packed = snappy.compress(inputs['more than a block']);
    expect(packed.subarray(0, 16).toString('hex')).toBe('82534e41505059000000000100000001');
    const firstBlock = packed.subarray(20, 20 + packed.readInt32BE(16));
    expect(plainBlocks().decompress(firstBlock)).toHaveLength(32 * 1024);
  });

  it('reads a raw block, as librdkafka sends it', () => {
    const raw = plainBlocks().compress(inputs.text);
    expect(snappy.decompress(raw, 100_000).equals(inputs.text)).toBe(true);
    expect(() => snappy.decompress(raw, inputs.text.length - 1)).toThrow('bytes when unpacked');
    const liar = Buffer.concat([Buffer.from('ffffff3f', 'hex'), raw.subarray(2)]);
    expect(() => snappy.decompress(liar, 2 ** 30)).toThrow('bytes when unpacked');
  });

  it('is the same with and without the native package', () => {
    const plain = snappyOver(plainBlocks);
    const native = snappyOver(() => nativeBlocks() ?? plainBlocks());
    for (const bytes of Object.values(inputs)) {
      expect(plain.decompress(native.compress(bytes), 100_000).equals(bytes)).toBe(true);
      expect(native.decompress(plain.compress(bytes), 100_000).equals(bytes)).toBe(true);
    }
  });

  it('refuses a stream that breaks off', () => {
    const packed = snappy.compress(inputs.text);
    for (const length of [17, 19, 25, packed.length - 1]) {
      expect(() => decompress('snappy', packed.subarray(0, length))).toThrow(MALFORMED);
    }
  });
});
