import { sizeOfVarlongAt, varlongAt } from '../../../protocol/varint.js';

// Walks over the records of a client's batch without building any: checks their number, order and sizes, and finds
// the facts that a topic's rules ask for.

export interface RecordFacts {
  /** Why these bytes are not the records they should be. */
  readonly problem: string | undefined;
  /** Largest timestamp; -1 when no record has one. */
  readonly maxTimestamp: number;
  /** Indexes of records outside the time window. */
  readonly untimely: readonly number[];
  /** Indexes of records without a key. */
  readonly keyless: readonly number[];
}

export interface RecordWindow {
  readonly count: number;
  readonly baseTimestamp: number;
  readonly earliest: number;
  readonly latest: number;
}

const NONE: readonly number[] = Object.freeze([]);
/** Most refused records that are listed: an answer must not be as large as the batch. */
const MAX_LISTED = 1000;

const broken = (problem: string): RecordFacts => ({ problem, maxTimestamp: -1, untimely: NONE, keyless: NONE });

function listed(list: number[] | undefined, index: number): number[] {
  if (!list) return [index];
  if (list.length < MAX_LISTED) list.push(index);
  return list;
}

// Numbers of one or two bytes, as nearly all are, come as their size above these bits and their bits below.
const ONE_BYTE = 1 << 14;
const TWO_BYTES = 2 << 14;
const SIZE_SHIFT = 14;
const BITS = 0x3fff;
/** The zigzag form of -1, the length of a key or a value that is null. */
const NULL_LENGTH = 1;
/** With so many bytes ahead, the numbers in front of a key can be read without a look at the end. */
const LEAST_AHEAD = 10;

// What the record looked at last has; the functions below run to their end before anything else does.
let timestampDelta = 0;
let hasKey = false;

/** 0 for a number that takes more than two bytes. */
function shortNumber(b: Buffer, at: number): number {
  const first = b[at]!;
  if (first < 0x80) return ONE_BYTE | first;
  const second = b[at + 1]!;
  return second < 0x80 ? TWO_BYTES | (second << 7) | (first & 0x7f) : 0;
}

/** Where the key or value at `at` ends, whose length is `n`; -1 when that has no sense. */
function fieldEnd(at: number, n: number): number {
  const length = n & BITS;
  if (n === 0 || (length !== NULL_LENGTH && (length & 1) !== 0)) return -1;
  return at + (n >> SIZE_SHIFT) + (length >> 1);
}

/**
 * Where a record ends that has no headers and whose numbers are short: nearly every one. -1 for any other and for one
 * that is not as it should be: the slow way then tells which.
 */
function endOfPlainRecord(b: Buffer, start: number, end: number, index: number): number {
  if (end - start < LEAST_AHEAD) return -1;
  const size = shortNumber(b, start);
  const stop = fieldEnd(start, size);
  if (stop < 0 || stop > end) return -1;
  let at = start + (size >> SIZE_SHIFT) + 1; // attributes: none are defined
  const timestamp = shortNumber(b, at);
  at += timestamp >> SIZE_SHIFT;
  const offset = shortNumber(b, at);
  at += offset >> SIZE_SHIFT;
  if (timestamp === 0 || offset === 0 || (offset & BITS) !== index * 2) return -1;
  const key = shortNumber(b, at);
  at = fieldEnd(at, key);
  if (at < 0 || at >= stop) return -1;
  at = fieldEnd(at, shortNumber(b, at));
  if (at !== stop - 1 || b[at] !== 0) return -1;
  timestampDelta = ((timestamp & BITS) >> 1) ^ -(timestamp & 1);
  hasKey = (key & BITS) !== NULL_LENGTH;
  return stop;
}

/** Where the next byte is read, on the slow way. */
let at = 0;

/** A zigzag number of up to 64 bits; NaN when it does not end before `end`. */
function zigzag(b: Buffer, end: number): number {
  const from = at;
  const size = sizeOfVarlongAt(b, from, end);
  if (size === 0) return Number.NaN;
  at += size;
  return varlongAt(b, from, size);
}

/** Passes over a field of this length, -1 for null; false when it does not lie before `end`. */
function skip(length: number, end: number): boolean {
  if (!(length >= -1 && at + length <= end)) return false;
  if (length > 0) at += length;
  return true;
}

function skipHeaders(b: Buffer, end: number): boolean {
  const count = zigzag(b, end);
  if (!(count >= 0 && count <= end - at)) return false;
  for (let i = 0; i < count; i++) {
    const keyLength = zigzag(b, end);
    if (!(keyLength >= 0 && skip(keyLength, end) && skip(zigzag(b, end), end))) return false;
  }
  return true;
}

/** Passes over the record at `at` as any may be; what is wrong with it, if something is. */
function problemOfRecord(b: Buffer, end: number, index: number): string | undefined {
  const length = zigzag(b, end);
  const stop = at + length;
  if (!(length > 0 && stop <= end)) return `record ${index} does not fit into its batch`;
  at++;
  timestampDelta = zigzag(b, stop);
  if (zigzag(b, stop) !== index) return `record ${index} does not carry offset delta ${index}`;
  const keyLength = zigzag(b, stop);
  hasKey = keyLength >= 0;
  const isWhole = skip(keyLength, stop) && skip(zigzag(b, stop), stop) && skipHeaders(b, stop);
  if (Number.isNaN(timestampDelta) || !isWhole) return `record ${index} is malformed`;
  return at === stop ? undefined : `record ${index} has ${stop - at} bytes behind its headers`;
}

export function checkRecords(b: Buffer, start: number, end: number, window: RecordWindow): RecordFacts {
  const { count, baseTimestamp, earliest, latest } = window;
  let maxTimestamp = -1;
  let untimely: number[] | undefined;
  let keyless: number[] | undefined;
  let next = start;
  for (let i = 0; i < count; i++) {
    const stop = endOfPlainRecord(b, next, end, i);
    if (stop >= 0) next = stop;
    else {
      at = next;
      const problem = problemOfRecord(b, end, i);
      if (problem !== undefined) return broken(problem);
      next = at;
    }
    const timestamp = baseTimestamp + timestampDelta;
    if (!hasKey) keyless = listed(keyless, i);
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    if (timestamp !== -1 && (timestamp < earliest || timestamp > latest)) untimely = listed(untimely, i);
  }
  if (next !== end) return broken(`${end - next} bytes behind the batch's ${count} records`);
  return { problem: undefined, maxTimestamp, untimely: untimely ?? NONE, keyless: keyless ?? NONE };
}
