import { ErrorCode, isRetriable } from '../../../protocol/error-codes.js';

// What an error code of a Produce answer means for the batch.

export type DeliveryVerdict =
  | 'stored'
  | 'retry' // stored or not, nobody knows: the same bytes again
  | 'out-of-order' // not stored: one before it is missing at the broker
  | 'fenced' // the producer id or its epoch is of no use any more
  | 'too-large' // not stored: larger than the topic takes
  | 'refused';

export function deliveryVerdict(errorCode: number): DeliveryVerdict {
  switch (errorCode) {
    case ErrorCode.NONE:
    case ErrorCode.DUPLICATE_SEQUENCE_NUMBER:
      return 'stored';
    case ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
    case ErrorCode.UNKNOWN_PRODUCER_ID:
      return 'out-of-order';
    case ErrorCode.INVALID_PRODUCER_EPOCH:
    case ErrorCode.PRODUCER_FENCED:
    case ErrorCode.INVALID_PRODUCER_ID_MAPPING:
      return 'fenced';
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
      return 'too-large';
    default:
      return isRetriable(errorCode) ? 'retry' : 'refused';
  }
}
