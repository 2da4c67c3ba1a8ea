import { type Proof, type ProofContext, type ProofResult } from './proof.js';
import { readBacklog } from './scale/backlog.js';
import { commitWithoutEnd, SMALL_BYTES } from './scale/commits.js';
import { delaysAmong, whyNoDelays } from './scale/delays.js';
import { groupsOverRestarts } from './scale/groups.js';
import { recordsThrough } from './scale/heap.js';
import { metadataBeside } from './scale/idle-connections.js';
import { packedThrough } from './scale/packed.js';
import { measureParked } from './scale/parked-fetches.js';
import { topicsComeAndGo } from './scale/topics.js';

// What a broker must bear, at the size that counts: topics that come and go, records by the million, a gigabyte of
// compressed ones, fetches that wait by the ten thousand, silent connections, many groups, commits without end; and
// what an application must: a backlog, delayed messages. A cycle is one percent of the size; names behind the proof
// choose parts of it.

interface Part {
  readonly name: string;
  /** `size` is of 1. Returns what was found; throws when it is not what it must be. */
  run(size: number, progress: (text: string) => void): Promise<string>;
}

const MEGABYTE = 1_048_576;

const PARTS: readonly Part[] = [
  {
    name: 'topics',
    async run(size) {
      const topics = Math.ceil(1000 * size);
      const { openBefore, openMost, openAfter, left } = await topicsComeAndGo(topics);
      must(openAfter === openBefore, `${openBefore} files were open before, ${openAfter} are afterwards`);
      must(left.length === 0, `folders are left: ${left.join(', ')}`);
      return `${topics} topics made and deleted: ${openBefore} files open before, ${openMost} at most, ${openAfter} after`;
    },
  },
  {
    name: 'heap',
    async run(size) {
      const { records, grownBytes } = await recordsThrough(Math.ceil(1_000_000 * size));
      const megabytes = grownBytes / MEGABYTE;
      must(megabytes < Math.max(50 * size, 2), `the heap grew by ${megabytes.toFixed(1)} MB over ${records} records`);
      return `${records} records of 1 KB written and read: heap at rest ${megabytes.toFixed(2)} MB larger`;
    },
  },
  {
    name: 'packed',
    async run(size) {
      const { packedBytes, decompressedBytes, examinedRecords } = await packedThrough(1024 * MEGABYTE * size);
      must(decompressedBytes === 0, `${decompressedBytes} bytes were unpacked on the way`);
      must(examinedRecords === 0, `${examinedRecords} records were looked at on the way`);
      return `${(packedBytes / MEGABYTE).toFixed(0)} MB of zstd written to a plain topic and read: 0 bytes unpacked`;
    },
  },
  {
    name: 'backlog',
    async run(size, progress) {
      const { records, bytes, seconds, ...memory } = await readBacklog(5 * 1024 * MEGABYTE * size, progress);
      const [start, first, rest] = [memory.startBytes, memory.firstBytes, memory.restBytes].map((held) =>
        Math.round(held / MEGABYTE),
      ) as [number, number, number];
      // Of a small backlog the first tenth fills no buffer yet.
      must(
        rest <= Math.max(first * 1.2, start + 100),
        `the application held ${start} MB before, ${first} MB in the first tenth of the backlog, ${rest} MB behind it`,
      );
      return `${records} records of a backlog of ${(bytes / MEGABYTE).toFixed(0)} MB read on default settings in ${seconds.toFixed(0)} s: ${start} MB RSS before, at most ${first} MB in the first tenth, ${rest} MB behind it`;
    },
  },
  {
    name: 'parked',
    async run(size) {
      const count = Math.ceil(10_000 * size);
      const { idleCpu, wakeP50, wakeP99 } = await measureParked(count);
      must(idleCpu < 0.05, `${count} parked fetches take ${(idleCpu * 100).toFixed(1)} % of a core`);
      must(wakeP99 < 5, `a fetch wakes in ${wakeP50.toFixed(2)} ms, p99 ${wakeP99.toFixed(2)} ms`);
      return `${count} fetches parked: ${(idleCpu * 100).toFixed(2)} % CPU, wake p50 ${wakeP50.toFixed(2)} ms, p99 ${wakeP99.toFixed(2)} ms`;
    },
  },
  {
    name: 'idle',
    async run(size) {
      const count = Math.ceil(1000 * size);
      const p99 = await metadataBeside(count);
      must(p99 < 10, `Metadata beside ${count} idle connections takes ${p99.toFixed(1)} ms`);
      return `${count} idle connections: Metadata p99 ${p99.toFixed(2)} ms`;
    },
  },
  {
    name: 'groups',
    async run(size) {
      const { groups, members } = await groupsOverRestarts(Math.ceil(100 * size));
      return `${groups} groups with ${members} members over two restarts`;
    },
  },
  {
    name: 'commits',
    async run(size, progress) {
      const { commits, writtenBytes, leftBytes } = await commitWithoutEnd(Math.ceil(10_000_000 * size), progress);
      const left = leftBytes / MEGABYTE;
      must(leftBytes < SMALL_BYTES, `${left.toFixed(1)} MB of ${commits} commits are left`);
      return `${commits} commits: ${(writtenBytes / MEGABYTE).toFixed(0)} MB written, ${left.toFixed(1)} MB left`;
    },
  },
  {
    name: 'delays',
    async run(size, progress) {
      if (whyNoDelays !== undefined) return `delays SKIPPED: ${whyNoDelays}`;
      const count = Math.max(10_000, Math.ceil(1_000_000 * size));
      const { amongFewMs, amongAllMs, grownBytes, putPerSecond, plan } = await delaysAmong(count, progress);
      const grown = grownBytes / MEGABYTE;
      must(
        plan.some((step) => step.includes('Index Scan')),
        `what is due is not found by the index: ${plan.join(' ')}`,
      );
      must(amongAllMs < amongFewMs * 5 + 20, `a poll takes ${amongAllMs} ms among all, ${amongFewMs} ms among few`);
      must(grown < 20, `the process holds ${grown.toFixed(1)} MB more`);
      return `${count} delayed messages in a table: ${putPerSecond.toFixed(0)} stored/s, 200 due ones found and forgotten in ${amongAllMs.toFixed(1)} ms (${amongFewMs.toFixed(1)} ms among 1,000), ${grown.toFixed(1)} MB held`;
    },
  },
];

export const scale: Proof = {
  name: 'scale',
  summary: `at size, a cycle being a percent of it: ${PARTS.map(({ name }) => name).join(', ')}`,
  defaultCycles: 100,
  run,
};

async function run({ cycles, names = [], progress }: ProofContext): Promise<ProofResult> {
  const chosen = PARTS.filter(({ name }) => names.length === 0 || names.includes(name));
  const found: string[] = [];
  const problems: string[] = [];
  for (const part of chosen) {
    progress(part.name);
    try {
      found.push(await part.run(cycles / 100, progress));
    } catch (error) {
      problems.push(`${part.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { passed: problems.length === 0 && chosen.length > 0, figures: found.join(' · '), details: problems };
}

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
