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

// Read position, shared by the functions below: they run to their end before anything else does.
let at = 0;

/** A zigzag number of up to 64 bits; NaN when it does not end before `end`. */
function zigzag(b: Buffer, end: number): number {
  let raw = 0;
  let scale = 1;
  for (let i = at; i < end && i - at < 10; i++) {
    const byte = b[i]!;
    raw += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      at = i + 1;
      return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
    }
    scale *= 128;
  }
  return Number.NaN;
}

function listed(list: number[] | undefined, index: number): number[] {
  if (!list) return [index];
  if (list.length < MAX_LISTED) list.push(index);
  return list;
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

export function checkRecords(b: Buffer, start: number, end: number, window: RecordWindow): RecordFacts {
  let maxTimestamp = -1;
  let untimely: number[] | undefined;
  let keyless: number[] | undefined;
  at = start;
  for (let i = 0; i < window.count; i++) {
    const length = zigzag(b, end);
    const stop = at + length;
    if (!(length > 0 && stop <= end)) return broken(`record ${i} does not fit into its batch`);
    at++; // attributes: none are defined
    const timestamp = window.baseTimestamp + zigzag(b, stop);
    if (zigzag(b, stop) !== i) return broken(`record ${i} does not carry offset delta ${i}`);
    const keyLength = zigzag(b, stop);
    if (Number.isNaN(timestamp) || !skip(keyLength, stop) || !skip(zigzag(b, stop), stop) || !skipHeaders(b, stop)) {
      return broken(`record ${i} is malformed`);
    }
    if (at !== stop) return broken(`record ${i} has ${stop - at} bytes behind its headers`);
    if (keyLength < 0) keyless = listed(keyless, i);
    if (timestamp > maxTimestamp) maxTimestamp = timestamp;
    if (timestamp !== -1 && (timestamp < window.earliest || timestamp > window.latest)) untimely = listed(untimely, i);
  }
  if (at !== end) return broken(`${end - at} bytes behind the batch's ${window.count} records`);
  return { problem: undefined, maxTimestamp, untimely: untimely ?? NONE, keyless: keyless ?? NONE };
}
