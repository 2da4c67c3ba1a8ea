import { type LogConfig } from '../log-config.js';
import { type SharedContext } from '../log-context.js';
import { type LogFlusher } from '../log-flusher.js';
import { retireSegments } from '../log-retention.js';
import { type LogSegment } from './log-segment.js';
import { CLEANED_SUFFIX, SEGMENT_EXTENSIONS, SWAP_SUFFIX, segmentPath } from './segment-files.js';
import { type SegmentList } from './segment-list.js';

// Puts a compaction's output in the place of the segments it was made from. At every step the directory is one that
// a start brings into order: before the output's files are all named `.swap` the originals count, from then on it does.

/**
 * Makes the output, which is on the device under its `.cleaned` names, one that the next start would swap in. Until
 * then it may still be discarded.
 */
export async function finishOutput(context: SharedContext, output: LogSegment): Promise<void> {
  output.rename(SWAP_SUFFIX);
  await context.files.syncDirectory(output.directory);
}

/** Swaps a finished output in. When this throws, readers go on with what counts then. */
export function swapSegments(
  context: SharedContext,
  config: LogConfig,
  { segments, flusher }: { readonly segments: SegmentList; readonly flusher: LogFlusher },
  replaced: readonly LogSegment[],
  output: LogSegment,
): void {
  segments.replace(replaced, output);
  flusher.removed(replaced);
  retireSegments(replaced, config.fileDeleteDelayMs, context);
  output.rename('');
}

/** Removes the files of an output that was not swapped in. */
export function discardOutput(context: SharedContext, output: LogSegment): void {
  output.close();
  // The log last: indexes alone would be taken for those of the segment that it was made from.
  for (const extension of [...SEGMENT_EXTENSIONS].reverse()) {
    const path = segmentPath(output.directory, output.baseOffset, extension);
    for (const suffix of [CLEANED_SUFFIX, SWAP_SUFFIX]) context.fileSystem.remove(path + suffix);
  }
}
