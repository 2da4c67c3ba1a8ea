import { NestdawError } from '../../common/errors.js';
import { readIfThere } from '../log/directory/checkpoint-file.js';
import { namesDirectory } from '../log/directory/directory-choice.js';
import { type FileSystem } from '../log/disk/file-system.js';
import { hasLeaderReplicas } from './features.js';
import { ConfigResource, type MetadataImage } from './metadata-image.js';
import { type MetadataRecord, metadataRecord } from './metadata-record.js';
import { Config, FeatureLevel, type RecordOf, UserScramCredential } from './metadata-records.js';
import { readSnapshot } from './snapshot-file.js';

// What a directory that Kafka made asks for: the settings it was formatted with, the replicas of its partitions, and
// what deleted topics left behind.

/**
 * What `kafka-storage format` wrote for the first start: features and users. Empty when this is no such directory, or
 * when it was started before.
 */
export function formattedRecords(fs: FileSystem, directory: string, image: MetadataImage): MetadataRecord[] {
  if (image.features.size > 0) return [];
  const path = `${directory}/bootstrap.checkpoint`;
  const bytes = readIfThere(fs, path);
  const records: MetadataRecord[] = [];
  if (!bytes) return records;
  const control = () => undefined;
  readSnapshot(bytes, path, {
    control,
    record: (record) => {
      if (record.type === FeatureLevel || record.type === UserScramCredential) records.push(record);
    },
  });
  return records;
}

/** Features among records. */
export function featuresOf(records: readonly MetadataRecord[]): Map<string, number> {
  const features = new Map<string, number>();
  for (const { type, message } of records) {
    if (type !== FeatureLevel) continue;
    const { name, featureLevel } = message as RecordOf<typeof FeatureLevel>;
    features.set(name, featureLevel);
  }
  return features;
}

/** Where eligible leaders are kept account of, the copies that acks=all waits for must be set for the whole cluster. */
export function clusterDefaults(features: ReadonlyMap<string, number>, minInsyncReplicas: string): MetadataRecord[] {
  if (!hasLeaderReplicas(features)) return [];
  const resource = { resourceType: ConfigResource.BROKER, resourceName: '' };
  return [metadataRecord(Config, 0, { ...resource, name: 'min.insync.replicas', value: minInsyncReplicas })];
}

/** What lies where, as far as that can be told. */
export interface Placement {
  /** Of the directories whose meta.properties could be read. */
  readonly directoryIds: readonly string[];
  /** There is a directory of which not even that is known. */
  readonly hasUnread: boolean;
  readonly has: (topic: string, partition: number) => boolean;
}

/** Throws KAFKA_DATA_DIR_INVALID when a partition lies in a directory that `log.dirs` does not name. */
export function checkDirectories(image: MetadataImage, { directoryIds, hasUnread, has }: Placement): void {
  if (hasUnread) return;
  for (const { name, partitions } of image.topics()) {
    for (const { partitionId, directories } of partitions) {
      const [id] = directories;
      if (directoryIds.includes(id ?? '') || !namesDirectory(id) || has(name, partitionId)) continue;
      throw new NestdawError(
        'KAFKA_DATA_DIR_INVALID',
        `${name}-${partitionId} lies in the directory with directory.id ${id}, which log.dirs does not name: ` +
          `add it (is a disk not mounted?). Named are those with ${directoryIds.join(', ')}.`,
      );
    }
  }
}

/** Throws KAFKA_DATA_DIR_INVALID when there are partitions on other nodes. */
export function checkReplicas(image: MetadataImage, nodeId: number): void {
  for (const { name, partitions } of image.topics()) {
    for (const { partitionId, replicas } of partitions) {
      if (replicas.length === 1 && replicas[0] === nodeId) continue;
      throw new NestdawError(
        'KAFKA_DATA_DIR_INVALID',
        `the data directory is one of several brokers: ${name}-${partitionId} has its copies on [${replicas.join(', ')}], this is node ${nodeId} and runs alone. Move all partitions to this node first (kafka-reassign-partitions), or use another directory.`,
      );
    }
  }
}

/** Takes back what topics left behind that were deleted without their configuration. */
export function leftoverRemovals(image: MetadataImage): MetadataRecord[] {
  return [...image.leftoverConfigs()].map(([resourceName, name]) =>
    metadataRecord(Config, 0, { resourceType: ConfigResource.TOPIC, resourceName, name, value: null }),
  );
}
