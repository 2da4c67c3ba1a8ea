import { NestdawError } from '../../../common/errors.js';
import { type Random } from '../../../common/random.js';
import { type TopicPartitionMap } from '../../../common/topic-partition.js';
import { type FileSystem } from '../disk/file-system.js';
import { type LastStop } from '../log-recovery.js';
import {
  CLEAN_SHUTDOWN_FILE,
  META_PROPERTIES_FILE,
  type MetaProperties,
  type OffsetCheckpoint,
  readIfThere,
  readMetaProperties,
  readOffsetCheckpoint,
  writeMetaProperties,
  writeOffsetCheckpoint,
  writeUnsynced,
} from './checkpoint-file.js';

// The files at the top of a data directory: whose it is, how the last run ended, and the checkpoints of its logs.

/** Ours alone; Kafka does not look at it. */
const BOOT_ID_FILE = '.nestdaw-boot-id';

export interface DataDirectoryOptions {
  readonly fileSystem: FileSystem;
  readonly path: string;
  readonly nodeId: number;
  readonly clusterId: string | undefined;
  readonly bootId: string | undefined;
  readonly random: Random;
}

const newId = (random: Random): string => random.bytes(16).toString('base64url');

export class DataDirectory {
  readonly meta: MetaProperties;
  /** It held no node's data before this start. */
  readonly isNew: boolean;
  readonly lastStop: LastStop;
  /** What the clean stop before this run had left; undefined when there was none. */
  readonly #lastCleanStop: Buffer | undefined;
  readonly #written = new Map<string, string>();

  /** Throws KAFKA_DATA_DIR_INVALID when the directory is another node's or cluster's. */
  constructor(private readonly options: DataDirectoryOptions) {
    const found = readMetaProperties(options.fileSystem, this.file(META_PROPERTIES_FILE));
    this.isNew = found === undefined;
    this.meta = this.#openMeta(found);
    this.#lastCleanStop = readIfThere(options.fileSystem, this.file(CLEAN_SHUTDOWN_FILE));
    this.lastStop = this.#readLastStop();
    // From here on the directory changes: should this run end without a stop, it must not look like a clean one.
    options.fileSystem.remove(this.file(CLEAN_SHUTDOWN_FILE));
  }

  file(name: string): string {
    return `${this.options.path}/${name}`;
  }

  #openMeta(found: MetaProperties | undefined): MetaProperties {
    const { fileSystem, nodeId, clusterId, random, path } = this.options;
    if (found && found.nodeId !== nodeId) {
      throw new NestdawError(
        'KAFKA_DATA_DIR_INVALID',
        `${path} belongs to node ${found.nodeId}, this broker is node ${nodeId}: ` +
          'set node.id to that number or choose another data directory',
      );
    }
    if (found && clusterId !== undefined && found.clusterId !== clusterId) {
      throw new NestdawError(
        'KAFKA_DATA_DIR_INVALID',
        `${path} belongs to cluster ${found.clusterId}, not to ${clusterId}: choose another data directory`,
      );
    }
    if (found?.directoryId) return found;
    const meta = {
      clusterId: found?.clusterId ?? clusterId ?? newId(random),
      nodeId,
      directoryId: newId(random),
    };
    writeMetaProperties(fileSystem, this.file(META_PROPERTIES_FILE), meta);
    return meta;
  }

  #readLastStop(): LastStop {
    const { fileSystem, bootId } = this.options;
    if (this.#lastCleanStop) return 'clean';
    const lastBoot = readIfThere(fileSystem, this.file(BOOT_ID_FILE))?.toString('utf8');
    return bootId !== undefined && lastBoot === bootId ? 'killed' : 'machine-down';
  }

  /** Every log was taken up: should this process be killed from now on, only tails need a check. */
  recovered(): void {
    const { fileSystem, bootId } = this.options;
    if (bootId === undefined) fileSystem.remove(this.file(BOOT_ID_FILE));
    else if (readIfThere(fileSystem, this.file(BOOT_ID_FILE))?.toString('utf8') !== bootId) {
      // Not synced: one that does not survive the machine's end is no lie about the next boot.
      writeUnsynced(fileSystem, this.file(BOOT_ID_FILE), bootId);
    }
  }

  /** Adds what a checkpoint file says, if it is there, to `offsets`. */
  readOffsets(name: string, offsets: TopicPartitionMap<number>): void {
    readOffsetCheckpoint(this.options.fileSystem, this.file(name), offsets);
  }

  /** Writes a checkpoint unless it says what was written last. */
  writeOffsets(name: string, offsets: OffsetCheckpoint): void {
    const content = offsets.map(([tp, offset]) => `${tp.topic} ${tp.partition} ${offset}`).join('\n');
    if (this.#written.get(name) === content) return;
    writeOffsetCheckpoint(this.options.fileSystem, this.file(name), offsets);
    this.#written.set(name, content);
  }

  /**
   * The last thing that a stop writes. A run that never registered (a negative epoch) leaves the words of the one
   * before it, if that had stopped cleanly: whoever starts next asks whether they are those of the last registration.
   */
  stoppedCleanly(brokerEpoch: number): void {
    const own = JSON.stringify({ version: 0, brokerEpoch });
    const content = brokerEpoch < 0 ? (this.#lastCleanStop ?? own) : own;
    this.options.fileSystem.writeFileAtomic(this.file(CLEAN_SHUTDOWN_FILE), content);
  }
}
