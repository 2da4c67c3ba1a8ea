import { BrokerConfig } from '../../../src/broker/broker-config.js';
import { MemoryFileSystem } from '../../../src/broker/log/disk/memory-file-system.js';
import { LogManager } from '../../../src/broker/log/log-manager.js';
import { ClusterMetadata } from '../../../src/broker/metadata/cluster-metadata.js';
import { decodeMetadataRecord } from '../../../src/broker/metadata/metadata-record.js';
import { silentLogger } from '../../../src/common/logger.js';
import { seededRandom } from '../../../src/common/random.js';
import { recordsOf, verifyCrc } from '../../../src/protocol/record-batch.js';
import { batchSize, isControl, leaderEpoch } from '../../../src/protocol/record-batch-header.js';
import { ManualClock } from '../../support/manual-clock.js';

// A node's metadata on a file system in memory, to be stopped, killed and started again.

export const DIRECTORY = '/data';

export class MetadataNode {
  private constructor(
    readonly clock: ManualClock,
    readonly fileSystem: MemoryFileSystem,
    readonly logs: LogManager,
    readonly metadata: ClusterMetadata,
  ) {}

  static async open(
    fileSystem: MemoryFileSystem,
    bootId = 'boot',
    config: Record<string, string> = {},
  ): Promise<MetadataNode> {
    const clock = new ManualClock();
    const random = seededRandom(7);
    const shared = { fileSystem, clock, random, logger: silentLogger };
    const logs = await LogManager.open({ ...shared, directory: DIRECTORY, nodeId: 1, bootId });
    const metadata = new ClusterMetadata({ ...shared, logs, config: new BrokerConfig(config) });
    return new MetadataNode(clock, fileSystem, logs, metadata);
  }

  static async start(
    fileSystem = new MemoryFileSystem(),
    bootId?: string,
    config: Record<string, string> = {},
  ): Promise<MetadataNode> {
    const node = await MetadataNode.open(fileSystem, bootId, config);
    await node.metadata.register({ host: 'localhost', port: 9092 });
    return node;
  }

  async stop(): Promise<MemoryFileSystem> {
    await this.metadata.unregister();
    await this.logs.stop(this.metadata.brokerEpoch);
    return this.fileSystem;
  }

  kill(): MemoryFileSystem {
    this.fileSystem.crash();
    return this.fileSystem;
  }

  /** What the log holds: a list per batch, each record as `Name` or with the given fields. */
  batches(from = 0): string[][] {
    const out: string[][] = [];
    const log = this.logs.get('__cluster_metadata', 0)!;
    const { records } = log.read(from, { maxBytes: 1 << 20, minOneBatch: true, isolation: 'read_uncommitted' });
    for (let at = 0; at < records.length; at += batchSize(records, at)) {
      if (!verifyCrc(records, at)) throw new Error(`the batch at byte ${at} is corrupt`);
      const names = [...recordsOf(records, at)].map(({ value, key, offsetDelta }) => {
        if (isControl(records, at)) return `control ${key!.readInt16BE(2)} epoch ${leaderEpoch(records, at)}`;
        const { type, version, message } = decodeMetadataRecord(value!, offsetDelta);
        return `${type.name} v${version}${detail(message)}`;
      });
      out.push(names);
    }
    return out;
  }
}

function detail(message: any): string {
  if (message.name !== undefined && message.value !== undefined) return ` ${message.name}=${message.value}`;
  if (message.nextProducerId !== undefined) return ` ${message.nextProducerId}`;
  if (message.fenced !== undefined && message.incarnationId === undefined) return ` ${message.fenced}`;
  return '';
}

export const topic = (name: string, configs: Record<string, string> = {}, numPartitions = 1) => ({
  name,
  numPartitions,
  replicationFactor: 1,
  configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
});
