import { type TopicPartition } from '../../../../common/topic-partition.js';
import { array, bytes, i16, i32, str } from '../../../../protocol/schema.js';
import { MessageCodec } from '../../../../protocol/schema-compiler.js';
import { WireReader } from '../../../../protocol/wire-reader.js';
import { WireWriter } from '../../../../protocol/wire-writer.js';

// What members of a classic group tell each other inside JoinGroup and SyncGroup; the broker does not look at it.
// Reading is tolerant: a newer version is read as the newest known one, and bytes after it are passed over.

const NEWEST = 3;
const NEVER = Number.POSITIVE_INFINITY;

const topicPartitions = array({ topic: str, partitions: array(i32) });

const subscriptionCodec = new MessageCodec(
  'consumer subscription',
  {
    topics: array(str),
    userData: bytes.nullable(),
    ownedPartitions: topicPartitions.since(1),
    generationId: i32.or(-1).since(2),
    rackId: str.nullable().since(3),
  },
  NEVER,
);

const assignmentCodec = new MessageCodec(
  'consumer assignment',
  { assignedPartitions: topicPartitions, userData: bytes.nullable() },
  NEVER,
);

const versionCodec = new MessageCodec('consumer protocol version', { version: i16 }, NEVER);

export interface Subscription {
  readonly topics: readonly string[];
  readonly userData: Buffer | null;
  /** Empty under eager strategies: everything is given up before the member rejoins. */
  readonly ownedPartitions: readonly TopicPartition[];
  readonly generationId: number;
  readonly rackId: string | null;
}

export interface Assignment {
  readonly partitions: readonly TopicPartition[];
  readonly userData: Buffer | null;
}

export function encodeSubscription(subscription: Subscription, version: number = NEWEST): Buffer {
  const writer = new WireWriter();
  versionCodec.encode(writer, 0, { version });
  subscriptionCodec.encode(writer, version, {
    topics: subscription.topics,
    userData: subscription.userData,
    ownedPartitions: groupByTopic(subscription.ownedPartitions),
    generationId: subscription.generationId,
    rackId: subscription.rackId,
  });
  return writer.toBuffer();
}

export function decodeSubscription(buffer: Buffer): Subscription {
  const reader = new WireReader(buffer);
  const version = readVersion(reader);
  const { topics, userData, ownedPartitions, generationId, rackId } = subscriptionCodec.decode(reader, version);
  return { topics, userData, ownedPartitions: flatten(ownedPartitions), generationId, rackId };
}

export function encodeAssignment(assignment: Assignment): Buffer {
  const writer = new WireWriter();
  versionCodec.encode(writer, 0, { version: NEWEST });
  assignmentCodec.encode(writer, NEWEST, {
    assignedPartitions: groupByTopic(assignment.partitions),
    userData: assignment.userData,
  });
  return writer.toBuffer();
}

/** No bytes at all is the assignment of a member that the leader gave nothing. */
export function decodeAssignment(buffer: Buffer): Assignment {
  if (buffer.length === 0) return { partitions: [], userData: null };
  const reader = new WireReader(buffer);
  const { assignedPartitions, userData } = assignmentCodec.decode(reader, readVersion(reader));
  return { partitions: flatten(assignedPartitions), userData };
}

function readVersion(reader: WireReader): number {
  const { version } = versionCodec.decode(reader, 0);
  if (version < 0) reader.malformed(`version ${version} of the consumer protocol`);
  return Math.min(version, NEWEST);
}

export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export function groupByTopic(partitions: readonly TopicPartition[]): TopicPartitions[] {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const known = topics.get(topic);
    if (known) known.push(partition);
    else topics.set(topic, [partition]);
  }
  return [...topics].map(([topic, numbers]) => ({ topic, partitions: numbers }));
}

export function flatten(topics: readonly TopicPartitions[]): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
}
