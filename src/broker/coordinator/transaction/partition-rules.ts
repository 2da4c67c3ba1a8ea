import { type TopicPartition } from '../../../common/topic-partition.js';
import { ErrorCode } from '../../../protocol/error-codes.js';
import { type ClientVersion, type ProducerIdentity, type TransactionMetadata } from './transaction-metadata.js';
import { isIdle, isPrepared } from './transaction-state.js';

// Which partitions belong to a transaction: adding some, and asking whether one does. Pure.

export type AddDecision =
  | { readonly kind: 'refused'; readonly errorCode: number }
  /** They are all in already. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'added'; readonly value: TransactionMetadata };

export function decideAdd(
  current: TransactionMetadata | undefined,
  producer: ProducerIdentity,
  partitions: readonly TopicPartition[],
  now: number,
  clientVersion: ClientVersion,
): AddDecision {
  const errorCode = refusalOf(current, producer);
  if (!current || errorCode !== ErrorCode.NONE) return { kind: 'refused', errorCode };
  if (current.state === 'Ongoing' && partitions.every((partition) => current.partitions.has(partition))) {
    return { kind: 'unchanged' };
  }
  const value: TransactionMetadata = {
    ...current,
    state: 'Ongoing',
    previousProducerId: current.producerId,
    partitions: current.partitions.with(partitions),
    startTimestamp: isIdle(current.state) ? now : current.startTimestamp,
    lastUpdateTimestamp: now,
    clientVersion,
  };
  return { kind: 'added', value };
}

/** The error of a producer that cannot have a transaction open now. */
export function refusalOf(current: TransactionMetadata | undefined, producer: ProducerIdentity): number {
  if (!current || current.producerId !== producer.producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
  if (current.producerEpoch !== producer.producerEpoch) return ErrorCode.PRODUCER_FENCED;
  return isPrepared(current.state) ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.NONE;
}

/** Whether the partition is in the producer's open transaction; the error code when it is not. */
export function verify(
  current: TransactionMetadata | undefined,
  producer: ProducerIdentity,
  partition: TopicPartition,
): number {
  const errorCode = refusalOf(current, producer);
  if (errorCode !== ErrorCode.NONE) return errorCode;
  return current!.partitions.has(partition) ? ErrorCode.NONE : ErrorCode.TRANSACTION_ABORTABLE;
}
