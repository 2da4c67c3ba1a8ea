import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Broker } from '../../src/broker/broker.js';
import { Produce } from '../../src/protocol/messages/index.js';
import { ask, batchOf, createTopics, deleteTopics, refuseErrors } from './requests.js';

// Topics made, written to and deleted again, many times over: no file stays open and none stays behind.

const AT_ONCE = 20;
const PARTITIONS = 3;

export interface TopicsResult {
  readonly openBefore: number;
  readonly openMost: number;
  readonly openAfter: number;
  /** Folders of partitions that are left, other than the broker's own. */
  readonly left: readonly string[];
}

export async function topicsComeAndGo(topics: number): Promise<TopicsResult> {
  const dataDir = mkdtempSync(join(tmpdir(), 'nestdaw-scale-'));
  const broker = await Broker.start({ port: 0, dataDir });
  try {
    await round(broker, dataDir, 0, AT_ONCE); // what is opened once and for all is open now
    const openBefore = openIn(broker, dataDir);
    let openMost = 0;
    for (let from = AT_ONCE; from < AT_ONCE + topics; from += AT_ONCE) {
      openMost = Math.max(openMost, await round(broker, dataDir, from, Math.min(AT_ONCE, topics)));
    }
    const openAfter = openIn(broker, dataDir);
    await broker.stop();
    const left = readdirSync(dataDir).filter((name) => name.startsWith('t-'));
    return { openBefore, openMost, openAfter, left };
  } finally {
    await broker.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Returns the files that were open while the topics were there. */
async function round(broker: Broker, dataDir: string, from: number, count: number): Promise<number> {
  const names = Array.from({ length: count }, (_, i) => `t-${from + i}`);
  await createTopics(broker, names, PARTITIONS, { 'file.delete.delay.ms': '0' });
  const records = batchOf(1, 100);
  const partitionData = Array.from({ length: PARTITIONS }, (_, index) => ({ index, records }));
  const topicData = names.map((name) => ({ name, partitionData }));
  const { responses } = await ask(broker, Produce, 9, { acks: -1, timeoutMs: 60_000, topicData });
  for (const { name, partitionResponses } of responses) refuseErrors(`Produce to ${name}`, partitionResponses);
  const open = openIn(broker, dataDir);
  await deleteTopics(broker, names);
  return open;
}

/** The log of topics themselves grows, and opens its indexes when there is something to write. */
const METADATA = '__cluster_metadata-0';

/** Files of the folder that are open: what the system says where it says so, else what the broker does. */
function openIn(broker: Broker, dataDir: string): number {
  const { openFiles } = broker.metrics();
  if (process.platform !== 'linux') return openFiles;
  const targets = readdirSync('/proc/self/fd').map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return ''; // the descriptor of this very listing
    }
  });
  return targets.filter((path) => path.startsWith(`${dataDir}/`) && !path.includes(METADATA)).length;
}
