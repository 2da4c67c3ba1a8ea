import { type FileSystem } from '../disk/file-system.js';
import { offsetName } from '../segment/segment-files.js';

// Names of the snapshots in the metadata log's directory: the offset at which each ends, and the epoch of the last
// record in it.

export interface CheckpointId {
  /** First offset that the snapshot does not contain. */
  readonly endOffset: number;
  readonly epoch: number;
}

const NAME = /^(\d{20})-(\d{10})\.checkpoint$/;

export function checkpointPath(directory: string, { endOffset, epoch }: CheckpointId): string {
  return `${directory}/${offsetName(endOffset)}-${String(epoch).padStart(10, '0')}.checkpoint`;
}

/** The snapshots of a directory, the oldest first. */
export function listCheckpoints(fs: FileSystem, directory: string): CheckpointId[] {
  return fs
    .list(directory)
    .map((name) => NAME.exec(name))
    .filter((match) => match !== null)
    .map((match) => ({ endOffset: Number(match[1]), epoch: Number(match[2]) }))
    .sort((a, b) => a.endOffset - b.endOffset || a.epoch - b.epoch);
}
