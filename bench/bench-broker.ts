import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { apacheKafka } from './apache-kafka.js';
import { startBrokerProcess } from './broker-process.js';
import { benchOptions } from './options.js';

// The broker that clients are compared on: one of ours, or under --kafka a node of Apache Kafka, with the same topics.

export interface Servers {
  readonly bootstrapServers: string;
}

export interface BenchBroker extends Servers {
  /** The same, as the rows about templates name it. */
  readonly servers: string;
  stop(): Promise<void>;
}

/** Named in the settings of rows that run on either. */
export const BROKER_NAME = benchOptions.onKafka ? 'on Apache Kafka' : 'on our broker';

/** Undefined, said aloud, where Apache Kafka is asked for and cannot be had. */
export async function startBenchBroker(
  topics: readonly string[],
  partitions: number,
): Promise<BenchBroker | undefined> {
  const broker = benchOptions.onKafka ? await kafkaNode() : await ownBroker();
  if (broker) await createTopics(broker.servers, topics, partitions);
  return broker;
}

async function ownBroker(): Promise<BenchBroker> {
  const broker = await startBrokerProcess({ 'group.initial.rebalance.delay.ms': '0' });
  const { bootstrapServers } = broker;
  return { servers: bootstrapServers, bootstrapServers, stop: () => broker.stop() };
}

async function kafkaNode(): Promise<BenchBroker | undefined> {
  const script = await apacheKafka();
  if (!script) return undefined;
  const dataDir = mkdtempSync(join(tmpdir(), 'nestdaw-bench-kafka-'));
  const node = await script.startKafka({
    port: await script.freePort(),
    dataDir,
    overrides: { 'group.initial.rebalance.delay.ms': '0' },
  });
  return {
    servers: node.bootstrapServers,
    bootstrapServers: node.bootstrapServers,
    async stop() {
      await node.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function createTopics(servers: string, topics: readonly string[], numPartitions: number): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: [servers], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({ topics: topics.map((topic) => ({ topic, numPartitions })), waitForLeaders: true });
  await admin.disconnect();
}
