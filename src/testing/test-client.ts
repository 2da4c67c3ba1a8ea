import { type Clock } from '../common/clock.js';
import { type KafkaRecord, type OutgoingRecord } from '../common/record.js';
import { brokerError, ErrorCode } from '../protocol/error-codes.js';
import { CreateTopics, Fetch, ListOffsets, OffsetFetch, Produce } from '../protocol/messages/index.js';
import { decodeBatch, encodeRecords } from '../protocol/record-batch.js';
import { batchSize, isControl, isWholeBatch, nextOffset } from '../protocol/record-batch-header.js';
import { type Cluster } from '../runtime/client/cluster/cluster.js';

// The few requests that the waiters need, one question and one answer each, without any of the machinery under test.

const EARLIEST = -2;
const LATEST = -1;

export class TestClient {
  constructor(
    readonly cluster: Cluster,
    readonly clock: Clock,
  ) {}

  connect(): Promise<void> {
    return this.cluster.connect();
  }

  close(): Promise<void> {
    return this.cluster.close();
  }

  async createTopic(name: string, partitions: number): Promise<void> {
    const node = this.cluster.nodes()[0]!.nodeId;
    const version = await this.cluster.versionOf(node, CreateTopics);
    const topic = { name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] };
    const answer = await this.cluster.send(node, CreateTopics, version, { topics: [topic], validateOnly: false });
    check(answer.topics[0]!.errorCode, `creating topic ${name}`);
    await this.cluster.refreshMetadata();
  }

  async produce(topic: string, partition: number, records: readonly OutgoingRecord[]): Promise<number> {
    const leader = await this.#leader(topic, partition);
    const batch = encodeRecords(records, { timestamp: this.clock.now() });
    const answer = await this.cluster.send(leader, Produce, 9, {
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: topic, partitionData: [{ index: partition, records: batch }] }],
    });
    const result = answer.responses[0]!.partitionResponses[0]!;
    check(result.errorCode, `storing in ${topic}-${partition}`);
    return result.baseOffset;
  }

  async records(topic: string): Promise<KafkaRecord[]> {
    const out: KafkaRecord[] = [];
    const [starts, ends] = await Promise.all([this.#offsets(topic, EARLIEST), this.endOffsets(topic)]);
    for (let partition = 0; partition < ends.length; partition++) {
      let offset = starts[partition]!;
      while (offset < ends[partition]!) offset = await this.#read(topic, partition, offset, out);
    }
    return out;
  }

  endOffsets(topic: string): Promise<number[]> {
    return this.#offsets(topic, LATEST);
  }

  async committed(groupId: string, topic: string): Promise<number[]> {
    const partitions = await this.#partitions(topic);
    const coordinator = await this.cluster.coordinatorOf('group', groupId);
    const answer = await this.cluster.send(coordinator, OffsetFetch, 7, {
      groupId,
      topics: [{ name: topic, partitionIndexes: partitions }],
    });
    const committed = partitions.map(() => -1);
    for (const { partitionIndex, committedOffset } of answer.topics[0]?.partitions ?? []) {
      committed[partitionIndex] = committedOffset;
    }
    return committed;
  }

  /** Reads what one fetch brings and returns the offset after it. */
  async #read(topic: string, partition: number, from: number, out: KafkaRecord[]): Promise<number> {
    const leader = await this.#leader(topic, partition);
    const answer = await this.cluster.send(leader, Fetch, 11, {
      maxWaitMs: 0,
      minBytes: 0,
      isolationLevel: 0,
      forgottenTopicsData: [],
      topics: [{ topic, partitions: [{ partition, fetchOffset: from, partitionMaxBytes: 16 << 20 }] }],
    });
    const result = answer.responses[0]!.partitions[0]!;
    check(result.errorCode, `reading ${topic}-${partition}`);
    const bytes = result.records ?? Buffer.alloc(0);
    let offset = from;
    for (let at = 0; isWholeBatch(bytes, at); at += batchSize(bytes, at)) {
      if (!isControl(bytes, at)) decodeBatch(topic, partition, bytes, at, batchSize(bytes, at), offset, out);
      offset = nextOffset(bytes, at);
    }
    return offset;
  }

  async #offsets(topic: string, timestamp: number): Promise<number[]> {
    const partitions = await this.#partitions(topic);
    const offsets: number[] = [];
    for (const partition of partitions) {
      const leader = await this.#leader(topic, partition);
      const answer = await this.cluster.send(leader, ListOffsets, 5, {
        replicaId: -1,
        topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }],
      });
      const result = answer.topics[0]!.partitions[0]!;
      check(result.errorCode, `the offsets of ${topic}-${partition}`);
      offsets[partition] = result.offset;
    }
    return offsets;
  }

  async #partitions(topic: string): Promise<number[]> {
    const partitions = await this.cluster.partitionsOf(topic, { refresh: true });
    return (partitions ?? []).map(({ partition }) => partition).sort((a, b) => a - b);
  }

  async #leader(topic: string, partition: number): Promise<number> {
    if (this.cluster.leaderOf(topic, partition) < 0) await this.cluster.partitionsOf(topic, { refresh: true });
    return this.cluster.leaderOf(topic, partition);
  }
}

function check(errorCode: number, what: string): void {
  if (errorCode !== ErrorCode.NONE) throw brokerError(errorCode, what);
}
