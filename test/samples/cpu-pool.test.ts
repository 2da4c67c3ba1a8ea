import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Type } from '@nestjs/common';
import { until } from '../../src/testing/until.js';
import { type RunningSample, startSample } from '../support/sample-app.js';

// Compiled, for its threads load files.

const sampleFolder = new URL('../../samples/cpu-pool/', import.meta.url);
const PATIENCE = { timeoutMs: 60_000 };

describe('the cpu-pool sample', () => {
  let sample: RunningSample | undefined;
  let AppModule: Type;

  beforeAll(async () => {
    const root = fileURLToPath(new URL('../../', import.meta.url));
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'samples/cpu-pool'], { cwd: root });
    ({ AppModule } = (await import(new URL('dist/app.module.js', sampleFolder).href)) as { AppModule: Type });
  }, 120_000);

  afterEach(() => sample?.close());

  it('paints in threads and goes on answering', async () => {
    sample = await startSample('cpu-pool', AppModule, { 'pictures.depth': '200', 'pictures.width': '60' });
    const { url } = sample;
    const picture = `sea-${process.pid}`;
    const asked = await fetch(`${url}/pictures/${picture}`, {
      method: 'POST',
      body: new URLSearchParams({ rows: '40' }),
    });
    expect(await asked.json()).toEqual({ rows: 40 });
    const progress = async () => (await (await fetch(`${url}/pictures/${picture}`)).json()) as Record<string, object>;
    await until(async () => Number((await progress()).painted) === 40, { what: '40 rows', ...PATIENCE });
    const threads = Object.keys((await progress()).threads!);
    expect(threads).toHaveLength(2);
    expect(threads).not.toContain('0');
    const text = await (await fetch(`${url}/pictures/${picture}/text`)).text();
    const lines = text.trimEnd().split('\n');
    expect(lines[20]).toContain('###');
    expect(lines[39]).toBe(lines[0]);
    expect((await fetch(`${url}/pictures/none`)).status).toBe(404);
  }, 90_000);
});
