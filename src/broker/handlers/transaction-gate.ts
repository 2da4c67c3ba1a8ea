import { type TopicPartition } from '../../common/topic-partition.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import { type ProduceRequest } from '../../protocol/messages/00-produce.js';
import { BATCH_HEADER_BYTES, isTransactional, producerEpoch, producerId } from '../../protocol/record-batch-header.js';
import { type TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.js';
import { ClientVersion, type ProducerIdentity } from '../coordinator/transaction/transaction-metadata.js';
import { type PartitionLog } from '../log/partition-log.js';
import { type BrokerParts } from './broker-parts.js';
import { verificationCode } from './transaction-codes.js';

// Which batches of a Produce request may go into the log as part of a transaction. A batch that comes after the end
// of its transaction would stay open for ever: so the coordinator is asked, in the turn of the append, unless the log
// itself knows the transaction to be open.

export interface ProduceGate {
  /** Not 0: the whole request is refused. */
  readonly refusal: number;
  /** See `AppendOptions`. */
  readonly startsAtZero: boolean;
  /** Why a batch of the transaction must not go into the partition; 0 when it may. */
  refusalOf(partition: TopicPartition, log: PartitionLog): number;
}

/** For requests without a transaction. */
export const NO_TRANSACTION: ProduceGate = {
  refusal: ErrorCode.NONE,
  startsAtZero: false,
  refusalOf: () => ErrorCode.INVALID_TXN_STATE,
};

/** The one transaction that a request is about, or what is wrong with it. */
export type RequestedTransaction = (ProducerIdentity & { readonly transactionalId: string }) | number;

/** Undefined when no batch is transactional: one look at each is all that others pay. */
export function transactionOf({ transactionalId, topicData }: ProduceRequest): RequestedTransaction | undefined {
  let producer: ProducerIdentity | undefined;
  for (const { partitionData } of topicData) {
    for (const { records } of partitionData) {
      if (records === null || records.length < BATCH_HEADER_BYTES || !isTransactional(records)) continue;
      if (transactionalId === null) return ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
      const other = { producerId: producerId(records), producerEpoch: producerEpoch(records) };
      producer ??= other;
      if (producer.producerId !== other.producerId || producer.producerEpoch !== other.producerEpoch) {
        return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
      }
    }
  }
  return producer && { transactionalId: transactionalId!, ...producer };
}

const ABORTABLE_FROM = 11;
const JOINS_FROM = 12;

export class TransactionGate implements ProduceGate {
  readonly refusal: number;
  readonly startsAtZero: boolean;
  readonly #producer: Exclude<RequestedTransaction, number> | undefined;
  /** Why partitions could not join the transaction; 0 when they did. */
  #joinError: number = ErrorCode.NONE;

  constructor(
    readonly parts: BrokerParts,
    readonly transactions: TransactionCoordinator,
    transaction: RequestedTransaction,
    readonly apiVersion: number,
  ) {
    this.refusal = typeof transaction === 'number' ? transaction : ErrorCode.NONE;
    this.#producer = typeof transaction === 'number' ? undefined : transaction;
    this.startsAtZero = apiVersion >= JOINS_FROM;
  }

  /** Lets the partitions join that are new to the transaction; a promise where that has to become durable first. */
  open(request: ProduceRequest): Promise<void> | undefined {
    const producer = this.#producer;
    if (!producer || this.apiVersion < JOINS_FROM) return undefined;
    const joining = this.#joining(request);
    if (joining.length === 0) return undefined;
    const joined = this.transactions.addPartitions(producer, joining, ClientVersion.V2);
    if (typeof joined !== 'number') return joined.then((errorCode) => this.#joined(errorCode));
    this.#joined(joined);
    return undefined;
  }

  #joined(errorCode: number): void {
    this.#joinError = errorCode;
  }

  #joining({ topicData }: ProduceRequest): TopicPartition[] {
    const { topics } = this.parts.metadata;
    const joining: TopicPartition[] = [];
    for (const { name, topicId, partitionData } of topicData) {
      const topic = this.apiVersion >= 13 ? topics.byId(topicId) : topics.get(name);
      for (const { index, records } of partitionData) {
        const log = topic?.partitions[index];
        if (!log || records === null || records.length < BATCH_HEADER_BYTES || !isTransactional(records)) continue;
        if (!this.#isOpenIn(log)) joining.push({ topic: topic!.name, partition: index });
      }
    }
    return joining;
  }

  #isOpenIn(log: PartitionLog): boolean {
    const { producerId: id, producerEpoch: epoch } = this.#producer!;
    const state = log.producer(id);
    return state !== undefined && state.epoch === epoch && state.currentTxnFirstOffset >= 0;
  }

  refusalOf(partition: TopicPartition, log: PartitionLog): number {
    if (this.#isOpenIn(log)) return ErrorCode.NONE;
    const joins = this.apiVersion >= JOINS_FROM;
    if (!joins && !this.parts.config.boolean('transaction.partition.verification.enable')) return ErrorCode.NONE;
    const errorCode = this.#joinError || this.transactions.verify(this.#producer!, partition);
    return verificationCode(errorCode, { joins, knowsAbortable: this.apiVersion >= ABORTABLE_FROM });
  }
}
