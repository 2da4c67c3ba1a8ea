import { dirname } from 'node:path';
import { hasCode, NestdawError } from '../../../common/errors.js';
import { type TopicPartition, TopicPartitionMap } from '../../../common/topic-partition.js';
import { type FileSystem } from '../disk/file-system.js';
import { type EpochStart } from '../leader-epochs.js';

// The small text files of a data directory, in Kafka's formats.

export const RECOVERY_POINT_FILE = 'recovery-point-offset-checkpoint';
export const LOG_START_FILE = 'log-start-offset-checkpoint';
export const CLEANER_FILE = 'cleaner-offset-checkpoint';
export const HIGH_WATERMARK_FILE = 'replication-offset-checkpoint';
export const LEADER_EPOCH_FILE = 'leader-epoch-checkpoint';
export const PARTITION_METADATA_FILE = 'partition.metadata';
export const META_PROPERTIES_FILE = 'meta.properties';
export const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown';

const VERSION = '0';

export type OffsetCheckpoint = ReadonlyArray<readonly [TopicPartition, number]>;

/** Content of a file, or undefined when there is none. */
export function readIfThere(fs: FileSystem, path: string): Buffer | undefined {
  return fs.exists(path) ? fs.readFile(path) : undefined;
}

/**
 * Replaces a file without waiting for the device: for files that can be rebuilt, and whose readers notice when they
 * are empty or torn after a power loss.
 */
export function writeUnsynced(fs: FileSystem, path: string, content: Buffer | string): void {
  const temporary = `${path}.tmp`;
  writeAnew(fs, temporary, content);
  fs.rename(temporary, path);
}

function writeAnew(fs: FileSystem, path: string, content: Buffer | string): void {
  const handle = fs.open(path, { create: true });
  try {
    handle.truncate(0);
    handle.write([Buffer.from(content as string)], 0);
  } finally {
    handle.close();
  }
}

function lines(content: Buffer | undefined, path: string): string[] {
  if (!content || content.length === 0) return [];
  const [version, count, ...rest] = content.toString('utf8').split('\n');
  const entries = rest.filter((line) => line !== '');
  if (version !== VERSION || Number(count) !== entries.length) {
    throw new NestdawError(
      'KAFKA_DATA_DIR_INVALID',
      `${path} is not a checkpoint of version ${VERSION} with ${count} entries: remove it to have it rebuilt`,
    );
  }
  return entries;
}

const text = (entries: readonly string[]): string => `${[VERSION, entries.length, ...entries].join('\n')}\n`;

export function writeOffsetCheckpoint(fs: FileSystem, path: string, offsets: OffsetCheckpoint): void {
  fs.writeFileAtomic(path, text(offsets.map(([tp, offset]) => `${tp.topic} ${tp.partition} ${offset}`)));
}

/** Adds what is in the file to `offsets`, save zeros: those stand for nothing that an unlisted partition has not. */
export function readOffsetCheckpoint(
  fs: FileSystem,
  path: string,
  offsets = new TopicPartitionMap<number>(),
): TopicPartitionMap<number> {
  for (const line of lines(readIfThere(fs, path), path)) {
    const [topic = '', partition, text] = line.split(' ');
    const offset = Number(text);
    if (offset !== 0) offsets.set(topic, Number(partition), offset);
  }
  return offsets;
}

export function writeLeaderEpochs(fs: FileSystem, path: string, starts: readonly EpochStart[]): void {
  writeUnsynced(fs, path, text(starts.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`)));
}

/** The epochs in the file; none when it is missing or torn, they are then found again in the batches. */
export function readLeaderEpochs(fs: FileSystem, path: string): EpochStart[] {
  try {
    return lines(readIfThere(fs, path), path).map((line) => {
      const [epoch, startOffset] = line.split(' ').map(Number);
      return { epoch: epoch!, startOffset: startOffset! };
    });
  } catch (error) {
    if (hasCode(error, 'KAFKA_DATA_DIR_INVALID')) return [];
    throw error;
  }
}

export function writePartitionMetadata(fs: FileSystem, directory: string, topicId: string): void {
  writeUnsynced(fs, `${directory}/${PARTITION_METADATA_FILE}`, `version: 0\ntopic_id: ${topicId}`);
}

/** Topic id of a partition's directory; undefined when the file is missing or torn. */
export function readPartitionMetadata(fs: FileSystem, directory: string): string | undefined {
  const content = readIfThere(fs, `${directory}/${PARTITION_METADATA_FILE}`)?.toString('utf8') ?? '';
  const id = /^topic_id: ([\w-]{22})$/m.exec(content)?.[1];
  // A string of its own: a part of the file's text would keep all of it in memory, for each partition.
  return id && Buffer.from(id, 'latin1').toString('latin1');
}

export interface MetaProperties {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly directoryId: string;
}

export function writeMetaProperties(fs: FileSystem, path: string, meta: MetaProperties): void {
  const { clusterId, nodeId, directoryId } = meta;
  fs.makeDirectory(dirname(path));
  fs.writeFileAtomic(path, `version=1\ncluster.id=${clusterId}\nnode.id=${nodeId}\ndirectory.id=${directoryId}\n`);
}

/** What meta.properties says; undefined when there is none. `directoryId` is empty when the file has none. */
export function readMetaProperties(fs: FileSystem, path: string): MetaProperties | undefined {
  const content = readIfThere(fs, path);
  if (!content) return undefined;
  const values = new Map<string, string>();
  for (const line of content.toString('utf8').split(/\r?\n/)) {
    const [, key, value] = /^\s*([\w.]+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined) values.set(key, value!);
  }
  const version = values.get('version');
  const nodeId = values.get('node.id') ?? values.get('broker.id');
  const clusterId = values.get('cluster.id');
  if ((version !== '0' && version !== '1') || nodeId === undefined || clusterId === undefined) {
    throw new NestdawError(
      'KAFKA_DATA_DIR_INVALID',
      `${path} (version ${version ?? 'missing'}) is not a meta.properties of version 0 or 1 with node.id and ` +
        'cluster.id: choose another data directory, or restore the file',
    );
  }
  return { clusterId, nodeId: Number(nodeId), directoryId: values.get('directory.id') ?? '' };
}
