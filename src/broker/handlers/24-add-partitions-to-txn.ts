import { type TopicPartition } from '../../common/topic-partition.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import {
  AddPartitionsToTxn,
  type AddPartitionsToTxnRequest,
} from '../../protocol/messages/24-add-partitions-to-txn.js';
import { coordinatorError } from '../coordinator/coordinator-runtime.js';
import { hasPartition, type TopicLookup } from '../coordinator/group/offset-commit.js';
import {
  type TransactionalProducer,
  type TransactionCoordinator,
} from '../coordinator/transaction/transaction-coordinator.js';
import { ClientVersion } from '../coordinator/transaction/transaction-metadata.js';
import { defineHandler } from '../network/handler.js';
import { fencedAs } from './transaction-codes.js';

// AddPartitionsToTxn 0–5
//
// All or nothing: one partition that cannot be added, and the others are not tried.
// Versions
//   2 PRODUCER_FENCED · 3 flexible · 4 several transactions, and verification only (KIP-890); meant for brokers, and
//   sent by some clients · 5 TRANSACTION_ABORTABLE

export interface TransactionParts {
  readonly transactions: TransactionCoordinator;
  readonly topics: TopicLookup;
}

type Topics = ReadonlyArray<{ readonly name: string; readonly partitions: readonly number[] }>;
type CodeOf = (partition: TopicPartition) => number;

const BATCHED_FROM = 4;

export const addPartitionsToTxnHandler = (parts: TransactionParts) =>
  defineHandler<typeof AddPartitionsToTxn>({
    api: AddPartitionsToTxn,
    minVersion: 0,
    maxVersion: 5,
    async handle(request, { apiVersion }) {
      if (apiVersion < BATCHED_FROM) {
        const topics = request.v3AndBelowTopics;
        const codeOf = await add(parts, producerOf(request), topics, ClientVersion.V0);
        const known: CodeOf = (partition) => fencedAs(codeOf(partition), apiVersion, 2);
        return { throttleTimeMs: 0, resultsByTopicV3AndBelow: resultsOf(topics, known) };
      }
      const resultsByTransaction = [];
      for (const { topics, verifyOnly, ...producer } of request.transactions) {
        const codeOf: CodeOf = verifyOnly
          ? (partition) => parts.transactions.verify(producer, partition)
          : await add(parts, producer, topics, ClientVersion.V2);
        resultsByTransaction.push({
          transactionalId: producer.transactionalId,
          topicResults: resultsOf(topics, codeOf),
        });
      }
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, resultsByTransaction };
    },
    errorResponse(request, errorCode, { apiVersion }) {
      const codeOf = () => coordinatorError(errorCode);
      if (apiVersion < BATCHED_FROM) {
        return { throttleTimeMs: 0, resultsByTopicV3AndBelow: resultsOf(request.v3AndBelowTopics, codeOf) };
      }
      return { throttleTimeMs: 0, errorCode: codeOf(), resultsByTransaction: [] };
    },
  });

async function add(
  { topics, transactions }: TransactionParts,
  producer: TransactionalProducer,
  asked: Topics,
  clientVersion: ClientVersion,
): Promise<CodeOf> {
  const partitions = partitionsOf(asked);
  const isKnown = ({ topic, partition }: TopicPartition) => hasPartition(topics, topic, partition);
  if (!partitions.every(isKnown)) {
    return (partition) =>
      isKnown(partition) ? ErrorCode.OPERATION_NOT_ATTEMPTED : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }
  const errorCode = await transactions.addPartitions(producer, partitions, clientVersion);
  return () => errorCode;
}

function producerOf(request: AddPartitionsToTxnRequest): TransactionalProducer {
  return {
    transactionalId: request.v3AndBelowTransactionalId,
    producerId: request.v3AndBelowProducerId,
    producerEpoch: request.v3AndBelowProducerEpoch,
  };
}

function partitionsOf(topics: Topics): TopicPartition[] {
  return topics.flatMap(({ name, partitions }) => partitions.map((partition) => ({ topic: name, partition })));
}

function resultsOf(topics: Topics, codeOf: CodeOf) {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partition) => ({
      partitionIndex: partition,
      partitionErrorCode: codeOf({ topic: name, partition }),
    })),
  }));
}
