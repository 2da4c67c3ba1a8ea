import { ErrorCode } from '../../../protocol/error-codes.js';
import { PartitionSet } from './partition-set.js';
import {
  ClientVersion,
  isExhausted,
  NO_PRODUCER_ID,
  type ProducerIdentity,
  type TransactionMetadata,
} from './transaction-metadata.js';
import { isPrepared } from './transaction-state.js';

// The end of a transaction: decided (prepared), written to its partitions by somebody else, then complete. Pure.

export interface EndRequest extends ProducerIdentity {
  readonly committed: boolean;
  readonly clientVersion: ClientVersion;
}

export type EndDecision =
  | { readonly kind: 'refused'; readonly errorCode: number }
  /** This end was asked for before, and is complete. */
  | { readonly kind: 'done'; readonly identity: ProducerIdentity }
  /** Decide again with a fresh producer id. */
  | { readonly kind: 'needs-id' }
  | { readonly kind: 'prepared'; readonly value: TransactionMetadata };

const refused = (errorCode: number): EndDecision => ({ kind: 'refused', errorCode });
const INVALID_STATE = refused(ErrorCode.INVALID_TXN_STATE);

export function decideEnd(
  current: TransactionMetadata | undefined,
  request: EndRequest,
  now: number,
  freshId: bigint | undefined,
): EndDecision {
  if (!current) return refused(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  if (request.clientVersion === ClientVersion.V2) return decideEndV2(current, request, now, freshId);
  if (current.producerId !== request.producerId) return refused(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  if (current.producerEpoch !== request.producerEpoch) return refused(ErrorCode.PRODUCER_FENCED);
  if (current.state === 'Ongoing') return { kind: 'prepared', value: prepared(current, request, now) };
  return repeated(current, request.committed);
}

/** The same request again: answered as before when it agrees with what was decided. */
function repeated(current: TransactionMetadata, committed: boolean): EndDecision {
  const { state } = current;
  if (state === (committed ? 'CompleteCommit' : 'CompleteAbort')) return { kind: 'done', identity: current };
  if (state === (committed ? 'PrepareCommit' : 'PrepareAbort')) return refused(ErrorCode.CONCURRENT_TRANSACTIONS);
  return INVALID_STATE;
}

/**
 * Every end raises the epoch, so a repetition is known by coming with the epoch before (KIP-890). An abort is allowed
 * without a transaction: the producer cannot always know whether one was opened.
 */
function decideEndV2(
  current: TransactionMetadata,
  request: EndRequest,
  now: number,
  freshId: bigint | undefined,
): EndDecision {
  const { state, producerEpoch } = current;
  const isOverIds = isRetryOverIds(current, request);
  if (current.producerId !== request.producerId && !isOverIds) {
    return refused(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  }
  // Only an end of this kind has raised the epoch: after one of the first version, the epoch before is a zombie's.
  const hasRaised = current.clientVersion === ClientVersion.V2 && producerEpoch === request.producerEpoch + 1;
  const isRetry = isOverIds || hasRaised;
  if (isRetry && state !== 'Ongoing' && state !== 'Empty') return repeated(current, request.committed);
  if (isPrepared(state) || producerEpoch !== request.producerEpoch) return refused(ErrorCode.PRODUCER_FENCED);
  if (state !== 'Ongoing' && request.committed) return INVALID_STATE;
  if (isExhausted(producerEpoch) && freshId === undefined) return { kind: 'needs-id' };
  const value: TransactionMetadata = {
    ...prepared(current, request, now),
    producerEpoch: producerEpoch + 1,
    lastProducerEpoch: producerEpoch,
    nextProducerId: isExhausted(producerEpoch) ? freshId! : NO_PRODUCER_ID,
    startTimestamp: state === 'Ongoing' ? current.startTimestamp : now,
  };
  return { kind: 'prepared', value };
}

/** The end that used up the last epoch of the id before. */
function isRetryOverIds(current: TransactionMetadata, { producerId, producerEpoch }: EndRequest): boolean {
  return current.previousProducerId === producerId && isExhausted(producerEpoch) && current.producerEpoch === 0;
}

function prepared(
  current: TransactionMetadata,
  { committed, clientVersion }: Pick<EndRequest, 'committed' | 'clientVersion'>,
  now: number,
): TransactionMetadata {
  return {
    ...current,
    state: committed ? 'PrepareCommit' : 'PrepareAbort',
    previousProducerId: current.producerId,
    nextProducerId: NO_PRODUCER_ID,
    lastUpdateTimestamp: now,
    clientVersion,
  };
}

/**
 * The abort of an open transaction against its producer's will: the epoch rises, so that it can do nothing more. The
 * end is the broker's, and carries the broker's version.
 */
export function fencedByAbort(
  current: TransactionMetadata,
  now: number,
  clientVersion: ClientVersion,
): TransactionMetadata {
  const { producerEpoch } = current;
  return {
    ...prepared(current, { committed: false, clientVersion }, now),
    producerEpoch: producerEpoch + 1,
    lastProducerEpoch: producerEpoch,
  };
}

/** A prepared transaction whose markers are written. */
export function completed(current: TransactionMetadata, now: number): TransactionMetadata {
  const { producerId, producerEpoch, nextProducerId } = current;
  const changesId = nextProducerId !== NO_PRODUCER_ID;
  return {
    ...current,
    state: current.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
    producerId: changesId ? nextProducerId : producerId,
    producerEpoch: changesId ? 0 : producerEpoch,
    previousProducerId: producerId,
    nextProducerId: NO_PRODUCER_ID,
    partitions: PartitionSet.NONE,
    lastUpdateTimestamp: now,
  };
}
