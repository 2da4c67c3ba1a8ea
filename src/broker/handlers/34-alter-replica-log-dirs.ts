import { AlterReplicaLogDirs } from '../../protocol/messages/34-alter-replica-log-dirs.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// AlterReplicaLogDirs 1–2: takes partitions to another directory of log.dirs. The answer comes when that has begun;
// DescribeLogDirs shows the copy until it has taken the partition's place.

export function alterReplicaLogDirsHandler({ logs }: BrokerParts) {
  return defineHandler<typeof AlterReplicaLogDirs>({
    api: AlterReplicaLogDirs,
    minVersion: 1,
    maxVersion: 2,
    handle({ dirs }) {
      const results = dirs.flatMap(({ path, topics }) =>
        topics.map(({ name, partitions }) => ({
          topicName: name,
          partitions: partitions.map((partitionIndex) => ({
            partitionIndex,
            errorCode: logs.move(name, partitionIndex, path),
          })),
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
