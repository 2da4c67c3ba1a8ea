import { afterEach, describe, expect, it } from '@jest/globals';
import { AppModule } from '../../samples/change-sync/src/app.module.js';
import { until } from '../../src/testing/until.js';
import { type RunningSample, startSample } from '../support/sample-app.js';

describe('the change-sync sample', () => {
  let sample: RunningSample | undefined;

  afterEach(() => sample?.close());

  it('makes the target equal to the source, through failures', async () => {
    const topic = `changes-${process.pid}-${Date.now()}`;
    sample = await startSample('change-sync', AppModule, { 'changes.topic': topic });
    const { url } = sample;
    const answer = await fetch(`${url}/sync/1000`, { method: 'POST' });
    expect(await answer.json()).toEqual({ changes: 2_334 });
    const state = async () => (await (await fetch(`${url}/sync`)).json()) as Record<string, number | boolean>;
    await until(async () => (await state()).made === 2_334, { timeoutMs: 45_000, what: 'every change' });
    const { failures, mostAtATime, ...rest } = await state();
    expect(rest).toMatchObject({ source: 666, target: 666, isEqual: true, violations: 0 });
    expect(failures).toBeGreaterThan(0);
    expect(mostAtATime).toBeGreaterThan(8);
  });
});
