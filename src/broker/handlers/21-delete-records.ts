import { messageOf } from '../../common/errors.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import { DeleteRecords } from '../../protocol/messages/21-delete-records.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// DeleteRecords 0–2: moves the start of a log forward. The bytes go when whole segments lie below it.

export function deleteRecordsHandler(parts: BrokerParts) {
  return defineHandler<typeof DeleteRecords>({
    api: DeleteRecords,
    minVersion: 0,
    maxVersion: 2,
    handle: ({ topics }) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, offset }) => ({
          partitionIndex,
          ...deleteBefore(parts, name, partitionIndex, offset),
        })),
      })),
    }),
    errorResponse: ({ topics }, errorCode) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, lowWatermark: -1, errorCode })),
      })),
    }),
  });
}

function deleteBefore({ metadata, logger }: BrokerParts, name: string, partition: number, offset: number) {
  const topic = metadata.topics.get(name);
  const log = topic?.partitions[partition];
  const refuse = (errorCode: number) => ({ lowWatermark: -1, errorCode });
  if (!topic || !log) return refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  if (topic.isInternal) return refuse(ErrorCode.INVALID_TOPIC_EXCEPTION);
  // A compacted log keeps the last value of every key, so nothing may be cut off its front.
  if (!topic.config.list('cleanup.policy').includes('delete')) return refuse(ErrorCode.POLICY_VIOLATION);
  try {
    return log.deleteRecordsBefore(offset);
  } catch (error) {
    logger.error(`deletion of records of ${name}-${partition} failed: ${messageOf(error)}`, error);
    return refuse(ErrorCode.KAFKA_STORAGE_ERROR);
  }
}
