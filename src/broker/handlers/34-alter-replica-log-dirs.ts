import { ErrorCode } from '../../protocol/error-codes.js';
import { AlterReplicaLogDirs } from '../../protocol/messages/34-alter-replica-log-dirs.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// AlterReplicaLogDirs 1–2: there is one data directory, and every partition is in it already.

export function alterReplicaLogDirsHandler({ metadata, logs }: BrokerParts) {
  return defineHandler<typeof AlterReplicaLogDirs>({
    api: AlterReplicaLogDirs,
    minVersion: 1,
    maxVersion: 2,
    handle({ dirs }) {
      const results = dirs.flatMap(({ path, topics }) =>
        topics.map(({ name, partitions }) => ({
          topicName: name,
          partitions: partitions.map((partitionIndex) => {
            const isKnown = metadata.topics.log(name, partitionIndex) !== undefined;
            const unlessKnown = isKnown ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
            return { partitionIndex, errorCode: path === logs.directory ? unlessKnown : ErrorCode.LOG_DIR_NOT_FOUND };
          }),
        })),
      );
      return { throttleTimeMs: 0, results };
    },
    errorResponse: ({ dirs }, errorCode) => ({
      throttleTimeMs: 0,
      results: dirs.flatMap(({ topics }) =>
        topics.map(({ name, partitions }) => ({
          topicName: name,
          partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode })),
        })),
      ),
    }),
  });
}
