import { Broker } from '../../src/broker/broker.js';
import { type KafkaRecord } from '../../src/common/record.js';
import { ErrorCode } from '../../src/protocol/error-codes.js';
import { Fetch } from '../../src/protocol/messages/01-fetch.js';
import { CreateTopics } from '../../src/protocol/messages/19-create-topics.js';
import { CreatePartitions } from '../../src/protocol/messages/37-create-partitions.js';
import { decodeBatch } from '../../src/protocol/record-batch.js';
import { batchSize, isWholeBatch, nextOffset } from '../../src/protocol/record-batch-header.js';
import { type Cluster } from '../../src/runtime/client/cluster/cluster.js';
import { KafkajsCluster } from '../../src/runtime/client/cluster/kafkajs-cluster.js';

// The broker that client tests run against: Apache Kafka where KAFKA_BOOTSTRAP_SERVERS names one, else ours; and the
// few things that a test asks of it.

export interface ClientBroker {
  readonly address: string;
  readonly isApacheKafka: boolean;
  stop(): Promise<void>;
}

export async function startClientBroker(): Promise<ClientBroker> {
  const given = process.env.KAFKA_BOOTSTRAP_SERVERS?.split(',')[0];
  if (given) return { address: given, isApacheKafka: true, stop: () => Promise.resolve() };
  const broker = await Broker.start({ port: 0, config: { 'group.initial.rebalance.delay.ms': '0' } });
  return { address: broker.bootstrapServers, isApacheKafka: false, stop: () => broker.stop() };
}

let topics = 0;

/** Makes a topic that no other test uses and waits until it has leaders. */
export async function createTopic(
  address: string,
  numPartitions: number,
  configs: Record<string, string> = {},
): Promise<string> {
  const name = `t-${process.pid}-${process.hrtime.bigint()}-${++topics}`;
  await createTopicNamed(address, name, numPartitions, configs);
  return name;
}

export async function createTopicNamed(
  address: string,
  name: string,
  numPartitions: number,
  configs: Record<string, string> = {},
): Promise<void> {
  await withCluster(address, async (cluster) => {
    const { nodeId } = cluster.nodes()[0]!;
    const { topics: results } = await cluster.send(nodeId, CreateTopics, 5, {
      topics: [
        {
          name,
          numPartitions,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
      timeoutMs: 10_000,
      validateOnly: false,
    });
    if (results[0]!.errorCode !== ErrorCode.NONE) throw new Error(`topic ${name}: error ${results[0]!.errorCode}`);
    await untilServed(cluster, name, numPartitions);
  });
}

/** Adds partitions up to this count and waits until all have leaders. */
export async function growTopic(address: string, name: string, count: number): Promise<void> {
  await withCluster(address, async (cluster) => {
    const { results } = await cluster.send(cluster.nodes()[0]!.nodeId, CreatePartitions, 1, {
      topics: [{ name, count, assignments: null }],
      timeoutMs: 10_000,
      validateOnly: false,
    });
    if (results[0]!.errorCode !== ErrorCode.NONE) throw new Error(`topic ${name}: error ${results[0]!.errorCode}`);
    await untilServed(cluster, name, count);
  });
}

async function untilServed(cluster: Cluster, name: string, count: number): Promise<void> {
  for (;;) {
    const partitions = await cluster.partitionsOf(name, { refresh: true });
    if (partitions?.length === count && partitions.every(({ leader }) => leader >= 0)) break;
  }
  // Apache Kafka names a leader a moment before that one takes requests.
  for (let partition = 0; partition < count; ) {
    const { errorCode } = await fetchFrom(cluster, name, partition, 0);
    if (errorCode === ErrorCode.NONE) partition++;
  }
}

/** Everything that a partition holds. */
export async function readAll(address: string, topic: string, partition: number): Promise<KafkaRecord[]> {
  const records: KafkaRecord[] = [];
  await withCluster(address, async (cluster) => {
    await cluster.partitionsOf(topic);
    for (let offset = 0; ; ) {
      const read = await fetchFrom(cluster, topic, partition, offset);
      if (read.errorCode !== ErrorCode.NONE) throw new Error(`fetch of ${topic}-${partition}: ${read.errorCode}`);
      const bytes = read.records ?? Buffer.alloc(0);
      for (let at = 0; isWholeBatch(bytes, at, bytes.length); at += batchSize(bytes, at)) {
        decodeBatch(topic, partition, bytes, at, batchSize(bytes, at), offset, records);
        offset = nextOffset(bytes, at);
      }
      if (offset >= read.highWatermark) return;
    }
  });
  return records;
}

async function fetchFrom(cluster: Cluster, topic: string, partition: number, fetchOffset: number) {
  const answer = await cluster.send(cluster.leaderOf(topic, partition), Fetch, 11, {
    maxWaitMs: 0,
    minBytes: 0,
    isolationLevel: 0,
    topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1 << 22 }] }],
    forgottenTopicsData: [],
  });
  return answer.responses[0]!.partitions[0]!;
}

async function withCluster(address: string, use: (cluster: Cluster) => Promise<void>): Promise<void> {
  const cluster = new KafkajsCluster({ bootstrapServers: [address] });
  try {
    await cluster.connect();
    await use(cluster);
  } finally {
    await cluster.close();
  }
}
