import { partitionName } from '../common/topic-partition.js';
import { type FetchPurgatory } from './fetch/fetch-purgatory.js';
import { type CleanerMetrics } from './log/cleaner/log-cleaner.js';
import { type StorageMetrics } from './log/directory/storage-counters.js';
import { type LogManager } from './log/log-manager.js';
import { type TcpServer } from './network/tcp-server.js';

// What can be asked of a running broker: counts since its start, how much of some things there is, and what is wrong.

/** Numbers of a broker as they are now. Counts begin at its start and only rise. */
export interface BrokerMetrics {
  /** Connections of clients that are open. */
  readonly connections: number;
  /** Fetches that wait for data or for their time to end. */
  readonly parkedFetches: number;
  /** Partitions that are stored here, internal ones included. */
  readonly partitions: number;
  /** Files that are open, at most half of what the system grants. */
  readonly openFiles: number;
  readonly storage: StorageMetrics;
  /** What compaction does (Kafka's log cleaner). */
  readonly cleaner: CleanerMetrics;
}

/** Something that does not work as it should. */
export interface BrokerProblem {
  /** Such as `orders-0`; undefined when it is not one partition's. */
  readonly partition: string | undefined;
  /**
   * `directory`: one of `log.dirs` is out of service, and all that lies in it. `not-writable`: appends are refused with
   * KAFKA_STORAGE_ERROR. `not-compacted`: nothing is lost, but the partition grows. `cleaner`: the last search for
   * partitions to compact ended with an error; the next one comes by itself.
   */
  readonly kind: 'directory' | 'not-writable' | 'not-compacted' | 'cleaner';
  readonly reason: string;
}

/** `degraded` when there is a problem: everything else goes on. */
export interface BrokerHealth {
  readonly status: 'up' | 'degraded';
  readonly problems: readonly BrokerProblem[];
}

export interface WatchedParts {
  readonly server: TcpServer;
  readonly purgatory: FetchPurgatory;
  readonly logs: LogManager;
}

/** Asks the parts when it is asked itself: watching costs nothing in between. */
export class BrokerWatch {
  constructor(private readonly parts: WatchedParts) {}

  metrics(): BrokerMetrics {
    const { server, purgatory, logs } = this.parts;
    return {
      connections: server.connections,
      parkedFetches: purgatory.size,
      partitions: logs.size,
      openFiles: logs.openFiles,
      storage: logs.counters.snapshot(),
      cleaner: logs.cleaner,
    };
  }

  health(): BrokerHealth {
    const problems = [...this.#directoryProblems(), ...this.#storageProblems(), ...this.#cleanerProblems()];
    return { status: problems.length === 0 ? 'up' : 'degraded', problems };
  }

  *#directoryProblems(): Generator<BrokerProblem> {
    for (const { failure } of this.parts.logs.directories) {
      if (failure) yield { partition: undefined, kind: 'directory', reason: failure.message };
    }
  }

  *#storageProblems(): Generator<BrokerProblem> {
    for (const log of this.parts.logs.logs()) {
      const { failure } = log;
      if (!failure || log.isClosed || log.isUnserved) continue;
      yield { partition: partitionName(log.topicPartition), kind: 'not-writable', reason: failure.message };
    }
  }

  *#cleanerProblems(): Generator<BrokerProblem> {
    const { uncleaned, failure } = this.parts.logs.cleaner;
    for (const { topicPartition, reason } of uncleaned) {
      yield { partition: partitionName(topicPartition), kind: 'not-compacted', reason };
    }
    if (failure !== undefined) yield { partition: undefined, kind: 'cleaner', reason: failure };
  }
}
