import { WrongType } from './refusals.js';
import { type Serde } from './serde.js';

// Kafka's own formats, byte for byte: text, bytes, numbers (big-endian), UUIDs (as text), booleans, nothing.

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const STRING = nullable<string>({
  serializer(_topic, value) {
    if (typeof value === 'string') return value;
    throw new WrongType('a string');
  },
  deserializer: (_topic, bytes) => bytes.toString(),
});

export const BYTES = nullable<Uint8Array>({
  serializer(_topic, value) {
    if (value instanceof Uint8Array) return asBuffer(value);
    throw new WrongType('bytes');
  },
  deserializer: (_topic, bytes) => bytes,
});

/** Text as UTF-8, bytes as they are (Spring: `StringOrBytesSerializer`). */
export const STRING_OR_BYTES = nullable<string | Uint8Array>({
  serializer(_topic, value) {
    if (typeof value === 'string') return value;
    if (value instanceof Uint8Array) return asBuffer(value);
    throw new WrongType('text or bytes');
  },
  deserializer: (_topic, bytes) => bytes,
});

/** The text that a value has (Spring: `ToStringSerializer`). */
export const TO_STRING = nullable<unknown>({
  serializer(_topic, value) {
    const isPlain = typeof value === 'object' && (value as object).toString === Object.prototype.toString;
    if (!isPlain) return String(value);
    throw new WrongType('something that has a text: its toString is that of Object');
  },
  deserializer: (_topic, bytes) => bytes.toString(),
});

export const INTEGER = wholeNumber(
  'an int',
  4,
  -(2 ** 31),
  2 ** 31 - 1,
  (buffer, value) => buffer.writeInt32BE(value),
  (bytes) => bytes.readInt32BE(),
);
export const SHORT = wholeNumber(
  'a short',
  2,
  -(2 ** 15),
  2 ** 15 - 1,
  (buffer, value) => buffer.writeInt16BE(value),
  (bytes) => bytes.readInt16BE(),
);

const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

/** 8 bytes. Read as a number where it is a safe integer, else as a bigint: no digit is lost. */
export const LONG = nullable<number | bigint>({
  serializer(_topic, value) {
    const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
    const big = isWhole ? BigInt(value) : undefined;
    if (big === undefined || big < LONG_MIN || big > LONG_MAX) {
      throw new WrongType('a whole number of 64 bits (a bigint beyond 2^53)');
    }
    const buffer = Buffer.allocUnsafe(8);
    buffer.writeBigInt64BE(big);
    return buffer;
  },
  deserializer(_topic, bytes) {
    sized(bytes, 8, 'a long');
    const big = bytes.readBigInt64BE();
    const number = Number(big);
    return Number.isSafeInteger(number) ? number : big;
  },
});

export const FLOAT = nullable<number>({
  serializer(_topic, value) {
    if (typeof value !== 'number') throw new WrongType('a number');
    const buffer = Buffer.allocUnsafe(4);
    buffer.writeFloatBE(value);
    return buffer;
  },
  deserializer: (_topic, bytes) => sized(bytes, 4, 'a float').readFloatBE(),
});

export const DOUBLE = nullable<number>({
  serializer(_topic, value) {
    if (typeof value !== 'number') throw new WrongType('a number');
    const buffer = Buffer.allocUnsafe(8);
    buffer.writeDoubleBE(value);
    return buffer;
  },
  deserializer: (_topic, bytes) => sized(bytes, 8, 'a double').readDoubleBE(),
});

export const BOOLEAN = nullable<boolean>({
  serializer(_topic, value) {
    if (typeof value !== 'boolean') throw new WrongType('true or false');
    return Buffer.of(value ? 1 : 0);
  },
  deserializer(_topic, bytes) {
    const byte = sized(bytes, 1, 'a boolean')[0];
    if (byte === 0 || byte === 1) return byte === 1;
    throw new Error(`a boolean is the byte 0 or 1, not ${byte}`);
  },
});

/** 36 characters of text, as Kafka's UUIDSerializer writes them. */
export const UUID_TEXT = nullable<string>({
  serializer(_topic, value) {
    if (typeof value === 'string' && UUID.test(value)) return value.toLowerCase();
    throw new WrongType('a UUID such as 550e8400-e29b-41d4-a716-446655440000');
  },
  deserializer(_topic, bytes) {
    const text = bytes.toString();
    if (UUID.test(text)) return text.toLowerCase();
    throw new Error(`${JSON.stringify(text.slice(0, 40))} is no UUID`);
  },
});

/** Records without a value. */
export const VOID: Serde<null> = {
  serializer(_topic, value) {
    if (value === null || value === undefined) return null;
    throw new WrongType('null: the serializer is void');
  },
  deserializer(_topic, bytes) {
    throw new Error(`there are ${bytes.length} bytes where nothing was expected`);
  },
};

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Null, and a key that was not given, are no bytes in every format. */
function nullable<T>(serde: Serde<T>): Serde<T> {
  const { serializer, deserializer } = serde;
  return {
    serializer: (topic, value, headers) =>
      value === null || value === undefined ? null : serializer(topic, value, headers),
    deserializer,
  };
}

function wholeNumber(
  name: string,
  size: number,
  min: number,
  max: number,
  write: (buffer: Buffer, value: number) => unknown,
  read: (bytes: Buffer) => number,
): Serde<number> {
  return nullable<number>({
    serializer(_topic, value) {
      if (!Number.isInteger(value) || value < min || value > max) {
        throw new WrongType(`a whole number from ${min} to ${max}`);
      }
      const buffer = Buffer.allocUnsafe(size);
      write(buffer, value);
      return buffer;
    },
    deserializer: (_topic, bytes) => read(sized(bytes, size, name)),
  });
}

function sized(bytes: Buffer, size: number, name: string): Buffer {
  if (bytes.length === size) return bytes;
  throw new Error(`${name} has ${size} bytes, not ${bytes.length}`);
}
