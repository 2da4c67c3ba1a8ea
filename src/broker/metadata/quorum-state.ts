import { NestdawError } from '../../common/errors.js';
import { type FileSystem } from '../log/file-system.js';

// `quorum-state` beside the metadata log: the highest epoch ever begun, also when the log itself was lost or restored.

interface QuorumState {
  readonly leaderEpoch: number;
  readonly data_version: number;
}

/** Epoch of the last leader, 0 when there was none. Throws KAFKA_DATA_DIR_INVALID on a quorum of several nodes. */
export function readQuorumEpoch(fileSystem: FileSystem, path: string, nodeId: number): number {
  if (!fileSystem.exists(path)) return 0;
  const [line = ''] = fileSystem.readFile(path).toString('utf8').split('\n');
  let state: QuorumState & { readonly currentVoters?: ReadonlyArray<{ readonly voterId: number }> };
  try {
    state = JSON.parse(line) as typeof state;
  } catch {
    return 0; // cut short: the log's own epochs remain
  }
  if (state.data_version !== 0) {
    throw new NestdawError(
      'KAFKA_DATA_DIR_INVALID',
      `${path} has data_version ${state.data_version}, of a quorum whose voters are in the log; 0 is known. Use another directory.`,
    );
  }
  const others = (state.currentVoters ?? []).filter(({ voterId }) => voterId !== nodeId);
  if (others.length > 0) {
    const names = others.map(({ voterId }) => voterId).join(', ');
    throw new NestdawError(
      'KAFKA_DATA_DIR_INVALID',
      `${path} names the controllers ${names}; this broker is a single node, number ${nodeId}. Use another directory.`,
    );
  }
  return Number.isInteger(state.leaderEpoch) ? state.leaderEpoch : 0;
}

/** Notes, durably, that this node leads in `epoch`. */
export function writeQuorumEpoch(fileSystem: FileSystem, path: string, nodeId: number, epoch: number): void {
  const state = {
    clusterId: '',
    leaderId: nodeId,
    leaderEpoch: epoch,
    votedId: -1,
    appliedOffset: 0,
    currentVoters: [{ voterId: nodeId }],
    data_version: 0,
  };
  fileSystem.writeFileAtomic(path, JSON.stringify(state));
}
