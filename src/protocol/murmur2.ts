// murmur2 as Kafka's Java client computes it, which places a key in the same partition as every Java producer does.

const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** The hash as a signed 32-bit number. */
export function murmur2(key: Buffer): number {
  const length = key.length;
  const words = length & ~3;
  let h = SEED ^ length;
  for (let i = 0; i < words; i += 4) {
    let k = key[i]! | (key[i + 1]! << 8) | (key[i + 2]! << 16) | (key[i + 3]! << 24);
    k = Math.imul(k, M);
    k ^= k >>> R;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const tail = length - words;
  if (tail === 3) h ^= key[words + 2]! << 16;
  if (tail >= 2) h ^= key[words + 1]! << 8;
  if (tail >= 1) h = Math.imul(h ^ key[words]!, M);
  h ^= h >>> 13;
  h = Math.imul(h, M);
  return h ^ (h >>> 15);
}

/** Partition of a key among `count`. */
export function partitionForKey(key: Buffer, count: number): number {
  return (murmur2(key) & 0x7fff_ffff) % count;
}
