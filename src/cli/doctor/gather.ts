import { readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, NestdawError } from '../../common/errors.js';
import { partitionName } from '../../common/topic-partition.js';
import { type ConfigEntry, type ConfigOwner } from '../../runtime/client/admin/config-admin.js';
import { type KafkaAdmin } from '../../runtime/client/admin/kafka-admin.js';
import { type TopicDescription } from '../../runtime/client/admin/topic-admin.js';
import { type NodeInfo } from '../../runtime/client/cluster/cluster.js';
import { parseProperties } from '../../runtime/config/sources/properties-file.js';
import { type ClusterFacts, type Folder, type NodeFacts, type Told, type TopicFacts } from './facts.js';

// Asks a cluster for what the doctor judges. Whoever may not ask for something learns so from the report.

/** Resources of one request. */
const AT_ONCE = 200;
/** A key about copies, of which a broker that is one node on purpose says itself that it has no effect. */
const OF_COPIES = 'replica.fetch.max.bytes';
const NO_EFFECT = /\bno effect\b/;

/** Whom it asks. */
export type Asked = Pick<
  KafkaAdmin,
  | 'describeCluster'
  | 'listTopics'
  | 'describeTopics'
  | 'describeConfigs'
  | 'configDocumentation'
  | 'logDirs'
  | 'offsetsAt'
>;

export interface GatherOptions {
  readonly admin: Asked;
  readonly servers: readonly string[];
  /** Only these topics. */
  readonly topics?: readonly string[];
}

export function gatherCluster({ admin, servers, topics }: GatherOptions): Promise<Told<ClusterFacts>> {
  return told(async () => {
    const { clusterId, nodes } = await admin.describeCluster();
    const names = topics ?? (await admin.listTopics({ internal: true }));
    const described = await admin.describeTopics(...names);
    return {
      id: clusterId,
      servers,
      isOneNode: await isOneNode(admin, nodes),
      nodes: await Promise.all(nodes.map((node) => nodeOf(admin, node, clusterId))),
      topics: await topicsOf(admin, [...described.values()]),
      missingTopics: names.filter((name) => !described.has(name)),
    };
  });
}

async function isOneNode(admin: Asked, [node, ...others]: readonly NodeInfo[]): Promise<boolean> {
  if (node === undefined || others.length > 0) return false;
  const words = await told(() => admin.configDocumentation({ kind: 'broker', name: String(node.nodeId) }));
  return 'value' in words && NO_EFFECT.test(words.value.get(OF_COPIES) ?? '');
}

async function nodeOf(admin: Asked, { nodeId, host, port }: NodeInfo, clusterId: string | null): Promise<NodeFacts> {
  const [configs, folders] = await Promise.all([
    told(async () => (await admin.describeConfigs({ kind: 'broker', name: String(nodeId) })).get(String(nodeId))!),
    told(async () =>
      (await admin.logDirs(nodeId)).map((folder): Folder => {
        const fileSystem = fileSystemOf(folder.path, clusterId);
        return fileSystem === undefined ? folder : { ...folder, fileSystem };
      }),
    ),
  ]);
  return { nodeId, address: `${host}:${port}`, configs, folders };
}

/** Kind of the file system below a cluster's directory; undefined where that is not on this machine. */
function fileSystemOf(path: string, clusterId: string | null): number | undefined {
  // Elsewhere the numbers mean something else.
  if (process.platform !== 'linux') return undefined;
  try {
    const file = join(path, 'meta.properties');
    // A directory of the same name on this machine may be somebody else's.
    if (parseProperties(readFileSync(file, 'utf8'), file)['cluster.id'] !== clusterId) return undefined;
    return statfsSync(path).type;
  } catch {
    return undefined; // not there, or none of our business
  }
}

async function topicsOf(admin: Asked, described: readonly TopicDescription[]): Promise<TopicFacts[]> {
  const configs = await configsOf(admin, described);
  const lengths = await lengthsOf(admin, described);
  return described
    .map(({ name, isInternal, partitions }) => {
      return {
        name,
        isInternal,
        partitions,
        configs: configs.get(name)!,
        lengths: ofTopic(lengths, name, partitions.length),
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

type AllConfigs = Map<string, Told<ReadonlyMap<string, ConfigEntry>>>;

async function configsOf(admin: Asked, topics: readonly TopicDescription[]): Promise<AllConfigs> {
  const found: AllConfigs = new Map();
  for (let at = 0; at < topics.length; at += AT_ONCE) {
    const owners = topics.slice(at, at + AT_ONCE).map(({ name }): ConfigOwner => ({ kind: 'topic', name }));
    const answer = await told(() => admin.describeConfigs(...owners));
    for (const { name } of owners) {
      found.set(name, 'value' in answer ? { value: answer.value.get(name)! } : answer);
    }
  }
  return found;
}

/** Offsets from beginning to end, by the names of partitions. */
function lengthsOf(admin: Asked, topics: readonly TopicDescription[]): Promise<Told<ReadonlyMap<string, number>>> {
  const partitions = topics
    .filter((topic) => !topic.isInternal && topic.partitions.length > 1)
    .flatMap((topic) => topic.partitions.map(({ partition, leader }) => ({ topic: topic.name, partition, leader })))
    .filter(({ leader }) => leader >= 0);
  return told(async () => {
    const begins = await admin.offsetsAt(partitions, 'beginning');
    const ends = new Map((await admin.offsetsAt(partitions, 'end')).map((end) => [partitionName(end), end.offset]));
    return new Map(begins.map((begin) => [partitionName(begin), ends.get(partitionName(begin))! - begin.offset]));
  });
}

function ofTopic(lengths: Told<ReadonlyMap<string, number>>, topic: string, partitions: number): TopicFacts['lengths'] {
  if ('problem' in lengths) return lengths;
  const all = Array.from({ length: partitions }, (_, partition) => {
    return [partition, lengths.value.get(partitionName({ topic, partition }))] as const;
  });
  return { value: new Map(all.filter((one): one is [number, number] => one[1] !== undefined)) };
}

async function told<T>(ask: () => Promise<T>): Promise<Told<T>> {
  try {
    return { value: await ask() };
  } catch (error) {
    if (!(error instanceof NestdawError)) throw error;
    return { problem: messageOf(error) };
  }
}
