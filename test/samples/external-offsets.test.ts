import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { AppModule } from '../../samples/external-offsets/src/app.module.js';
import { until } from '../../src/testing/until.js';
import { type RunningSample, startSample } from '../support/sample-app.js';

describe('the external-offsets sample', () => {
  const folder = mkdtempSync(join(tmpdir(), 'external-offsets-'));
  let sample: RunningSample | undefined;

  afterEach(async () => {
    await sample?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('keeps offsets beside the rows, and in a file', async () => {
    sample = await startSample('external-offsets', AppModule, {
      'readings.file': ':memory:',
      'kafka.listener.offset-directory': folder,
    });
    const { url, lines } = sample;
    const sensor = `s-${process.pid}-${Date.now()}`;
    const answer = await fetch(`${url}/readings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sensor, value: 21.5 }),
    });
    const { offset } = (await answer.json()) as { offset: number };
    type Kept = { rows: Array<{ sensor: string }>; offsets: unknown[] };
    const look = async () => {
      const found = await fetch(`${url}/readings`);
      expect(found.status).toBe(200);
      return (await found.json()) as Kept;
    };
    await until(async () => (await look()).rows.some((row) => row.sensor === sensor), { timeoutMs: 20_000 });
    const { rows, offsets } = await look();
    expect(rows.filter((row) => row.sensor === sensor)).toEqual([{ sensor, value: 21.5 }]);
    expect(offsets).toContainEqual({ topic: 'readings', part: 0, next_offset: offset + 1 });
    await until(() => lines.includes(`FileReadings ${sensor}: 21.5`), { timeoutMs: 20_000 });
    const file = () => readFileSync(join(folder, 'printer', 'readings-0-offset.txt'), 'utf8');
    await until(() => file().startsWith(`offset=${offset + 1}\n`), { timeoutMs: 20_000 });
  }, 60_000);
});
