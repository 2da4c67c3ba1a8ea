import { type CheckpointId, checkpointPath, listCheckpoints } from '../log/directory/metadata-checkpoints.js';
import { type FileSystem } from '../log/disk/file-system.js';
import { encodeSnapshot, readSnapshot, type SnapshotContent, type SnapshotVisitor } from './snapshot-file.js';

// The snapshots beside the metadata log. A file under its final name is whole: it is written under another one first.

export class SnapshotStore {
  constructor(
    readonly fileSystem: FileSystem,
    /** The metadata log's own. */
    readonly directory: string,
  ) {}

  newest(): CheckpointId | undefined {
    return listCheckpoints(this.fileSystem, this.directory).at(-1);
  }

  read(id: CheckpointId, visitor: SnapshotVisitor): void {
    const path = checkpointPath(this.directory, id);
    readSnapshot(this.fileSystem.readFile(path), path, visitor);
  }

  /** Durable when it returns; the ones before it are gone then. */
  write(id: CheckpointId, content: SnapshotContent): void {
    this.fileSystem.writeFileAtomic(checkpointPath(this.directory, id), encodeSnapshot(id, content));
    for (const older of listCheckpoints(this.fileSystem, this.directory)) {
      const isOlder = older.endOffset < id.endOffset || older.epoch < id.epoch;
      if (isOlder) this.fileSystem.remove(checkpointPath(this.directory, older));
    }
  }
}
