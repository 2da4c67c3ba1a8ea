import { nextOffset } from '../../../protocol/record-batch-header.js';
import { type FileSystem } from '../disk/file-system.js';
import { scanBatches } from '../segment/batch-scanner.js';
import {
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  parseSegmentName,
  SWAP_SUFFIX,
  segmentPath,
} from '../segment/segment-files.js';

// Brings a partition's directory into order before it is read: what was on its way out goes, a compaction that was
// being swapped in is completed, indexes without a log go.

const TEMPORARY_SUFFIX = '.tmp';

export interface SegmentFilesFound {
  /** Base offsets of the segments, rising. */
  readonly bases: number[];
  readonly snapshots: number[];
}

export function tidyDirectory(fs: FileSystem, directory: string): SegmentFilesFound {
  const names = fs.list(directory);
  const leftovers = names.filter((name) => /\.(deleted|cleaned|swap|tmp)$/.test(name));
  if (leftovers.length > 0) {
    completeSwaps(fs, directory, leftovers);
    for (const name of leftovers) {
      const isOurs = name.endsWith(DELETED_SUFFIX) || name.endsWith(CLEANED_SUFFIX) || name.endsWith(TEMPORARY_SUFFIX);
      if (isOurs) fs.remove(`${directory}/${name}`);
    }
  }
  return sortFiles(fs, directory, leftovers.length > 0 ? fs.list(directory) : names);
}

/**
 * A `.swap` file is finished output: it takes the place of the segments whose offsets it covers. Unless `.cleaned`
 * files are there at or before it: then not all of the output had been renamed, and the originals still count.
 */
function completeSwaps(fs: FileSystem, directory: string, leftovers: readonly string[]): void {
  const offsetOf = (name: string): number => Number.parseInt(name, 10);
  const cleaned = leftovers.filter((name) => name.endsWith(CLEANED_SUFFIX)).map(offsetOf);
  const invalidFrom = Math.min(Number.POSITIVE_INFINITY, ...cleaned);
  const isLog = (name: string): boolean => name.endsWith(`.log${SWAP_SUFFIX}`);
  const swaps = leftovers.filter((name) => name.endsWith(SWAP_SUFFIX));
  for (const name of swaps.filter((swap) => offsetOf(swap) >= invalidFrom)) fs.remove(`${directory}/${name}`);
  const valid = swaps.filter((swap) => offsetOf(swap) < invalidFrom);
  for (const name of valid.filter(isLog)) {
    const base = offsetOf(name);
    const end = endOffset(fs, `${directory}/${name}`, base);
    for (const other of fs.list(directory)) {
      const parsed = parseSegmentName(other);
      if (parsed && parsed.extension !== 'snapshot' && parsed.offset >= base && parsed.offset < end) {
        fs.remove(`${directory}/${other}`);
      }
    }
  }
  // The log first: as long as it is a `.swap` file, indexes already in place count among what it replaces.
  for (const name of [...valid.filter(isLog), ...valid.filter((other) => !isLog(other))]) {
    fs.rename(`${directory}/${name}`, `${directory}/${name.slice(0, -SWAP_SUFFIX.length)}`);
  }
}

function endOffset(fs: FileSystem, path: string, base: number): number {
  const handle = fs.open(path);
  try {
    let end = base + 1;
    scanBatches(handle, 0, handle.size(), false, (header, at) => {
      end = nextOffset(header, at);
    });
    return end;
  } finally {
    handle.close();
  }
}

function sortFiles(fs: FileSystem, directory: string, names: readonly string[]): SegmentFilesFound {
  const parsed = names.map(parseSegmentName).filter((name) => name !== undefined);
  const of = (extension: string): number[] => parsed.filter((n) => n.extension === extension).map((n) => n.offset);
  const bases = of('log').sort((a, b) => a - b);
  const known = new Set(bases);
  for (const { offset, extension } of parsed) {
    if (extension !== 'snapshot' && !known.has(offset)) fs.remove(segmentPath(directory, offset, extension));
  }
  return { bases, snapshots: of('snapshot') };
}
