import { fromPlainError, type PlainError, toPlainError } from './plain-error.js';

// Values of plain objects and arrays in which errors and buffers may be found, as data that can cross, and back.

interface Marked {
  readonly $error?: PlainError;
  readonly $bytes?: Uint8Array;
}

export function toPlainValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value;
  if (value instanceof Error) return { $error: toPlainError(value) } satisfies Marked;
  // A copy: sending a slice would send all that it is a slice of.
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return { $bytes: Uint8Array.from(bytes) } satisfies Marked;
  }
  if (Array.isArray(value)) return value.map(toPlainValue);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, toPlainValue(inner)]));
}

export function fromPlainValue(plain: unknown): unknown {
  if (typeof plain !== 'object' || plain === null) return plain;
  const { $error, $bytes } = plain as Marked;
  if ($error !== undefined) return fromPlainError($error);
  if ($bytes !== undefined) return Buffer.from($bytes.buffer, $bytes.byteOffset, $bytes.byteLength);
  if (Array.isArray(plain)) return plain.map(fromPlainValue);
  return Object.fromEntries(Object.entries(plain).map(([name, inner]) => [name, fromPlainValue(inner)]));
}
