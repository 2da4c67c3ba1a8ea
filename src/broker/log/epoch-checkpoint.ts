import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { LEADER_EPOCH_FILE, writeLeaderEpochs } from './directory/checkpoint-file.js';
import { type FileSystem } from './disk/file-system.js';
import { type LeaderEpochs } from './leader-epochs.js';

// Keeps leader-epoch-checkpoint in step with the epochs of a log. They stand in the batches as well, so a failed
// write is only tried again.

export class EpochCheckpoint {
  #isWritten = true;

  constructor(
    readonly epochs: LeaderEpochs,
    private readonly fs: FileSystem,
    private readonly directory: string,
    private readonly logger: Logger,
  ) {}

  /** Notes that `epoch` writes from `startOffset` on. */
  assign(epoch: number, startOffset: number): void {
    if (this.epochs.assign(epoch, startOffset)) this.#isWritten = false;
    this.write();
  }

  /** The log begins at `offset` now. The file follows with the next write. */
  startsAt(offset: number): void {
    this.epochs.truncateFromStart(offset);
    this.#isWritten = false;
  }

  write(): void {
    if (this.#isWritten) return;
    try {
      writeLeaderEpochs(this.fs, `${this.directory}/${LEADER_EPOCH_FILE}`, this.epochs.starts);
      this.#isWritten = true;
    } catch (error) {
      this.logger.warn(`${this.directory}/${LEADER_EPOCH_FILE} could not be written: ${messageOf(error)}`);
    }
  }
}
