import { type CoordinatorLog } from '../../src/broker/coordinator/coordinator-log.js';

// An internal topic in memory, which can refuse to append and hold back durability.

export class MemoryCoordinatorLog implements CoordinatorLog {
  readonly batches: Buffer[][];
  /** Error code of every append from now on; 0 none. */
  errorCode = 0;
  /** Set: so many more appends are stored, then the process is dead and nothing is. */
  life: Life | undefined;
  /** What `durable` answers from now on. */
  durability: Promise<void> | undefined;

  constructor(readonly partitions = 5) {
    this.batches = Array.from({ length: partitions }, () => []);
  }

  append(partition: number, batch: Buffer): { errorCode: number } {
    const errorCode = this.refusal();
    if (errorCode === 0) this.batches[partition]!.push(batch);
    return { errorCode };
  }

  protected refusal(): number {
    return this.errorCode || refusalOf(this.life);
  }

  durable(_partition: number): Promise<void> | undefined {
    return this.durability;
  }

  leaderEpoch(_partition: number): number {
    return 0;
  }

  readAll(partition: number, visit: (batches: Buffer) => void): void {
    const batches = this.batches[partition]!;
    // As one run, as a file would be read; a copy, since the reader's memory is not the writer's.
    if (batches.length > 0) visit(Buffer.concat(batches));
  }
}

/** What is left of a process that is about to be killed; shared by all that it writes to. */
export interface Life {
  appends: number;
}

const STORAGE_ERROR = 56;

export function refusalOf(life: Life | undefined): number {
  return life && life.appends-- <= 0 ? STORAGE_ERROR : 0;
}
