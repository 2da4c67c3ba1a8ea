import { NestdawError } from '../common/errors.js';

// Primitives of the wire, read from one frame. Every length is checked against what remains before anything is
// allocated. Byte fields are slices of the frame: who keeps one beyond the request copies it.

/** The all-zero id that stands for "absent", in its text form. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';

const MAX_SAFE_HIGH = 0x1f_ffff; // upper 32 bits of 2^53 - 1

export class WireReader {
  #path: string[] | undefined;

  constructor(
    readonly buffer: Buffer,
    public position = 0,
    readonly end: number = buffer.length,
  ) {}

  get remaining(): number {
    return this.end - this.position;
  }

  malformed(what: string): never {
    const field = this.#path?.length ? ` in ${this.#path.join('.')}` : '';
    throw new NestdawError('KAFKA_PROTOCOL_MALFORMED', `${what}${field} at byte ${this.position} of ${this.end}`);
  }

  /** Notes which field is being read; only the tracing decoders call it (see schema.ts). */
  enter(field: string): void {
    this.#path ??= [];
    this.#path.push(field);
  }

  leave(): void {
    this.#path?.pop();
  }

  #take(length: number): number {
    const at = this.position;
    if (length < 0 || length > this.end - at) this.malformed(`${length} bytes wanted, ${this.end - at} left`);
    this.position = at + length;
    return at;
  }

  i8(): number {
    return this.buffer.readInt8(this.#take(1));
  }

  i16(): number {
    return this.buffer.readInt16BE(this.#take(2));
  }

  u16(): number {
    return this.buffer.readUInt16BE(this.#take(2));
  }

  i32(): number {
    return this.buffer.readInt32BE(this.#take(4));
  }

  u32(): number {
    return this.buffer.readUInt32BE(this.#take(4));
  }

  /** An int64 as a number; beyond 2^53 it is clamped, which is right wherever such a value is only compared. */
  i64(): number {
    const at = this.#take(8);
    const high = this.buffer.readInt32BE(at);
    if (high > MAX_SAFE_HIGH) return Number.MAX_SAFE_INTEGER;
    if (high < -MAX_SAFE_HIGH - 1) return Number.MIN_SAFE_INTEGER;
    const value = high * 0x1_0000_0000 + this.buffer.readUInt32BE(at + 4);
    return Math.max(value, Number.MIN_SAFE_INTEGER);
  }

  /** An int64 that is only compared and echoed, such as a producer id. */
  i64Exact(): bigint {
    return this.buffer.readBigInt64BE(this.#take(8));
  }

  f64(): number {
    return this.buffer.readDoubleBE(this.#take(8));
  }

  bool(): boolean {
    return this.buffer[this.#take(1)] !== 0;
  }

  uuid(): string {
    const at = this.#take(16);
    return this.buffer.toString('base64url', at, at + 16);
  }

  uvarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.#take(1)]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffff_ffff) this.malformed('varint over 32 bits');
        return value;
      }
    }
    return this.malformed('varint without an end');
  }

  /** Zigzag varint of 32 bits (used inside records only). */
  varint(): number {
    const raw = this.uvarint();
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** Zigzag varint of 64 bits, as a number. */
  varlong(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.buffer[this.#take(1)]!;
      const bits = byte & 0x7f;
      if (shift < 28) low += bits * 2 ** shift;
      else if (shift === 28) {
        low += (bits & 0x0f) * 2 ** 28;
        high += bits >>> 4;
      } else high += bits * 2 ** (shift - 32);
      if (byte < 0x80) {
        const negative = low % 2 === 1;
        const magnitude = Math.floor(low / 2) + (high % 2) * 0x8000_0000 + Math.floor(high / 2) * 0x1_0000_0000;
        return negative ? -magnitude - 1 : magnitude;
      }
    }
    return this.malformed('varint without an end');
  }

  bytesOf(length: number): Buffer {
    const at = this.#take(length);
    return this.buffer.subarray(at, at + length);
  }

  string(): string {
    return this.nullableString() ?? this.malformed('null where a string must be');
  }

  nullableString(): string | null {
    const length = this.i16();
    return length === -1 ? null : this.#text(length);
  }

  compactString(): string {
    return this.compactNullableString() ?? this.malformed('null where a string must be');
  }

  compactNullableString(): string | null {
    const length = this.uvarint() - 1;
    return length === -1 ? null : this.#text(length);
  }

  #text(length: number): string {
    const at = this.#take(length);
    return this.buffer.toString('utf8', at, at + length);
  }

  bytes(): Buffer {
    return this.nullableBytes() ?? this.malformed('null where bytes must be');
  }

  nullableBytes(): Buffer | null {
    const length = this.i32();
    return length === -1 ? null : this.bytesOf(length);
  }

  compactBytes(): Buffer {
    return this.compactNullableBytes() ?? this.malformed('null where bytes must be');
  }

  compactNullableBytes(): Buffer | null {
    const length = this.uvarint() - 1;
    return length === -1 ? null : this.bytesOf(length);
  }

  array<T>(read: (reader: WireReader) => T): T[] {
    return this.nullableArray(read) ?? this.malformed('null where an array must be');
  }

  nullableArray<T>(read: (reader: WireReader) => T): T[] | null {
    const count = this.i32();
    return count === -1 ? null : this.#elements(count, read);
  }

  compactArray<T>(read: (reader: WireReader) => T): T[] {
    return this.compactNullableArray(read) ?? this.malformed('null where an array must be');
  }

  compactNullableArray<T>(read: (reader: WireReader) => T): T[] | null {
    const count = this.uvarint() - 1;
    return count === -1 ? null : this.#elements(count, read);
  }

  #elements<T>(count: number, read: (reader: WireReader) => T): T[] {
    // No element is shorter than a byte, so a count beyond the bytes left is a lie: refuse before allocating.
    if (count < 0 || count > this.remaining) this.malformed(`array of ${count} elements in ${this.remaining} bytes`);
    const out: T[] = [];
    for (let i = 0; i < count; i++) out.push(read(this));
    return out;
  }

  /** A struct that may be absent: -1, or 1 and the struct (flexible versions only). */
  nullableStruct<T>(read: (reader: WireReader) => T): T | null {
    return this.i8() < 0 ? null : read(this);
  }

  /** Reads a tagged section: `known` gets each tag with a reader bounded to it and says whether it took it. */
  tags(known?: (tag: number, reader: WireReader) => void): void {
    const count = this.uvarint();
    let last = -1;
    for (let i = 0; i < count; i++) {
      const tag = this.uvarint();
      if (tag <= last) this.malformed(`tag ${tag} after tag ${last}`);
      last = tag;
      const size = this.uvarint();
      const at = this.#take(size);
      if (known) {
        const inner = new WireReader(this.buffer, at, at + size);
        inner.#path = this.#path;
        known(tag, inner);
      }
    }
  }
}
