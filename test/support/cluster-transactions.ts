import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  ApiVersions,
  EndTxn,
  InitProducerId,
  Produce,
  TxnOffsetCommit,
} from '../../src/protocol/messages/index.js';
import { encodeRecords } from '../../src/protocol/record-batch.js';
import { type ClusterClient, expectNone, LEADER_CODES } from './cluster-view.js';

// Transactions request by request, so that one can be left open.

/** No coordinator yet, a topic that is not there yet, or another request about this transaction at work. */
const BUSY_CODES = new Set([3, 14, 15, 16, 51]);
const TIMEOUT_MS = 600_000;

export interface OpenTransaction {
  readonly transactionalId: string;
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

export class ClusterTransactions {
  constructor(readonly cluster: ClusterClient) {}

  async isServed(): Promise<boolean> {
    const { apiKeys } = await this.cluster.client.send(ApiVersions, 0, {});
    return apiKeys.some(({ apiKey }) => apiKey === EndTxn.key);
  }

  /** Takes the id over; a transaction that its last owner left open is aborted by that. */
  async takeOver(transactionalId: string): Promise<OpenTransaction> {
    await this.cluster.findCoordinator(transactionalId, 1);
    const answer = await this.cluster.ready(
      () => this.cluster.client.send(InitProducerId, 4, { transactionalId, transactionTimeoutMs: TIMEOUT_MS }),
      ({ errorCode }) => errorCode,
      BUSY_CODES,
    );
    expectNone(answer, `taking over ${transactionalId}`);
    const { producerId, producerEpoch } = answer;
    return { transactionalId, producerId, producerEpoch };
  }

  /** The first batch of a transaction. */
  async begin(owner: OpenTransaction, topic: string, values: readonly string[]): Promise<void> {
    const { transactionalId, producerId, producerEpoch } = owner;
    const added = await this.cluster.ready(
      () =>
        this.cluster.client.send(AddPartitionsToTxn, 3, {
          v3AndBelowTransactionalId: transactionalId,
          v3AndBelowProducerId: producerId,
          v3AndBelowProducerEpoch: producerEpoch,
          v3AndBelowTopics: [{ name: topic, partitions: [0] }],
        }),
      ({ resultsByTopicV3AndBelow: [result] }) => result!.resultsByPartition[0]!.partitionErrorCode,
      BUSY_CODES,
    );
    const [result] = added.resultsByTopicV3AndBelow;
    expectNone({ errorCode: result!.resultsByPartition[0]!.partitionErrorCode }, `adding ${topic}`);
    const records = values.map((value) => ({ key: null, value: Buffer.from(value) }));
    const options = { producerId, producerEpoch, baseSequence: 0, transactional: true, timestamp: Date.now() };
    const topicData = [{ name: topic, partitionData: [{ index: 0, records: encodeRecords(records, options) }] }];
    const { responses } = await this.cluster.ready(
      () => this.cluster.client.send(Produce, 9, { transactionalId, acks: -1, timeoutMs: 9000, topicData }),
      (produced) => produced.responses[0]!.partitionResponses[0]!.errorCode,
      LEADER_CODES,
    );
    expectNone(responses[0]!.partitionResponses[0]!, `appending to ${topic} in a transaction`);
  }

  async commitOffset(owner: OpenTransaction, groupId: string, topic: string, committedOffset: number): Promise<void> {
    await this.cluster.findCoordinator(groupId);
    const { client } = this.cluster;
    const added = await this.cluster.ready(
      () => client.send(AddOffsetsToTxn, 3, { ...owner, groupId }),
      ({ errorCode }) => errorCode,
      BUSY_CODES,
    );
    expectNone(added, `adding ${groupId}`);
    const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: '' }];
    const answer = await this.cluster.ready(
      () => client.send(TxnOffsetCommit, 3, { ...owner, groupId, topics: [{ name: topic, partitions }] }),
      ({ topics }) => topics[0]!.partitions[0]!.errorCode,
    );
    expectNone(answer.topics[0]!.partitions[0]!, `committing for ${groupId} in a transaction`);
  }

  async end(owner: OpenTransaction, committed: boolean): Promise<void> {
    const answer = await this.cluster.ready(
      () => this.cluster.client.send(EndTxn, 3, { ...owner, committed }),
      ({ errorCode }) => errorCode,
      BUSY_CODES,
    );
    expectNone(answer, `ending ${owner.transactionalId}`);
  }
}
