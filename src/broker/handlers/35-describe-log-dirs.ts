import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import { DescribeLogDirs } from '../../protocol/messages/35-describe-log-dirs.js';
import { type PartitionLog } from '../log/partition-log.js';
import { type TopicEntry } from '../metadata/topic-registry.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// DescribeLogDirs 1–5: the one data directory, and the bytes that each partition takes in it.

export function describeLogDirsHandler(parts: BrokerParts) {
  return defineHandler<typeof DescribeLogDirs>({
    api: DescribeLogDirs,
    minVersion: 1,
    maxVersion: 5,
    handle(request) {
      const { metadata, logs, fileSystem } = parts;
      const wanted = request.topics && new Map(request.topics.map(({ topic, partitions }) => [topic, partitions]));
      const topics = [...metadata.topics.all()]
        .filter(({ name }) => !wanted || wanted.has(name))
        .map((topic) => ({ name: topic.name, partitions: sizesOf(topic, wanted?.get(topic.name), parts) }));
      const { total, usable } = fileSystem.space(logs.directory);
      const directory = { errorCode: ErrorCode.NONE, logDir: logs.directory, topics };
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        results: [{ ...directory, totalBytes: total, usableBytes: usable, isCordoned: false }],
      };
    },
    errorResponse: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, results: [] }),
  });
}

function sizesOf({ partitions }: TopicEntry, wanted: readonly number[] | undefined, { logger }: BrokerParts) {
  return partitions
    .map((log, partitionIndex) => ({
      partitionIndex,
      partitionSize: sizeOf(log, logger),
      offsetLag: 0,
      isFutureKey: false,
    }))
    .filter(({ partitionIndex }) => !wanted || wanted.includes(partitionIndex));
}

/** 0 for a log whose files do not answer: one of them must not hide all others. */
function sizeOf(log: PartitionLog, logger: Logger): number {
  try {
    return log.sizeBytes;
  } catch (error) {
    logger.error(`the size of ${log.directory} cannot be told: ${messageOf(error)}. Check the disk`);
    return 0;
  }
}
