import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Broker } from '../../src/broker/broker.js';
import { OffsetCommit, OffsetFetch } from '../../src/protocol/messages/index.js';
import { ask, createTopics, frameOf, refuseErrors } from './requests.js';

// Commits without end, one partition each: compaction keeps the offsets topic small, and the last ones are there after
// a restart.

const PARTITIONS = 100;
const AT_ONCE = 1000;
const CONFIG = {
  'offsets.topic.num.partitions': '1',
  'offsets.topic.segment.bytes': '1048576',
  'log.cleaner.backoff.ms': '1000',
};
const CLEANED_WITHIN_MS = 300_000;
/** What must be reached. */
export const SMALL_BYTES = 10 * 1_048_576;

export interface CommitsResult {
  readonly commits: number;
  readonly writtenBytes: number;
  /** Of the offsets topic's logs once the cleaner had nothing left to do. */
  readonly leftBytes: number;
}

/** Throws when an offset is not the last that was committed. */
export async function commitWithoutEnd(count: number, progress: (text: string) => void): Promise<CommitsResult> {
  const dataDir = mkdtempSync(join(tmpdir(), 'nestdaw-scale-'));
  let broker = await Broker.start({ port: 0, dataDir, config: CONFIG });
  try {
    await createTopics(broker, ['t'], PARTITIONS);
    for (let done = 0; done < count; done += AT_ONCE) {
      const until = Math.min(done + AT_ONCE, count);
      const frames = Array.from({ length: until - done }, (_, i) => commitFrame(done + i));
      await Promise.all(frames.map((frame) => broker.exchangeFrame(frame)));
      await new Promise(setImmediate); // without sockets nothing else lets timers run: the cleaner's are among them
      if (done % 100_000 === 0) progress(`${done} commits, ${broker.metrics().cleaner.cleanings} cleanings`);
    }
    // The last one of each, with its answer looked at.
    await Promise.all(
      Array.from({ length: PARTITIONS }, async (_, partitionIndex) => {
        const answer = await ask(broker, OffsetCommit, 8, commitOf(partitionIndex, count));
        refuseErrors('OffsetCommit', answer.topics[0]!.partitions);
      }),
    );
    const writtenBytes = broker.metrics().storage.appendedBytes;
    const leftBytes = await cleaned(broker, dataDir);
    await broker.stop();
    broker = await Broker.start({ port: 0, dataDir, config: CONFIG });
    await expectLast(broker, count);
    return { commits: count + PARTITIONS, writtenBytes, leftBytes };
  } finally {
    await broker.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const commitOf = (partitionIndex: number, committedOffset: number) => ({
  groupId: 'g',
  generationIdOrMemberEpoch: -1,
  memberId: '',
  topics: [{ name: 't', partitions: [{ partitionIndex, committedOffset, committedMetadata: '' }] }],
});

const commitFrame = (i: number): Buffer => frameOf(OffsetCommit, 8, commitOf(i % PARTITIONS, i));

/** Bytes of the topic's logs once the cleaner has nothing left to do, or is given up. */
async function cleaned(broker: Broker, dataDir: string): Promise<number> {
  const until = performance.now() + CLEANED_WITHIN_MS;
  let { cleanings } = broker.metrics().cleaner;
  for (let since = performance.now(); performance.now() < until; ) {
    await delay(1000);
    if (broker.health().status !== 'up') throw new Error(JSON.stringify(broker.health().problems));
    const now = broker.metrics().cleaner.cleanings;
    if (now > cleanings) since = performance.now();
    cleanings = now;
    // The search for something to clean comes round every second.
    if (bytesOf(dataDir) < SMALL_BYTES && performance.now() - since > 5000) break;
  }
  return bytesOf(dataDir);
}

function bytesOf(dataDir: string): number {
  const directory = join(dataDir, '__consumer_offsets-0');
  let bytes = 0;
  for (const name of readdirSync(directory)) {
    if (name.endsWith('.log')) bytes += statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

async function expectLast(broker: Broker, count: number): Promise<void> {
  const partitionIndexes = Array.from({ length: PARTITIONS }, (_, i) => i);
  const { topics } = await ask(broker, OffsetFetch, 7, { groupId: 'g', topics: [{ name: 't', partitionIndexes }] });
  const wrong = topics[0]!.partitions.find(({ committedOffset }) => committedOffset !== count);
  if (wrong) throw new Error(`partition ${wrong.partitionIndex}: offset ${wrong.committedOffset}, not ${count}`);
}
