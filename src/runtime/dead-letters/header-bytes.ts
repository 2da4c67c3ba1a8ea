import { type KafkaRecord, type RecordHeader } from '../../common/record.js';

// Values of headers in Java's forms, and the look-up of a header by name.

/** UTF-8. */
export function textBytes(text: string): Buffer {
  return Buffer.from(text);
}

/** A big-endian int, as `ByteBuffer.putInt` writes it. */
export function intBytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** A big-endian long, of a whole number that is exact as one. */
export function longBytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  const high = Math.floor(value / 0x1_0000_0000);
  bytes.writeInt32BE(high, 0);
  bytes.writeUInt32BE(value - high * 0x1_0000_0000, 4);
  return bytes;
}

/** The shortest big-endian two's complement of it, as `BigInteger.toByteArray` gives. */
export function shortestBytes(value: number): Buffer {
  let size = 1;
  for (let limit = 0x80; size < 8 && (value < -limit || value >= limit); limit *= 0x100) size++;
  return longBytes(value).subarray(8 - size);
}

/** A big-endian signed number of 1 to 8 bytes; undefined for anything else. */
export function numberOf(bytes: Buffer | null | undefined): number | undefined {
  if (!bytes || bytes.length === 0 || bytes.length > 8) return undefined;
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return Number(BigInt.asIntN(bytes.length * 8, value));
}

/** Value of the last header of that name, which is the one that counts; undefined when there is none. */
export function lastHeader({ headers }: Pick<KafkaRecord, 'headers'>, name: string): Buffer | null | undefined {
  for (let at = headers.length - 1; at >= 0; at--) if (headers[at]!.key === name) return headers[at]!.value;
  return undefined;
}

/** Text of the last header of that name. */
export function textHeader(record: Pick<KafkaRecord, 'headers'>, name: string): string | undefined {
  return lastHeader(record, name)?.toString();
}

/** Number of the last header of that name. */
export function numberHeader(record: Pick<KafkaRecord, 'headers'>, name: string): number | undefined {
  return numberOf(lastHeader(record, name));
}

/** Takes every header of that name out. */
export function removeHeader(headers: RecordHeader[], name: string): void {
  for (let at = headers.length - 1; at >= 0; at--) if (headers[at]!.key === name) headers.splice(at, 1);
}
