import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
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
});
