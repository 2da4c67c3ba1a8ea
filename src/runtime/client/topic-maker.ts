import { NestdawError } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { brokerError, ErrorCode } from '../../protocol/error-codes.js';
import { CreatePartitions, CreateTopics } from '../../protocol/messages/index.js';
import { type Cluster } from './cluster/cluster.js';

// Topics that a feature needs beside those of the application: made where they are missing.

/** A topic that has to be there. */
export interface NeededTopic {
  readonly name: string;
  /** Partitions, or the topic that it shall have as many partitions as. Without either, what the broker gives. */
  readonly partitions?: number | undefined;
  readonly as?: string | undefined;
  /** Default -1: what the broker gives. */
  readonly replicationFactor?: number;
  readonly configs?: Readonly<Record<string, string>>;
  /** Whether partitions are added when it has fewer. Default false. */
  readonly grows?: boolean;
}

/** Creates what is missing, one request for all of it. `as` counts topics made here as well. */
export async function makeTopics(cluster: Cluster, needed: readonly NeededTopic[], logger: Logger): Promise<void> {
  const missing: Array<NeededTopic & { count: number }> = [];
  const growing: Array<{ name: string; count: number }> = [];
  const counts = new Map<string, number>();
  for (const topic of needed) {
    if (counts.has(topic.name)) continue;
    const has = await countOf(cluster, topic.name);
    const count =
      topic.partitions ?? (topic.as === undefined ? undefined : await wantedCount(cluster, topic.as, counts)) ?? -1;
    counts.set(topic.name, has === undefined ? count : Math.max(has, count));
    if (has === undefined) missing.push({ ...topic, count });
    else if (topic.grows && has < count) growing.push({ name: topic.name, count });
  }
  if (missing.length > 0) await create(cluster, missing, logger);
  if (growing.length > 0) await grow(cluster, growing, logger);
}

async function wantedCount(cluster: Cluster, name: string, counts: ReadonlyMap<string, number>) {
  return counts.get(name) ?? (await countOf(cluster, name));
}

async function countOf(cluster: Cluster, name: string): Promise<number | undefined> {
  return (await cluster.partitionsOf(name, { refresh: true }))?.length;
}

async function create(
  cluster: Cluster,
  missing: ReadonlyArray<NeededTopic & { count: number }>,
  logger: Logger,
): Promise<void> {
  const topics = missing.map(({ name, count, replicationFactor = -1, configs = {} }) => ({
    name,
    numPartitions: count,
    replicationFactor,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  }));
  const results = await anyNode(cluster, async (node) => {
    const version = await cluster.versionOf(node, CreateTopics);
    return (await cluster.send(node, CreateTopics, version, { topics, validateOnly: false })).topics;
  });
  const made = outcomes(results, ErrorCode.TOPIC_ALREADY_EXISTS, 'creating topic');
  if (made.length > 0) logger.log(`created ${made.join(', ')}`);
}

async function grow(cluster: Cluster, growing: ReadonlyArray<{ name: string; count: number }>, logger: Logger) {
  const topics = growing.map(({ name, count }) => ({ name, count, assignments: null }));
  const results = await anyNode(cluster, async (node) => {
    const version = await cluster.versionOf(node, CreatePartitions);
    const request = { topics, timeoutMs: 60_000, validateOnly: false };
    return (await cluster.send(node, CreatePartitions, version, request)).results;
  });
  const raised = outcomes(results, ErrorCode.INVALID_PARTITIONS, 'adding partitions to');
  if (raised.length > 0) logger.log(`added partitions to ${raised.join(', ')}`);
}

interface TopicResult {
  readonly name: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** Another process may have been quicker: that is no failure. */
function outcomes(results: readonly TopicResult[], harmless: number, what: string): string[] {
  for (const { name, errorCode, errorMessage } of results) {
    if (errorCode === ErrorCode.NONE || errorCode === harmless) continue;
    throw brokerError(errorCode, `${what} ${name}${errorMessage === null ? '' : ` (${errorMessage})`}`);
  }
  return results.filter(({ errorCode }) => errorCode === ErrorCode.NONE).map(({ name }) => name);
}

/** Old clusters carry such requests out on their controller only. */
async function anyNode<T extends readonly TopicResult[]>(
  cluster: Cluster,
  ask: (node: number) => Promise<T>,
): Promise<T> {
  const nodes = cluster.nodes();
  for (const [index, { nodeId }] of nodes.entries()) {
    const results = await ask(nodeId);
    const isElsewhere = results.some(({ errorCode }) => errorCode === ErrorCode.NOT_CONTROLLER);
    if (!isElsewhere || index === nodes.length - 1) return results;
  }
  throw new NestdawError('KAFKA_CONNECTION_FAILED', 'no broker is known that could create topics');
}
