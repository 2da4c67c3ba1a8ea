import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SampleProcess } from '../../proofs/sample-process.js';
import { AppModule } from '../../samples/manual-commit/src/app.module.js';
import { until } from '../../src/testing/until.js';
import { type RunningSample, startSample } from '../support/sample-app.js';

describe('the manual-commit sample', () => {
  let sample: RunningSample | undefined;
  let notes: string;

  beforeEach(async () => {
    notes = await mkdtemp(join(tmpdir(), 'nestdaw-notes-'));
  });

  afterEach(async () => {
    await sample?.close();
    await rm(notes, { recursive: true });
  });

  it('does every job in each of its ways, and none twice when nobody kills it', async () => {
    const topic = `jobs-${process.pid}-${Date.now()}`;
    sample = await startSample('manual-commit', AppModule, {
      'jobs.topic': topic,
      'jobs.work-ms': '1',
      'jobs.notes': notes,
    });
    const { url } = sample;
    expect(await (await fetch(`${url}/jobs/25`, { method: 'POST' })).json()).toEqual({ sent: 25 });
    const counts = async () => (await (await fetch(`${url}/jobs`)).json()) as Record<string, { done: number }>;
    const isDone = async () => {
      const all = Object.values(await counts());
      return all.length === 4 && all.every(({ done }) => done === 25);
    };
    await until(isDone, { timeoutMs: 30_000, what: 'every job in each way' });
    const each = { done: 25, repeated: 0 };
    expect(await counts()).toEqual({ 'by-poll': each, 'each-at-once': each, 'any-order': each, 'every-tenth': each });
  });

  it('does again after a kill what each way says, and prints it', async () => {
    const root = fileURLToPath(new URL('../../', import.meta.url));
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'samples/manual-commit'], { cwd: root });
    const killed = await SampleProcess.create('manual-commit', {
      JOBS_TOPIC: `jobs-${process.pid}-${Date.now()}`,
      JOBS_WORKMS: '4',
      JOBS_NOTES: notes,
      NO_COLOR: '1',
      KAFKA_EMBEDDED_PORT: '0',
      // On a cluster the group waits for this before it has a member again.
      KAFKA_CONSUMER_PROPERTIES_SESSION_TIMEOUT_MS: '6000',
      KAFKA_CONSUMER_HEARTBEATINTERVAL: '1s',
    });
    try {
      await killed.untilReady();
      const url = `http://127.0.0.1:${killed.port}/jobs`;
      type Counts = Record<string, { done: number; repeated: number }>;
      const counts = async () => (await (await fetch(url)).json()) as Counts;
      await fetch(`${url}/300`, { method: 'POST' });
      const patience = { timeoutMs: 60_000, everyMs: 2 };
      // Behind the first poll of the slowest, which is not done by far.
      await until(async () => ((await counts())['each-at-once']?.done ?? 0) > 70, { ...patience, what: 'some jobs' });
      await killed.kill('SIGKILL');
      await killed.untilReady();
      const isDone = async () => {
        const all = Object.values(await counts());
        return all.length === 4 && all.every(({ done }) => done === 300);
      };
      await until(isDone, { ...patience, what: 'every job in each way' });
      const repeated = Object.entries(await counts()).map(([way, one]) => [way, one.repeated] as const);
      const most = { 'by-poll': 50, 'each-at-once': 1, 'any-order': 50, 'every-tenth': 11 };
      expect(repeated.filter(([way, count]) => count > most[way as keyof typeof most])).toEqual([]);
      const printed = [...killed.output.matchAll(/ ([a-z-]+): job-\d+-\d+ once more/g)].map(([, way]) => way);
      const told = repeated.map(([way]) => [way, printed.filter((one) => one === way).length]);
      expect(told).toEqual(repeated);
      expect(printed.length).toBeGreaterThan(0);
    } finally {
      await killed.remove();
    }
  }, 180_000);
});
