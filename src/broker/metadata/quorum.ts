import { NestdawError } from '../../common/errors.js';
import { type ControlRecord, type OutgoingControl, outgoingControl } from './control-records.js';
import { KRaftVersion, KRaftVoters, type RecordOf } from './metadata-records.js';

// Who votes. A quorum is either configured (level 0, nothing in the log) or kept in the log itself (level 1), where
// each voter is known by its number and its directory. Nothing here changes it: a directory keeps the kind it has.

export class Quorum {
  #version = 0;
  #voters: RecordOf<typeof KRaftVoters> | undefined;

  /** Level of `kraft.version`. */
  get version(): number {
    return this.#version;
  }

  replay({ type, message }: ControlRecord): void {
    if (type === KRaftVersion) this.#version = (message as RecordOf<typeof KRaftVersion>).kRaftVersion;
    else if (type === KRaftVoters) this.#voters = message as RecordOf<typeof KRaftVoters>;
  }

  /**
   * Throws KAFKA_DATA_DIR_INVALID unless this node, with this directory, is the only voter, or voters are configured.
   */
  check(nodeId: number, directoryId: string): void {
    if (this.#version > 1) {
      throw invalid(`kraft.version ${this.#version}; up to 1 is known. Use a newer nestdaw, or another directory.`);
    }
    if (!this.#voters) return;
    const [voter, ...others] = this.#voters.voters;
    if (voter?.voterId !== nodeId || others.length > 0) {
      const names = this.#voters.voters.map(({ voterId }) => voterId).join(', ');
      throw invalid(`the voters ${names}; this broker is a single node, number ${nodeId}. Use another directory.`);
    }
    if (voter.voterDirectoryId !== directoryId) {
      throw invalid(
        `a voter with the directory ${voter.voterDirectoryId}; meta.properties says ${directoryId}. Put the first as directory.id into meta.properties, or use another directory.`,
      );
    }
  }

  /** What the first batch of a log and every snapshot say about the voters; nothing when they are configured. */
  records(): OutgoingControl[] {
    if (this.#version === 0) return [];
    const level = outgoingControl(KRaftVersion, { version: 0, kRaftVersion: this.#version });
    return this.#voters ? [level, outgoingControl(KRaftVoters, this.#voters)] : [level];
  }
}

function invalid(what: string): NestdawError {
  return new NestdawError('KAFKA_DATA_DIR_INVALID', `the data directory has ${what}`);
}
