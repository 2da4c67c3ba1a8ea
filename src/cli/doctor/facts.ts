import { type ConfigEntry } from '../../runtime/client/admin/config-admin.js';
import { type LogDir } from '../../runtime/client/admin/log-dir-admin.js';
import { type PartitionInfo } from '../../runtime/client/cluster/cluster.js';
import { type ProducerSettings } from '../../runtime/client/producer/producer-options.js';
import { type KafkaProperties } from '../../runtime/config/kafka-properties.js';

// What the doctor judges: the configuration of one connection, and what its cluster told about itself.

/** What was asked for, or why there is no answer. */
export type Told<T> = { readonly value: T } | { readonly problem: string };

export interface Facts {
  /** Lines of what keeps the application from starting. */
  readonly mistakes: readonly string[];
  /** Lines of what is worth knowing about the configuration. */
  readonly warnings: readonly string[];
  readonly properties: KafkaProperties;
  /** The plain producer first. */
  readonly producers: readonly ProducerFacts[];
  readonly cluster: Told<ClusterFacts>;
}

export interface ProducerFacts {
  /** Undefined for the plain one. */
  readonly name?: string;
  readonly properties: KafkaProperties;
  /** What it is made with when all defaults and its profile have had their say. */
  readonly settings: ProducerSettings;
}

export interface ClusterFacts {
  readonly id: string | null;
  readonly servers: readonly string[];
  /** One node on purpose: a broker that says itself that keys about copies have no effect. */
  readonly isOneNode: boolean;
  readonly nodes: readonly NodeFacts[];
  readonly topics: readonly TopicFacts[];
  /** Topics that were asked for and are not there. */
  readonly missingTopics: readonly string[];
}

export interface NodeFacts {
  readonly nodeId: number;
  readonly address: string;
  readonly configs: Told<Configs>;
  readonly folders: Told<readonly Folder[]>;
}

export interface Folder extends LogDir {
  /** Number of its file system's kind (statfs); undefined where the folder is not on this machine. */
  readonly fileSystem?: number;
}

export interface TopicFacts {
  readonly name: string;
  readonly isInternal: boolean;
  readonly partitions: readonly PartitionInfo[];
  readonly configs: Told<Configs>;
  /** Offsets from the first record to the end, of each partition that told them. */
  readonly lengths: Told<ReadonlyMap<number, number>>;
}

export type Configs = ReadonlyMap<string, Pick<ConfigEntry, 'value' | 'origin'>>;
