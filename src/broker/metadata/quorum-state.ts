import { NestdawError } from '../../common/errors.js';
import { readIfThere } from '../log/directory/checkpoint-file.js';
import { type FileSystem } from '../log/disk/file-system.js';

// `quorum-state` beside the metadata log: the highest epoch ever begun, also when the log itself was lost or restored.
// Whoever takes the directory over begins an epoch here first, which is how the one before can tell.

interface QuorumState {
  readonly leaderEpoch: number;
  readonly data_version: number;
  readonly currentVoters?: ReadonlyArray<{ readonly voterId: number }>;
}

/** The form follows the level of the quorum: with voters configured (0), or kept in the log (1). */
const NEWEST_VERSION = 1;
const NO_DIRECTORY = 'AAAAAAAAAAAAAAAAAAAAAA';

export class QuorumStateFile {
  #written: string | undefined;

  constructor(
    readonly fileSystem: FileSystem,
    readonly path: string,
    readonly nodeId: number,
  ) {}

  /** Epoch of the last leader, 0 when there was none. Throws KAFKA_DATA_DIR_INVALID on a quorum of several nodes. */
  readEpoch(): number {
    const [line = ''] = (this.#content() ?? '').split('\n');
    let state: QuorumState;
    try {
      state = JSON.parse(line) as QuorumState;
    } catch {
      return 0; // none, or cut short: the log's own epochs remain
    }
    if (state.data_version > NEWEST_VERSION) {
      throw invalid(
        `${this.path} has data_version ${state.data_version}; up to ${NEWEST_VERSION} is known. Use a newer nestdaw, or another directory.`,
      );
    }
    const others = (state.currentVoters ?? []).filter(({ voterId }) => voterId !== this.nodeId);
    if (others.length > 0) {
      const names = others.map(({ voterId }) => voterId).join(', ');
      throw invalid(
        `${this.path} names the controllers ${names}; this broker is a single node, number ${this.nodeId}. Use another directory.`,
      );
    }
    return Number.isInteger(state.leaderEpoch) ? state.leaderEpoch : 0;
  }

  /** Notes, durably, that this node leads in `epoch`. */
  write(leaderEpoch: number, quorumVersion: number): void {
    const { nodeId } = this;
    const state =
      quorumVersion === 0
        ? {
            clusterId: '',
            leaderId: nodeId,
            leaderEpoch,
            votedId: -1,
            appliedOffset: 0,
            currentVoters: [{ voterId: nodeId }],
            data_version: 0,
          }
        : { leaderId: nodeId, leaderEpoch, votedId: -1, votedDirectoryId: NO_DIRECTORY, data_version: 1 };
    const content = JSON.stringify(state);
    this.fileSystem.writeFileAtomic(this.path, content);
    this.#written = content;
  }

  /** Throws KAFKA_DATA_DIR_LOCKED when another program has begun an epoch since this one did. */
  checkUnchanged(): void {
    if (this.#written === undefined || this.#content() === this.#written) return;
    throw new NestdawError(
      'KAFKA_DATA_DIR_LOCKED',
      `${this.path} was changed by another program: nothing more is written to the metadata log. Stop one of the two brokers, and start the other again.`,
    );
  }

  #content(): string | undefined {
    return readIfThere(this.fileSystem, this.path)?.toString('utf8');
  }
}

function invalid(what: string): NestdawError {
  return new NestdawError('KAFKA_DATA_DIR_INVALID', what);
}
