import { ErrorCode } from '../../protocol/error-codes.js';
import { WriteTxnMarkers, type WriteTxnMarkersRequest } from '../../protocol/messages/27-write-txn-markers.js';
import { type TransactionMarker } from '../coordinator/transaction/marker-log.js';
import { defineHandler } from '../network/handler.js';
import { type PartitionMarkers } from '../transaction-markers.js';

// WriteTxnMarkers 1–2
//
// Between brokers it carries the ends of transactions to the partitions, which on one node needs no request; here it
// serves the administrator who ends a transaction that nobody will.
// Versions
//   1 flexible · 2 the version in which the transaction was driven (KIP-1228)

type Marker = WriteTxnMarkersRequest['markers'][number];

export const writeTxnMarkersHandler = (markers: PartitionMarkers) =>
  defineHandler<typeof WriteTxnMarkers>({
    api: WriteTxnMarkers,
    minVersion: 1,
    maxVersion: 2,
    async handle(request) {
      const answer = answerWith(request, (marker, topic, partition) => markers.write({ topic, partition }, marker));
      const syncs: Promise<void>[] = [];
      for (const { topics } of request.markers) {
        for (const { name: topic, partitionIndexes } of topics) {
          for (const partition of partitionIndexes) {
            const sync = markers.durable({ topic, partition });
            if (sync) syncs.push(sync);
          }
        }
      }
      await Promise.all(syncs);
      return answer;
    },
    errorResponse: (request, errorCode) => answerWith(request, () => errorCode),
  });

function answerWith(
  { markers }: WriteTxnMarkersRequest,
  codeOf: (marker: TransactionMarker, topic: string, partition: number) => number,
) {
  return {
    markers: markers.map((marker) => ({
      producerId: marker.producerId,
      topics: marker.topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({
          partitionIndex,
          errorCode: isPossible(marker) ? codeOf(endOf(marker), name, partitionIndex) : ErrorCode.INVALID_REQUEST,
        })),
      })),
    })),
  };
}

/** Nobody writes with such an id or epoch; in the log it would be taken for a batch without a producer. */
function isPossible({ producerId, producerEpoch }: Marker): boolean {
  return producerId >= 0n && producerEpoch >= 0;
}

function endOf({ producerId, producerEpoch, coordinatorEpoch, transactionResult }: Marker): TransactionMarker {
  return { producerId, producerEpoch, coordinatorEpoch, committed: transactionResult };
}
