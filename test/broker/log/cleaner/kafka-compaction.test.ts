import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { recordsOf } from '../../../../src/protocol/record-batch.js';
import { BATCH_HEADER_BYTES, CRC_FROM, compressionOf } from '../../../../src/protocol/record-batch-header.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { splitBatches } from '../log-fixture.js';
import { BACKOFF_MS, CleanerMachine, COMPACT } from './cleaner-fixture.js';

// What Apache Kafka's cleaner made of a log, and ours of the same bytes at the same time.

interface Round {
  readonly now: number;
  readonly cleanedFrom: number;
  readonly cleanedTo: number;
  readonly before: Readonly<Record<string, string>>;
  readonly after: Readonly<Record<string, string>>;
}

const { rounds } = JSON.parse(readFileSync(new URL('../../../fixtures/compaction.json', import.meta.url), 'utf8')) as {
  readonly rounds: Round[];
};
const config = { ...COMPACT, 'segment.bytes': '3000', 'delete.retention.ms': '8000' };
const CHECKPOINT = '/data/cleaner-offset-checkpoint';

/** Bytes, but records in place of what a codec made of them: no two libraries pack alike. */
function content(log: Buffer): unknown[] {
  return splitBatches(log).map((batch) => {
    if (compressionOf(batch) === 0) return batch.toString('hex');
    const header = Buffer.concat([
      batch.subarray(0, 8),
      batch.subarray(12, 17),
      batch.subarray(CRC_FROM, BATCH_HEADER_BYTES),
    ]);
    const records = [...recordsOf(batch)].map(({ offsetDelta, timestamp, key, value, headers }) => [
      offsetDelta,
      timestamp,
      key?.toString('hex'),
      value?.toString('hex'),
      headers.map((one) => [one.key, one.value?.toString('hex')]),
    ]);
    return [header.toString('hex'), records];
  });
}

describe('compaction beside Apache Kafka', () => {
  it.each([0, 1, 2])('leaves the same bytes in the same segments, round %d', async (number) => {
    const { now, cleanedFrom, cleanedTo, before, after } = rounds[number]!;
    const machine = new CleanerMachine();
    machine.clock = new ManualClock(now - BACKOFF_MS);
    const { fs } = machine;
    fs.makeDirectory('/data/t-0');
    for (const [name, base64] of Object.entries(before))
      fs.writeFileAtomic(`/data/t-0/${name}`, Buffer.from(base64, 'base64'));
    const active = Number.parseInt(Object.keys(before).at(-1)!, 10);
    fs.writeFileAtomic('/data/recovery-point-offset-checkpoint', `0\n1\nt 0 ${active}\n`);
    fs.writeFileAtomic(CHECKPOINT, `0\n1\nt 0 ${cleanedFrom}\n`);
    const logs = await machine.start();
    logs.configure('t', config);
    await machine.clock.advance(BACKOFF_MS);
    expect(machine.messages).toEqual([]);
    expect(fs.readFile(CHECKPOINT).toString()).toBe(`0\n1\nt 0 ${cleanedTo}\n`);
    const names = fs.list('/data/t-0').filter((name) => name.endsWith('.log'));
    expect(names.sort()).toEqual(Object.keys(after).filter((name) => name.endsWith('.log')));
    for (const name of names) {
      expect([name, content(fs.readFile(`/data/t-0/${name}`))]).toEqual([
        name,
        content(Buffer.from(after[name]!, 'base64')),
      ]);
    }
    const indexed = (name: string): string => fs.readFile(`/data/t-0/${name}`).toString('base64');
    const indexes = Object.keys(after).filter(
      (name) => name.endsWith('.txnindex') && Number.parseInt(name, 10) < cleanedTo,
    );
    expect(indexes.map(indexed)).toEqual(indexes.map((name) => after[name]));
    await logs.stop();
  });
});
