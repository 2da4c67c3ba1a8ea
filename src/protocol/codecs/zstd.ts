import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import * as zlib from 'node:zlib';
import { codecPackage, requireFromHere } from '../optional-package.js';
import { type Codec } from './codec.js';

// Zstandard by Node's own zlib where it has it (22.15 and later), else by the addon of @cloudpss/zstd. That
// package's entry is an ES module with top-level await, which nothing synchronous can load; its addon can be.

interface NodeZstd {
  zstdCompressSync(bytes: Buffer, options?: object): Buffer;
  zstdDecompressSync(bytes: Buffer, options: { maxOutputLength: number }): Buffer;
  constants: { ZSTD_c_compressionLevel: number };
}

interface Addon {
  compress(bytes: Buffer, level: number): Buffer;
  decompress(bytes: Buffer, maxBytes: number): Buffer;
}

const PACKAGE = '@cloudpss/zstd';
const DEFAULT_LEVEL = 3;
/** The addon compares its limit with whole blocks of this size where a frame does not say what it holds. */
const BLOCK_BYTES = 128 * 1024;

let codec: Codec | undefined;

const load = (): Codec => ('zstdCompressSync' in zlib ? fromNode(zlib as unknown as NodeZstd) : fromAddon());

function fromNode(node: NodeZstd): Codec {
  return {
    compress: (bytes, level) =>
      level === undefined
        ? node.zstdCompressSync(bytes)
        : node.zstdCompressSync(bytes, { params: { [node.constants.ZSTD_c_compressionLevel]: level } }),
    decompress: (bytes, maxBytes) => node.zstdDecompressSync(bytes, { maxOutputLength: maxBytes }),
  };
}

function fromAddon(): Codec {
  const addon = codecPackage('zstd', PACKAGE, () => {
    const manifest = requireFromHere.resolve(`${PACKAGE}/package.json`);
    const build = createRequire(manifest)('node-gyp-build') as (folder: string) => Addon;
    return build(dirname(manifest));
  });
  return {
    compress: (bytes, level) => addon.compress(bytes, level ?? DEFAULT_LEVEL),
    decompress(bytes, maxBytes) {
      const out = addon.decompress(bytes, maxBytes + BLOCK_BYTES);
      if (out.length > maxBytes) throw new Error('content size is too large');
      return out;
    },
  };
}

export const zstd: Codec = {
  compress(bytes, level) {
    codec ??= load();
    return codec.compress(bytes, level);
  },
  decompress(bytes, maxBytes) {
    codec ??= load();
    return codec.decompress(bytes, maxBytes);
  },
};
