import { NestdawError } from '../../common/errors.js';

// The features that a data directory has finalized, and what they ask of the records that are written into it. Those
// of a Kafka that is known are kept, whether or not this broker serves what they switch on: its clients are told of
// what is served alone, and Kafka finds them again.

/**
 * The level at which the records of this broker are valid: Kafka 4.0's. A directory that Kafka made may have any
 * level of the range; the records follow it.
 */
export const METADATA_VERSION = { name: 'metadata.version', level: 25, min: 7, max: 30 } as const;
/**
 * How transactions are driven: from 1 on their state is stored with tagged fields; from 2 on every transaction has an
 * epoch of its own, and a partition joins with its first batch (KIP-890).
 */
export const TRANSACTION_VERSION = { name: 'transaction.version', level: 2, min: 0, max: 2 } as const;
/** What clients are told of: the levels that are served, and the one of a new directory. */
export const SUPPORTED_FEATURES = [METADATA_VERSION, TRANSACTION_VERSION] as const;
const LEADER_REPLICAS = 'eligible.leader.replicas.version';

/** Highest level of each feature whose records are understood, or can be passed over and kept. */
const KNOWN: ReadonlyMap<string, number> = new Map([
  [METADATA_VERSION.name, METADATA_VERSION.max],
  [LEADER_REPLICAS, 1],
  ['group.version', 1],
  [TRANSACTION_VERSION.name, TRANSACTION_VERSION.max],
  ['share.version', 1],
  ['streams.version', 1],
]);

/** Levels of metadata.version from which records have a newer form. */
const Since = {
  ZK_MIGRATION: 8,
  CONTROLLER_REGISTRATION: 15,
  DIRECTORIES: 17,
  LEADER_REPLICAS: 23,
  CORDONED_DIRECTORIES: 30,
} as const;

export type Features = ReadonlyMap<string, number>;

/** Features change what records mean, so a directory that has others than these is not touched. */
export function checkFeatures(features: Features): void {
  const unknown = [...features.keys()].filter((name) => !KNOWN.has(name));
  if (unknown.length > 0) {
    throw refusal(`features that are not known here: ${unknown.join(', ')}`);
  }
  for (const [name, level] of features) {
    const max = KNOWN.get(name)!;
    if (level > max) throw refusal(`${name} ${level}; up to ${max} is known`);
  }
  const level = features.get(METADATA_VERSION.name);
  if (level === undefined || level >= METADATA_VERSION.min) return;
  throw new NestdawError(
    'KAFKA_DATA_DIR_INVALID',
    `the data directory has metadata.version ${level}; ${METADATA_VERSION.min} is the lowest that is served. Raise it with the Kafka that wrote it (kafka-features upgrade), or use another directory.`,
  );
}

function refusal(what: string): NestdawError {
  return new NestdawError(
    'KAFKA_DATA_DIR_INVALID',
    `the data directory has ${what}. It was written by a newer Kafka: use that one, a newer nestdaw, or another directory.`,
  );
}

export function metadataVersion(features: Features): number {
  return features.get(METADATA_VERSION.name) ?? METADATA_VERSION.level;
}

/** Whether partitions keep account of the replicas that could lead them after the last one was lost. */
export function hasLeaderReplicas(features: Features): boolean {
  return (features.get(LEADER_REPLICAS) ?? 0) > 0;
}

export function hasControllerRegistration(features: Features): boolean {
  return metadataVersion(features) >= Since.CONTROLLER_REGISTRATION;
}

/** Version of Partition and PartitionChange records. */
export function partitionVersion(features: Features): number {
  const level = metadataVersion(features);
  if (level >= Since.LEADER_REPLICAS) return 2;
  return level >= Since.DIRECTORIES ? 1 : 0;
}

/** Version of RegisterBroker records. */
export function registrationVersion(features: Features): number {
  const level = metadataVersion(features);
  if (level >= Since.CORDONED_DIRECTORIES) return 4;
  if (level >= Since.DIRECTORIES) return 3;
  return level >= Since.ZK_MIGRATION ? 2 : 1;
}
