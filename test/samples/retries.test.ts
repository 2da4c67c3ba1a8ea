import { afterEach, describe, expect, it } from '@jest/globals';
import { AppModule } from '../../samples/retries/src/app.module.js';
import { until } from '../../src/testing/until.js';
import { type RunningSample, startSample } from '../support/sample-app.js';

describe('the retries sample', () => {
  let sample: RunningSample | undefined;
  afterEach(() => sample?.close());

  it('retries, refuses, replays; pays later and takes back', async () => {
    const topic = `payments-${process.pid}-${Date.now()}`;
    sample = await startSample('retries', AppModule, { 'payments.topic': topic, 'payments.delay': '20ms' });
    const { url } = sample;
    const call = async (method: string, path: string, body?: object) => {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${url}/${path}`, {
        method,
        headers,
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      return (await answer.json()) as Record<string, unknown>;
    };
    await call('POST', 'payments/ada/12');
    await call('POST', 'payments/bob/500');
    const state = () => call('GET', 'payments');
    await until(async () => ((await state()).refused as string[]).includes('bob'), {
      what: 'the refusal',
      timeoutMs: 30_000,
    });
    expect(await call('POST', 'bank/open')).toEqual({ replayed: 1, skipped: 0 });
    const { id } = await call('POST', 'payments/eve/5', { delay: '15m' });
    expect(await call('DELETE', `payments/${String(id)}`)).toEqual({ cancelled: true });
    await call('POST', 'payments/joe/5', { delay: '10ms' });
    await until(async () => ((await state()).paid as string[]).length === 3, {
      what: 'the payments',
      timeoutMs: 30_000,
    });
    expect(new Set((await state()).paid as string[])).toEqual(new Set(['ada', 'bob', 'joe']));
  }, 90_000);
});
