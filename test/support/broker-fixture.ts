import { Broker, type BrokerOptions } from '../../src/broker/broker.js';
import { type OutgoingRecord } from '../../src/common/record.js';
import { type RequestInput } from '../../src/protocol/api.js';
import { CreateTopics, Fetch, ListOffsets, Produce } from '../../src/protocol/messages/index.js';
import { encodeRecords } from '../../src/protocol/record-batch.js';
import { type BatchOptions } from '../../src/protocol/record-batch-builder.js';
import { directClient, type RawClient } from './raw-client.js';

// A broker in memory for the tests of handlers, and the few requests that most of them begin with.

export class BrokerFixture {
  private constructor(
    readonly broker: Broker,
    readonly client: RawClient,
  ) {}

  static async start(options: BrokerOptions = {}): Promise<BrokerFixture> {
    const broker = await Broker.start({ port: 0, ...options });
    return new BrokerFixture(broker, directClient(broker));
  }

  stop(): Promise<void> {
    return this.broker.stop();
  }

  async createTopic(name: string, partitions = 1, configs: Record<string, string> = {}): Promise<string> {
    const topic = {
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    };
    const { topics } = await this.client.send(CreateTopics, 7, { topics: [topic], validateOnly: false });
    const [created] = topics;
    if (created!.errorCode !== 0) throw new Error(`topic ${name}: ${created!.errorMessage}`);
    return created!.topicId;
  }

  /** Appends the batch to one partition and gives its part of the answer. */
  async append(topic: string, batch: Buffer | null, options: { partition?: number; version?: number } = {}) {
    const { partition = 0, version = 9 } = options;
    const topicData = [{ name: topic, partitionData: [{ index: partition, records: batch }] }];
    const answer = await this.client.send(Produce, version, { acks: -1, timeoutMs: 1000, topicData });
    return answer.responses[0]!.partitionResponses[0]!;
  }

  appendValues(topic: string, values: readonly string[], options: { partition?: number } = {}) {
    return this.append(topic, batchOf(values), options);
  }

  async read(topic: string, offset: number, more: Partial<RequestInput<typeof Fetch>> = {}, partition = 0) {
    const partitions = [{ partition, fetchOffset: offset, partitionMaxBytes: 1 << 20 }];
    const request = { maxWaitMs: 0, minBytes: 1, isolationLevel: 0, topics: [{ topic, partitions }], ...more };
    const answer = await this.client.send(Fetch, 11, request);
    return answer.responses[0]!.partitions[0]!;
  }

  async offset(topic: string, timestamp: number, partition = 0, version = 9) {
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }];
    const answer = await this.client.send(ListOffsets, version, { replicaId: -1, topics });
    return answer.topics[0]!.partitions[0]!;
  }
}

export function batchOf(values: readonly string[], options: BatchOptions & { timestamp?: number } = {}): Buffer {
  const records: OutgoingRecord[] = values.map((value) => ({ key: null, value: Buffer.from(value) }));
  return encodeRecords(records, { timestamp: Date.now(), ...options });
}
