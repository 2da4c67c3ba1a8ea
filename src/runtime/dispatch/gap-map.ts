import { type OffsetRange } from './offset-range.js';

// Finished ranges above the committed offset as text for the commit's metadata: after a crash only unfinished records
// run again. Run lengths (unfinished, finished, unfinished, …) from the committed offset on, as variable-length
// integers in base64url behind a versioned prefix: two to three characters a range in practice. What an application
// stores beside its offsets stands in front of it, with a space between.

const PREFIX = 'nestdaw-gaps:1:';
/** Kafka's default for `offset.metadata.max.bytes` is 4,096; some room is left. */
const MAX_CHARACTERS = 4_000;
/** Any version. */
const ANY_MAP = /(?:^| )nestdaw-gaps:/;

/**
 * Text for `ranges` (ascending, all above `base`), empty when there are none. Undefined when it would be too long: the
 * plain offset is then all that can be said. `taken`: characters of what stands in front of it.
 */
export function encodeGapMap(base: number, ranges: readonly OffsetRange[], taken = 0): string | undefined {
  if (ranges.length === 0) return '';
  const most = Math.floor(((MAX_CHARACTERS - taken - PREFIX.length) * 3) / 4) - 1;
  if (ranges.length * 2 > most) return undefined;
  const bytes: number[] = [];
  let at = base;
  for (const { from, to } of ranges) {
    appendVarint(bytes, from - at);
    appendVarint(bytes, to - from);
    at = to;
    if (bytes.length > most) return undefined;
  }
  return PREFIX + Buffer.from(bytes).toString('base64url');
}

/** Ranges of a committed metadata text. Undefined for text of somebody else, and for text that was damaged. */
export function decodeGapMap(base: number, metadata: string): OffsetRange[] | undefined {
  if (metadata === '') return [];
  const { map } = splitMetadata(metadata);
  if (map === '' || map.length > MAX_CHARACTERS) return undefined;
  const text = map.slice(PREFIX.length);
  if (text === '' || /[^A-Za-z0-9_-]/.test(text)) return undefined;
  const runs = varints(Buffer.from(text, 'base64url'));
  if (runs === undefined || runs.length === 0 || runs.length % 2 !== 0) return undefined;
  const ranges: OffsetRange[] = [];
  let at = base;
  for (let i = 0; i < runs.length; i += 2) {
    const from = at + runs[i]!;
    const to = from + runs[i + 1]!;
    // A run of no records is never written: whoever wrote this, it is not a map to be trusted.
    if (runs[i] === 0 || runs[i + 1] === 0 || !Number.isSafeInteger(to)) return undefined;
    ranges.push({ from, to });
    at = to;
  }
  return ranges;
}

/** An application's text and a map, as they are stored; each may be empty. */
export function joinMetadata(text: string, map: string): string {
  return text === '' || map === '' ? text + map : `${text} ${map}`;
}

/** The two again. */
export function splitMetadata(metadata: string): { readonly text: string; readonly map: string } {
  if (metadata.startsWith(PREFIX)) return { text: '', map: metadata };
  const at = metadata.lastIndexOf(` ${PREFIX}`);
  return at < 0 ? { text: metadata, map: '' } : { text: metadata.slice(0, at), map: metadata.slice(at + 1) };
}

/** Whether a text could be taken for a map, or for one with a text in front of it. */
export function isGapMapIn(text: string): boolean {
  return ANY_MAP.test(text);
}

function appendVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

/** All integers of `bytes`; undefined when the last one is cut off or one is beyond the safe range. */
function varints(bytes: Buffer): number[] | undefined {
  const values: number[] = [];
  let value = 0;
  let factor = 1;
  for (const byte of bytes) {
    value += (byte & 0x7f) * factor;
    if (!Number.isSafeInteger(value)) return undefined;
    if (byte & 0x80) {
      factor *= 0x80;
      continue;
    }
    values.push(value);
    value = 0;
    factor = 1;
  }
  return factor === 1 ? values : undefined;
}
