import { ErrorCode } from '../../../protocol/error-codes.js';
import { fencedByAbort } from './end-rules.js';
import { PartitionSet } from './partition-set.js';
import {
  type ClientVersion,
  isExhausted,
  NO_EPOCH,
  NO_PRODUCER_ID,
  newTransaction,
  type ProducerIdentity,
  type TransactionMetadata,
} from './transaction-metadata.js';
import { isPrepared } from './transaction-state.js';

// InitProducerId with a transactional id: who the producer is from now on. Pure, from what is known and asked to what
// is stored.

export interface InitRequest {
  readonly timeoutMs: number;
  /** Who the producer was so far, when it goes on after an error (KIP-360). */
  readonly expected: ProducerIdentity | undefined;
}

export type InitDecision =
  | { readonly kind: 'refused'; readonly errorCode: number }
  /** Decide again with a fresh producer id. */
  | { readonly kind: 'needs-id' }
  /** The open transaction of the one before is aborted first; the producer asks again. */
  | { readonly kind: 'fence'; readonly value: TransactionMetadata }
  | { readonly kind: 'initialized'; readonly value: TransactionMetadata };

const refused = (errorCode: number): InitDecision => ({ kind: 'refused', errorCode });
const NEEDS_ID: InitDecision = { kind: 'needs-id' };

export function decideInit(
  current: TransactionMetadata | undefined,
  request: InitRequest,
  now: number,
  options: { readonly freshId: bigint | undefined; readonly brokerVersion: ClientVersion },
): InitDecision {
  const { freshId, brokerVersion } = options;
  const { expected, timeoutMs } = request;
  if (!current) {
    if (freshId === undefined) return NEEDS_ID;
    return { kind: 'initialized', value: newTransaction(freshId, timeoutMs, now) };
  }
  if (expected && !isKnown(current, expected)) return refused(ErrorCode.PRODUCER_FENCED);
  if (isPrepared(current.state)) return refused(ErrorCode.CONCURRENT_TRANSACTIONS);
  if (current.state === 'Ongoing') return { kind: 'fence', value: fencedByAbort(current, now, brokerVersion) };
  const { producerEpoch } = current;
  if (isExhausted(producerEpoch) && (expected === undefined || expected.producerEpoch === producerEpoch)) {
    if (freshId === undefined) return NEEDS_ID;
    const lastProducerEpoch = expected ? producerEpoch : NO_EPOCH;
    return initialized(current, request, now, { producerId: freshId, producerEpoch: 0, lastProducerEpoch });
  }
  return nextEpoch(current, request, now);
}

function nextEpoch(current: TransactionMetadata, request: InitRequest, now: number): InitDecision {
  const { producerId, producerEpoch, lastProducerEpoch } = current;
  const { expected } = request;
  // A producer that does not say who it was is a new one: nobody may go on from the epoch before.
  if (!expected) {
    return initialized(current, request, now, {
      producerId,
      producerEpoch: producerEpoch + 1,
      lastProducerEpoch: NO_EPOCH,
    });
  }
  if (expected.producerEpoch === producerEpoch) {
    return initialized(current, request, now, {
      producerId,
      producerEpoch: producerEpoch + 1,
      lastProducerEpoch: producerEpoch,
    });
  }
  // The answer to this very request was lost: it is given again.
  if (expected.producerEpoch === lastProducerEpoch) {
    return initialized(current, request, now, { producerId, producerEpoch, lastProducerEpoch });
  }
  return refused(ErrorCode.PRODUCER_FENCED);
}

function initialized(
  current: TransactionMetadata,
  { timeoutMs }: InitRequest,
  now: number,
  identity: Pick<TransactionMetadata, 'producerId' | 'producerEpoch' | 'lastProducerEpoch'>,
): InitDecision {
  const value: TransactionMetadata = {
    ...current,
    ...identity,
    state: 'Empty',
    previousProducerId: current.producerId,
    nextProducerId: NO_PRODUCER_ID,
    timeoutMs,
    partitions: PartitionSet.NONE,
    startTimestamp: -1,
    lastUpdateTimestamp: now,
  };
  return { kind: 'initialized', value };
}

/** The producer that counts now, or the one before it at the end of its epochs: its answer may have been lost. */
function isKnown(current: TransactionMetadata, { producerId, producerEpoch }: ProducerIdentity): boolean {
  if (producerId === current.producerId) return true;
  return producerId === current.previousProducerId && isExhausted(producerEpoch);
}
