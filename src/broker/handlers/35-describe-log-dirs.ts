import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import { DescribeLogDirs } from '../../protocol/messages/35-describe-log-dirs.js';
import { type LogHome } from '../log/directory/log-home.js';
import { type PartitionLog } from '../log/partition-log.js';
import { type TopicEntry } from '../metadata/topic-registry.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// DescribeLogDirs 1–5: the directories of log.dirs, and the bytes that each partition takes in them.

export function describeLogDirsHandler(parts: BrokerParts) {
  return defineHandler<typeof DescribeLogDirs>({
    api: DescribeLogDirs,
    minVersion: 1,
    maxVersion: 5,
    handle(request) {
      const wanted = request.topics && new Map(request.topics.map(({ topic, partitions }) => [topic, partitions]));
      const results = parts.logs.directories.map((home) => describe(home, wanted, parts));
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, results };
    },
    errorResponse: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, results: [] }),
  });
}

type Wanted = ReadonlyMap<string, readonly number[]> | null;

function describe(home: LogHome, wanted: Wanted, parts: BrokerParts) {
  const { metadata, fileSystem } = parts;
  const { path: logDir, failure } = home;
  const unknown = { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, totalBytes: -1, usableBytes: -1 };
  if (failure) return { ...unknown, logDir, topics: [], isCordoned: false };
  const topics = [...metadata.topics.all()]
    .filter(({ name }) => !wanted || wanted.has(name))
    .map((topic) => ({ name: topic.name, partitions: sizesOf(topic, home, wanted?.get(topic.name), parts) }))
    .filter(({ partitions }) => partitions.length > 0);
  const { total, usable } = fileSystem.space(logDir);
  return { errorCode: ErrorCode.NONE, logDir, topics, totalBytes: total, usableBytes: usable, isCordoned: false };
}

function sizesOf(
  { partitions }: TopicEntry,
  home: LogHome,
  wanted: readonly number[] | undefined,
  { logs, logger }: BrokerParts,
) {
  return partitions.flatMap((log, partitionIndex) => {
    if (wanted && !wanted.includes(partitionIndex)) return [];
    if (log.home === home) {
      return [{ partitionIndex, partitionSize: sizeOf(log, logger), offsetLag: 0, isFutureKey: false }];
    }
    const future = logs.futureIn(home, log.topicPartition);
    if (!future) return [];
    const { copiedBytes: partitionSize, offsetLag } = future;
    return [{ partitionIndex, partitionSize, offsetLag, isFutureKey: true }];
  });
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
