import { type ClusterFacts, type Configs, type Facts, type TopicFacts } from '../../src/cli/doctor/facts.js';
import { producerSettings } from '../../src/runtime/client/producer/producer-options.js';
import { Environment } from '../../src/runtime/config/environment.js';
import { bindProperties } from '../../src/runtime/config/kafka-properties.js';
import { type Mistake } from '../../src/runtime/config/mistakes.js';
import { objectSource } from '../../src/runtime/config/sources/object-source.js';
import { producerOptions } from '../../src/runtime/nest/connection/client-options.js';
import { namedProducers } from '../../src/runtime/nest/connection/named-producers.js';

// Facts for the doctor, with nothing asked of anybody: a sound cluster of three nodes, where a test does not say else.

/** `properties`: keys without `kafka.`. */
export function factsOf(properties: Readonly<Record<string, string>> = {}, more: Partial<Facts> = {}): Facts {
  const tree = Object.fromEntries(Object.entries(properties).map(([name, value]) => [`kafka.${name}`, value]));
  const environment = new Environment([objectSource('a.properties', tree)]);
  const mistakes: Mistake[] = [];
  const bound = bindProperties(environment, undefined, mistakes);
  const named = namedProducers(bound, environment, mistakes);
  if (mistakes.length > 0) throw new Error(JSON.stringify(mistakes));
  const producers = [
    { properties: bound, settings: producerSettings(producerOptions(bound)) },
    ...[...named].map(([name, own]) => ({ name, properties: own, settings: producerSettings(producerOptions(own)) })),
  ];
  return { mistakes: [], warnings: [], properties: bound, producers, cluster: { value: clusterOf() }, ...more };
}

/** The same on a cluster that differs. */
export function onCluster(cluster: Partial<ClusterFacts>, properties: Readonly<Record<string, string>> = {}): Facts {
  return factsOf(properties, { cluster: { value: clusterOf(cluster) } });
}

const NODE = {
  'default.replication.factor': '3',
  'message.max.bytes': '1048588',
  'replica.fetch.max.bytes': '1048576',
  'fetch.max.bytes': '57671680',
  'socket.request.max.bytes': '104857600',
};

export function clusterOf(cluster: Partial<ClusterFacts> = {}): ClusterFacts {
  return {
    id: 'c',
    servers: ['k:9092'],
    isOneNode: false,
    nodes: [1, 2, 3].map((nodeId) => nodeOf(nodeId)),
    topics: [topicOf()],
    missingTopics: [],
    ...cluster,
  };
}

export function nodeOf(
  nodeId: number,
  configs: Readonly<Record<string, string>> = {},
  fileSystem: number | null = EXT4,
): ClusterFacts['nodes'][number] {
  const folder = { path: `/data/${nodeId}`, totalBytes: 1, usableBytes: 1 };
  return {
    nodeId,
    address: `k-${nodeId}:9092`,
    configs: { value: configsOf({ ...NODE, ...configs }, 'file') },
    folders: { value: [fileSystem === null ? folder : { ...folder, fileSystem }] },
  };
}

const EXT4 = 0xef53;

export interface TopicWish {
  readonly name?: string;
  readonly isInternal?: boolean;
  readonly replicas?: number;
  readonly isr?: number;
  readonly leader?: number;
  readonly configs?: Readonly<Record<string, string>>;
  /** Records of each partition; their number is that of the partitions. */
  readonly lengths?: readonly number[];
}

const TOPIC = {
  'min.insync.replicas': '2',
  'unclean.leader.election.enable': 'false',
  'max.message.bytes': '1048588',
};

export function topicOf(wish: TopicWish = {}): TopicFacts {
  const { name = 'orders', isInternal = false, replicas = 3, isr = replicas, leader = 1, lengths = [0, 0, 0] } = wish;
  const nodes = Array.from({ length: replicas }, (_, at) => at + 1);
  return {
    name,
    isInternal,
    partitions: lengths.map((_, partition) => ({ partition, leader, replicas: nodes, isr: nodes.slice(0, isr) })),
    configs: { value: configsOf({ ...TOPIC, ...wish.configs }, 'topic') },
    lengths: { value: new Map(lengths.entries()) },
  };
}

function configsOf(values: Readonly<Record<string, string>>, origin: 'topic' | 'file'): Configs {
  return new Map(Object.entries(values).map(([name, value]) => [name, { value, origin }]));
}
