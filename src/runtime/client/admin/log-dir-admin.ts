import { DescribeLogDirs } from '../../../protocol/messages/35-describe-log-dirs.js';
import { type AdminCalls, checkResults } from './admin-calls.js';

// Where brokers keep their data.

/** One directory of a broker. */
export interface LogDir {
  /** As the broker's machine calls it. */
  readonly path: string;
  /** Bytes of its file system; -1 from brokers that do not tell. */
  readonly totalBytes: number;
  /** Bytes that are free in it; -1 from brokers that do not tell. */
  readonly usableBytes: number;
}

export class LogDirAdmin {
  constructor(readonly calls: AdminCalls) {}

  /** Directories of one broker. */
  of(nodeId: number): Promise<LogDir[]> {
    return this.calls.run(`asking broker ${nodeId} for its directories`, async (cluster) => {
      const answer = await this.calls.ask(cluster, nodeId, DescribeLogDirs, () => ({ topics: [] }));
      checkResults([answer], () => `directories of broker ${nodeId}`);
      checkResults(answer.results, ({ logDir }) => `directory ${logDir}`);
      return answer.results.map(({ logDir, totalBytes, usableBytes }) => ({ path: logDir, totalBytes, usableBytes }));
    });
  }
}
