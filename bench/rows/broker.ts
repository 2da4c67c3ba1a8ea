import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apacheKafka } from '../apache-kafka.js';
import { startBrokerProcess } from '../broker-process.js';
import { type Row } from '../row.js';
import { throughputRows } from './broker-throughput.js';

const start: Row = {
  name: 'broker start',
  unit: 'ms',
  better: 'lower',
  peerName: 'Apache Kafka 4.3.1',
  goal: 1,
  settings: 'process start to accepting connections, empty data directory, formatting not counted',
  async prepare() {
    const kafka = await apacheKafka();
    if (!kafka) return undefined;
    return {
      async ours() {
        const broker = await startBrokerProcess();
        await broker.stop();
        return broker.readyMs;
      },
      async peer() {
        const dataDir = mkdtempSync(join(tmpdir(), 'kafka-bench-'));
        try {
          const port = await kafka.freePort();
          const node = await kafka.startKafka({ port, dataDir });
          await node.stop();
          return node.readyMs;
        } finally {
          rmSync(dataDir, { recursive: true, force: true });
        }
      },
      close: async () => undefined,
    };
  },
};

export const brokerRows: readonly Row[] = [start, ...throughputRows];
