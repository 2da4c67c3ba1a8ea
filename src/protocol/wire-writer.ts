// Primitives of the wire, written into a growing block. Large byte fields are not copied: they become chunks of
// their own, and the whole leaves as one vectored write.

const FIRST_BLOCK = 256;
/** From this size on a byte field is referenced instead of copied. */
const REFERENCE_FROM = 1024;
const MAX_STRING_BYTES = 0x7fff;

export class WireWriter {
  #chunks: Buffer[] = [];
  #chunkBytes = 0;
  #block: Buffer;
  #start = 0;
  #position = 0;

  constructor(firstBlock: number = FIRST_BLOCK) {
    this.#block = Buffer.allocUnsafe(firstBlock);
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#chunkBytes + this.#position - this.#start;
  }

  #room(length: number): number {
    const at = this.#position;
    if (at + length > this.#block.length) return this.#grow(length);
    this.#position = at + length;
    return at;
  }

  #grow(length: number): number {
    const pending = this.#block.subarray(this.#start, this.#position);
    const next = Buffer.allocUnsafe(Math.max(this.#block.length * 2, pending.length + length));
    pending.copy(next);
    this.#block = next;
    this.#start = 0;
    this.#position = pending.length + length;
    return pending.length;
  }

  i8(value: number): void {
    const at = this.#room(1);
    this.#block.writeInt8(value, at);
  }

  i16(value: number): void {
    const at = this.#room(2);
    this.#block.writeInt16BE(value, at);
  }

  u16(value: number): void {
    const at = this.#room(2);
    this.#block.writeUInt16BE(value, at);
  }

  i32(value: number): void {
    const at = this.#room(4);
    this.#block.writeInt32BE(value, at);
  }

  u32(value: number): void {
    const at = this.#room(4);
    this.#block.writeUInt32BE(value, at);
  }

  /** An int64 from a number. Throws on an unsafe integer: such a value is a bug of ours, never a client's. */
  i64(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe 64-bit integer`);
    const at = this.#room(8);
    this.#block.writeInt32BE(Math.floor(value / 0x1_0000_0000), at);
    this.#block.writeInt32BE(value | 0, at + 4);
  }

  i64Exact(value: bigint): void {
    const at = this.#room(8);
    this.#block.writeBigInt64BE(value, at);
  }

  f64(value: number): void {
    const at = this.#room(8);
    this.#block.writeDoubleBE(value, at);
  }

  bool(value: boolean): void {
    const at = this.#room(1);
    this.#block[at] = value ? 1 : 0;
  }

  uuid(value: string): void {
    const at = this.#room(16);
    if (this.#block.write(value, at, 16, 'base64url') !== 16) throw new RangeError(`'${value}' is not a topic id`);
  }

  uvarint(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      const at = this.#room(1);
      this.#block[at] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    const at = this.#room(1);
    this.#block[at] = rest;
  }

  /** Zigzag varint of 32 bits (used inside records only). */
  varint(value: number): void {
    this.uvarint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** Zigzag varint of 64 bits from a safe integer. */
  varlong(value: number): void {
    if (value >= -0x4000_0000 && value < 0x4000_0000) {
      this.varint(value);
      return;
    }
    let rest = value < 0 ? (-BigInt(value) << 1n) - 1n : BigInt(value) << 1n;
    while (rest >= 0x80n) {
      const at = this.#room(1);
      this.#block[at] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    const at = this.#room(1);
    this.#block[at] = Number(rest);
  }

  /** Raw bytes, without a length. */
  raw(value: Buffer): void {
    if (value.length < REFERENCE_FROM) {
      const at = this.#room(value.length);
      value.copy(this.#block, at);
      return;
    }
    this.#cut();
    this.#chunks.push(value);
    this.#chunkBytes += value.length;
  }

  #cut(): void {
    if (this.#position === this.#start) return;
    this.#chunks.push(this.#block.subarray(this.#start, this.#position));
    this.#chunkBytes += this.#position - this.#start;
    this.#start = this.#position;
  }

  string(value: string): void {
    const length = textLength(value);
    this.i16(length);
    this.#text(value, length);
  }

  nullableString(value: string | null): void {
    if (value === null) this.i16(-1);
    else this.string(value);
  }

  compactString(value: string): void {
    const length = textLength(value);
    this.uvarint(length + 1);
    this.#text(value, length);
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.uvarint(0);
    else this.compactString(value);
  }

  #text(value: string, length: number): void {
    const at = this.#room(length);
    this.#block.write(value, at, length, 'utf8');
  }

  bytes(value: Buffer): void {
    this.i32(value.length);
    this.raw(value);
  }

  nullableBytes(value: Buffer | null): void {
    if (value === null) this.i32(-1);
    else this.bytes(value);
  }

  compactBytes(value: Buffer): void {
    this.uvarint(value.length + 1);
    this.raw(value);
  }

  compactNullableBytes(value: Buffer | null): void {
    if (value === null) this.uvarint(0);
    else this.compactBytes(value);
  }

  /** Byte field given in pieces (the batches of a fetch), referenced and never joined. */
  chunks(pieces: readonly Buffer[], compact: boolean): void {
    let length = 0;
    for (const piece of pieces) length += piece.length;
    if (compact) this.uvarint(length + 1);
    else this.i32(length);
    for (const piece of pieces) this.raw(piece);
  }

  array<T>(values: readonly T[], write: (writer: WireWriter, value: T) => void): void {
    this.i32(values.length);
    for (const value of values) write(this, value);
  }

  nullableArray<T>(values: readonly T[] | null, write: (writer: WireWriter, value: T) => void): void {
    if (values === null) this.i32(-1);
    else this.array(values, write);
  }

  compactArray<T>(values: readonly T[], write: (writer: WireWriter, value: T) => void): void {
    this.uvarint(values.length + 1);
    for (const value of values) write(this, value);
  }

  compactNullableArray<T>(values: readonly T[] | null, write: (writer: WireWriter, value: T) => void): void {
    if (values === null) this.uvarint(0);
    else this.compactArray(values, write);
  }

  nullableStruct<T>(value: T | null, write: (writer: WireWriter, value: T) => void): void {
    this.i8(value === null ? -1 : 1);
    if (value !== null) write(this, value);
  }

  /** The pieces written, in order; the writer is spent afterwards. */
  finish(): Buffer[] {
    this.#cut();
    return this.#chunks;
  }

  /** All that was written as one buffer; copies only when there is more than one piece. */
  toBuffer(): Buffer {
    const chunks = this.finish();
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  }
}

/** Kafka reads no longer string than an int16 can say, not even where the length is a varint. */
function textLength(value: string): number {
  const length = Buffer.byteLength(value);
  if (length > MAX_STRING_BYTES) throw new RangeError(`string of ${length} bytes, at most ${MAX_STRING_BYTES}`);
  return length;
}
