import { type RequestInput } from '../../src/protocol/api.js';
import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  CreateTopics,
  DescribeProducers,
  DescribeTransactions,
  EndTxn,
  Fetch,
  FindCoordinator,
  InitProducerId,
  ListOffsets,
  ListTransactions,
  OffsetFetch,
  Produce,
  TxnOffsetCommit,
  WriteTxnMarkers,
} from '../../src/protocol/messages/index.js';
import { recordsOf } from '../../src/protocol/record-batch.js';
import { batchSize, isControl, isWholeBatch } from '../../src/protocol/record-batch-header.js';
import { batchOf } from './broker-fixture.js';
import { type RawClient } from './raw-client.js';

// The requests of a transactional producer one by one, at any version, so that a test can send them in any order.

export interface Producer {
  readonly id: string;
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

export class TransactionClient {
  constructor(readonly client: RawClient) {}

  async createTopic(name: string, numPartitions = 1): Promise<string> {
    const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] };
    const { topics } = await this.client.send(CreateTopics, 7, {
      topics: [topic],
      timeoutMs: 10_000,
      validateOnly: false,
    });
    const { errorCode, errorMessage, topicId } = topics[0]!;
    if (errorCode !== 0) throw new Error(`topic ${name}: ${errorMessage}`);
    return topicId;
  }

  async coordinator(id: string, keyType = 1): Promise<number> {
    const answer = await this.client.send(FindCoordinator, 3, { key: id, keyType });
    return answer.errorCode;
  }

  async init(id: string, more: Partial<RequestInput<typeof InitProducerId>> = {}, version = 4) {
    const request = { transactionalId: id, transactionTimeoutMs: 60_000, ...more };
    const { errorCode, producerId, producerEpoch } = await this.client.send(InitProducerId, version, request);
    return { errorCode, id, producerId, producerEpoch };
  }

  /** The error codes of the partitions, in the order asked. */
  async addPartitions({ id, producerId, producerEpoch }: Producer, topics: Record<string, number[]>, version = 3) {
    const answer = await this.client.send(AddPartitionsToTxn, version, {
      v3AndBelowTransactionalId: id,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: Object.entries(topics).map(([name, partitions]) => ({ name, partitions })),
    });
    return codesOf(answer.resultsByTopicV3AndBelow, topics);
  }

  /** The same in the form between brokers. */
  async addPartitionsBatched(
    { id, producerId, producerEpoch }: Producer,
    topics: Record<string, number[]>,
    { verifyOnly = false, version = 5 } = {},
  ) {
    const answer = await this.client.send(AddPartitionsToTxn, version, {
      transactions: [
        {
          transactionalId: id,
          producerId,
          producerEpoch,
          verifyOnly,
          topics: Object.entries(topics).map(([name, partitions]) => ({ name, partitions })),
        },
      ],
    });
    return codesOf(answer.resultsByTransaction[0]!.topicResults, topics);
  }

  async addOffsets({ id, producerId, producerEpoch }: Producer, groupId: string, version = 3): Promise<number> {
    const request = { transactionalId: id, producerId, producerEpoch, groupId };
    return (await this.client.send(AddOffsetsToTxn, version, request)).errorCode;
  }

  /** Writes one batch of the transaction; `version` 12 and above joins the partition to it. */
  async produce(
    { id, producerId, producerEpoch }: Producer,
    topic: string,
    values: readonly string[],
    { partition = 0, baseSequence = 0, version = 9, transactional = true, transactionalId = id as string | null } = {},
  ) {
    const records = batchOf(values, { producerId, producerEpoch, baseSequence, transactional });
    const topicData = [{ name: topic, partitionData: [{ index: partition, records }] }];
    const answer = await this.client.send(Produce, version, { transactionalId, acks: -1, timeoutMs: 5_000, topicData });
    return answer.responses[0]!.partitionResponses[0]!;
  }

  async commitOffset(
    { id, producerId, producerEpoch }: Producer,
    groupId: string,
    topic: string,
    offset: number,
    more: Partial<RequestInput<typeof TxnOffsetCommit>> = {},
    version = 3,
  ): Promise<number> {
    const partition = { partitionIndex: 0, committedOffset: offset, committedMetadata: '' };
    const answer = await this.client.send(TxnOffsetCommit, version, {
      transactionalId: id,
      producerId,
      producerEpoch,
      groupId,
      topics: [{ name: topic, partitions: [partition] }],
      ...more,
    });
    return answer.topics[0]!.partitions[0]!.errorCode;
  }

  async end({ id, producerId, producerEpoch }: Producer, committed: boolean, version = 3) {
    const request = { transactionalId: id, producerId, producerEpoch, committed };
    const answer = await this.client.send(EndTxn, version, request);
    return { errorCode: answer.errorCode, producerId: answer.producerId, producerEpoch: answer.producerEpoch };
  }

  async writeMarkers(
    producer: { readonly producerId: bigint; readonly producerEpoch: number },
    topics: Record<string, number[]>,
    { committed = false, coordinatorEpoch = 0, version = 1, transactionVersion = 0 } = {},
  ) {
    const answer = await this.client.send(WriteTxnMarkers, version, {
      markers: [
        {
          producerId: producer.producerId,
          producerEpoch: producer.producerEpoch,
          transactionResult: committed,
          coordinatorEpoch,
          transactionVersion,
          topics: Object.entries(topics).map(([name, partitionIndexes]) => ({ name, partitionIndexes })),
        },
      ],
    });
    const results = answer.markers[0]!.topics.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map((p) => ({ ...p, partitionErrorCode: p.errorCode })),
    }));
    return codesOf(results, topics);
  }

  /** Values a reader gets in one fetch from `offset`: aborted ones left out for read_committed. */
  async read(topic: string, { committed = true, offset = 0, partition = 0, maxWaitMs = 0 } = {}) {
    const partitions = [{ partition, fetchOffset: offset, partitionMaxBytes: 1 << 20 }];
    const answer = await this.client.send(Fetch, 11, {
      replicaId: -1,
      maxWaitMs,
      minBytes: 1,
      isolationLevel: committed ? 1 : 0,
      topics: [{ topic, partitions }],
    });
    const result = answer.responses[0]!.partitions[0]!;
    const records = (result.records ?? Buffer.alloc(0)) as Buffer;
    return {
      errorCode: result.errorCode,
      highWatermark: result.highWatermark,
      lastStableOffset: result.lastStableOffset,
      aborted: result.abortedTransactions,
      values: valuesOf(records),
    };
  }

  async offset(topic: string, { committed = true, timestamp = -1, partition = 0 } = {}): Promise<number> {
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }];
    const isolationLevel = committed ? 1 : 0;
    const answer = await this.client.send(ListOffsets, 6, { replicaId: -1, isolationLevel, topics });
    return answer.topics[0]!.partitions[0]!.offset;
  }

  /** What the group has committed for partition 0: the offset, or an error code under `error`. */
  async committed(groupId: string, topic: string, requireStable = false): Promise<number | { error: number }> {
    const topics = [{ name: topic, partitionIndexes: [0] }];
    const answer = await this.client.send(OffsetFetch, 7, { groupId, topics, requireStable });
    // A group whose coordinator is not ready is refused as a whole.
    if (answer.errorCode !== 0) return { error: answer.errorCode };
    const { errorCode, committedOffset } = answer.topics[0]!.partitions[0]!;
    return errorCode === 0 ? committedOffset : { error: errorCode };
  }

  async describe(...transactionalIds: string[]) {
    return (await this.client.send(DescribeTransactions, 0, { transactionalIds })).transactionStates;
  }

  list(request: Partial<RequestInput<typeof ListTransactions>> = {}, version = 2) {
    return this.client.send(ListTransactions, version, { stateFilters: [], producerIdFilters: [], ...request });
  }

  async producers(topic: string, partition = 0) {
    const answer = await this.client.send(DescribeProducers, 0, {
      topics: [{ name: topic, partitionIndexes: [partition] }],
    });
    return answer.topics[0]!.partitions[0]!;
  }
}

interface TopicCodes {
  readonly name: string;
  readonly resultsByPartition: ReadonlyArray<{ readonly partitionIndex: number; readonly partitionErrorCode: number }>;
}

function codesOf(results: readonly TopicCodes[], topics: Record<string, number[]>): Array<number | undefined> {
  return Object.entries(topics).flatMap(([name, partitions]) =>
    partitions.map(
      (partition) =>
        results
          .filter((topic) => topic.name === name)
          .flatMap((topic) => topic.resultsByPartition)
          .find((result) => result.partitionIndex === partition)?.partitionErrorCode,
    ),
  );
}

function valuesOf(records: Buffer): string[] {
  const values: string[] = [];
  for (let at = 0; isWholeBatch(records, at); at += batchSize(records, at)) {
    if (isControl(records, at)) continue;
    for (const { value } of recordsOf(records, at)) values.push(String(value));
  }
  return values;
}
