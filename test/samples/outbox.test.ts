import { afterEach, describe, expect, it } from '@jest/globals';
import { AppModule } from '../../samples/outbox/src/app.module.js';
import { until } from '../../src/testing/until.js';
import { type RunningSample, startSample } from '../support/sample-app.js';

describe('the outbox sample', () => {
  let sample: RunningSample | undefined;

  afterEach(() => sample?.close());

  it('tells each deposit once, and none that was rolled back', async () => {
    const topic = `deposits-${process.pid}-${Date.now()}`;
    sample = await startSample('outbox', AppModule, { 'deposits.topic': topic, 'bank.database': ':memory:' });
    const { url } = sample;
    const deposit = async (body: object) => {
      const headers = { 'content-type': 'application/json' };
      return (await fetch(`${url}/deposits`, { method: 'POST', headers, body: JSON.stringify(body) })).status;
    };
    const look = async (path: string) => (await fetch(`${url}/${path}`)).json() as Promise<Record<string, unknown>>;
    expect(await deposit({ account: 'anna', amount: 500 })).toBe(201);
    expect(await deposit({ account: 'anna', amount: 900, fail: true })).toBe(500);
    expect(await deposit({ account: 'anna', amount: 'much' })).toBe(400);
    expect(await deposit({ account: 'anna', amount: 250 })).toBe(201);
    await until(async () => (await look('accounts/anna')).heard === 750, { timeoutMs: 20_000, what: 'both deposits' });
    expect(await look('accounts/anna')).toEqual({ account: 'anna', balance: 750, heard: 750 });
    await until(async () => (await look('outbox')).messages === 0, { timeoutMs: 20_000, what: 'an empty outbox' });
    expect(await look('outbox')).toMatchObject({ isLeading: true, relayed: 2, failed: 0 });
  }, 60_000);
});
