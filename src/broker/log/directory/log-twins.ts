import { NestdawError } from '../../../common/errors.js';
import { type FileSystem } from '../disk/file-system.js';
import { parseSegmentName } from '../segment/segment-files.js';

// A partition that lies in two directories: a crash in the last step of a move leaves the old and the new one, alike
// byte for byte. Of any other two nobody can say which is right.

/** Throws KAFKA_DATA_DIR_INVALID unless the logs in the two directories of a partition have the same files. */
export function requireTwins(fs: FileSystem, one: string, other: string): void {
  if (sizesIn(fs, one) === sizesIn(fs, other)) return;
  throw new NestdawError(
    'KAFKA_DATA_DIR_INVALID',
    `${one} and ${other} are the same partition with different files: move one of the two out of the way`,
  );
}

function sizesIn(fs: FileSystem, directory: string): string {
  const logs = fs.list(directory).filter((name) => parseSegmentName(name)?.extension === 'log');
  return logs
    .sort()
    .map((name) => `${name} ${sizeOf(fs, `${directory}/${name}`)}`)
    .join();
}

function sizeOf(fs: FileSystem, path: string): number {
  const handle = fs.open(path);
  try {
    return handle.size();
  } finally {
    handle.close();
  }
}
