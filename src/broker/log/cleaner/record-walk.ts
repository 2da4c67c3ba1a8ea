import { NestdawError } from '../../../common/errors.js';
import { sizeOfVarlongAt, varlongAt } from '../../../protocol/varint.js';

// Walks over the records of one batch in their bytes and builds none: where each lies, and what the cleaner asks of it.

function malformed(what: string): never {
  throw new NestdawError('KAFKA_PROTOCOL_MALFORMED', `record batch: ${what}`);
}

// Where the next byte is read. Shared by the walks, each of whose steps runs to its end before anything else does.
let at = 0;

function varlong(b: Buffer, end: number): number {
  let raw = 0;
  for (let i = at, shift = 0; i < end && shift < 28; i++, shift += 7) {
    const byte = b[i]!;
    raw |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      at = i + 1;
      return (raw >>> 1) ^ -(raw & 1);
    }
  }
  return longVarlong(b, end);
}

function longVarlong(b: Buffer, end: number): number {
  const from = at;
  const size = sizeOfVarlongAt(b, from, end);
  if (size === 0) return malformed(`a number at byte ${from} that does not end`);
  at += size;
  return varlongAt(b, from, size);
}

export class RecordWalk {
  bytes: Buffer = Buffer.alloc(0);
  /** The record with its length in front. */
  start = 0;
  end = 0;
  timestampDelta = 0;
  /** Where the part behind the time begins: it stays as it is when the time is written anew. */
  restStart = 0;
  offsetDelta = 0;
  keyStart = 0;
  /** -1 for none. */
  keyLength = -1;
  hasValue = false;
  #stop = 0;
  #left = 0;

  /** The walk is over `count` records in `bytes` from `start` to `stop`. */
  begin(bytes: Buffer, start: number, stop: number, count: number): void {
    this.bytes = bytes;
    this.end = start;
    this.#stop = stop;
    this.#left = count;
  }

  /** Goes to the next record; false after the last one. Throws KAFKA_PROTOCOL_MALFORMED. */
  next(): boolean {
    if (this.#left === 0) {
      if (this.end !== this.#stop) malformed(`${this.#stop - this.end} bytes behind its last record`);
      return false;
    }
    this.#left--;
    const b = this.bytes;
    at = this.start = this.end;
    const length = varlong(b, this.#stop);
    if (length < 1 || length > this.#stop - at) malformed(`record of ${length} bytes, ${this.#stop - at} left`);
    const end = at + length;
    this.end = end;
    at++; // attributes: none are defined
    this.timestampDelta = varlong(b, end);
    this.restStart = at;
    this.offsetDelta = varlong(b, end);
    this.keyLength = varlong(b, end);
    this.keyStart = at;
    if (this.keyLength > 0) at += this.keyLength;
    if (at >= end) malformed(`key of ${this.keyLength} bytes in a record of ${length}`);
    this.hasValue = varlong(b, end) >= 0;
    return true;
  }
}
