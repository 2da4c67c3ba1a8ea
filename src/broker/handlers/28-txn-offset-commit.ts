import { type TopicPartition } from '../../common/topic-partition.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import { TxnOffsetCommit, type TxnOffsetCommitRequest } from '../../protocol/messages/28-txn-offset-commit.js';
import { coordinatorError } from '../coordinator/coordinator-runtime.js';
import { type GroupCoordinator } from '../coordinator/group/group-coordinator.js';
import { allRefused, hasPartition, type TopicLookup, type TopicResult } from '../coordinator/group/offset-commit.js';
import { type TransactionCoordinator } from '../coordinator/transaction/transaction-coordinator.js';
import { ClientVersion } from '../coordinator/transaction/transaction-metadata.js';
import { defineHandler } from '../network/handler.js';
import { verificationCode } from './transaction-codes.js';

// TxnOffsetCommit 0–5
//
// The offsets are in the log when this is answered, and count when the transaction does.
// Versions
//   2 leader epoch · 3 flexible; generation, member and instance are checked when they are given (KIP-447)
//   4 TRANSACTION_ABORTABLE · 5 joins the transaction without being announced (KIP-890)

/** The partition of `__consumer_offsets` that holds a group's offsets. */
export type OffsetsPlace = (groupId: string) => TopicPartition;

export interface TxnOffsetCommitParts {
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly topics: TopicLookup;
  readonly offsetsOf: OffsetsPlace;
}

const ABORTABLE_FROM = 4;
const JOINS_FROM = 5;

export const txnOffsetCommitHandler = (parts: TxnOffsetCommitParts) =>
  defineHandler<typeof TxnOffsetCommit>({
    api: TxnOffsetCommit,
    minVersion: 0,
    maxVersion: 5,
    async handle(request, { apiVersion }) {
      const { groupId, topics } = request;
      const isKnown = topics.some(({ name, partitions }) =>
        partitions.some(({ partitionIndex }) => hasPartition(parts.topics, name, partitionIndex)),
      );
      // Nothing that could be committed: the transaction need not hear of it.
      if (!isKnown) return answer(allRefused(topics, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION));
      if (groupId === '') return answer(allRefused(topics, ErrorCode.INVALID_GROUP_ID));
      const joining = apiVersion < JOINS_FROM ? ErrorCode.NONE : await join(parts, request);
      // In the turn of the append: while the addition was made durable, the transaction may have ended.
      const errorCode = joining === ErrorCode.NONE ? verify(parts, request) : joining;
      if (errorCode !== ErrorCode.NONE) return answer(allRefused(topics, known(errorCode, apiVersion)));
      return answer(await commit(parts, request));
    },
    errorResponse: ({ topics }, errorCode) => answer(allRefused(topics, coordinatorError(errorCode))),
  });

const answer = (topics: readonly TopicResult[]) => ({ throttleTimeMs: 0, topics });

function producerOf({ transactionalId, producerId, producerEpoch }: TxnOffsetCommitRequest) {
  return { transactionalId, producerId, producerEpoch };
}

function join({ transactions, offsetsOf }: TxnOffsetCommitParts, request: TxnOffsetCommitRequest) {
  return transactions.addPartitions(producerOf(request), [offsetsOf(request.groupId)], ClientVersion.V2);
}

function verify({ transactions, offsetsOf }: TxnOffsetCommitParts, request: TxnOffsetCommitRequest): number {
  return transactions.verify(producerOf(request), offsetsOf(request.groupId));
}

function commit({ groups }: TxnOffsetCommitParts, request: TxnOffsetCommitRequest) {
  const { groupId, memberId, groupInstanceId, generationId, topics } = request;
  const producer = { producerId: request.producerId, producerEpoch: request.producerEpoch };
  return groups.offsets.commitInTransaction({ groupId, memberId, groupInstanceId, generationId, producer, topics });
}

function known(errorCode: number, apiVersion: number): number {
  const support = { joins: apiVersion >= JOINS_FROM, knowsAbortable: apiVersion >= ABORTABLE_FROM };
  return coordinatorError(verificationCode(errorCode, support));
}
