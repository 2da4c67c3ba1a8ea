// Names of the files in a partition's directory.

/** Files of a segment. */
export const SEGMENT_EXTENSIONS = ['log', 'index', 'timeindex', 'txnindex'] as const;
export type SegmentExtension = (typeof SEGMENT_EXTENSIONS)[number] | 'snapshot';

/** Suffix of files on their way out, removed after file.delete.delay.ms or at the next start. */
export const DELETED_SUFFIX = '.deleted';
/** Suffix of a compaction's output that is not finished; it counts for nothing. */
export const CLEANED_SUFFIX = '.cleaned';
/** Suffix of finished output that is to take the place of other segments; the next start completes that. */
export const SWAP_SUFFIX = '.swap';

const NAME = /^(\d{20})\.(log|index|timeindex|txnindex|snapshot)$/;

/** `00000000000000000042`: the base offset as it stands in file names. */
export function offsetName(offset: number): string {
  return String(offset).padStart(20, '0');
}

export function segmentPath(directory: string, baseOffset: number, extension: SegmentExtension): string {
  return `${directory}/${offsetName(baseOffset)}.${extension}`;
}

/** Offset and kind of a file's name; undefined for files that are none of a segment's. */
export function parseSegmentName(name: string): { offset: number; extension: SegmentExtension } | undefined {
  const match = NAME.exec(name);
  return match ? { offset: Number(match[1]), extension: match[2] as SegmentExtension } : undefined;
}
