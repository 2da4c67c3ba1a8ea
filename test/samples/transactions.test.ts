import { afterEach, describe, expect, it } from '@jest/globals';
import { AppModule } from '../../samples/transactions/src/app.module.js';
import { until } from '../../src/testing/until.js';
import { type RunningSample, startSample } from '../support/sample-app.js';

interface Report {
  readonly transfers: number;
  readonly underWay: number;
  readonly bookedTwice: number;
  readonly sum: number;
  readonly balances: Readonly<Record<string, number>>;
}

describe('the transactions sample', () => {
  let sample: RunningSample | undefined;

  afterEach(() => sample?.close());

  const place = (transfers: readonly unknown[]) =>
    fetch(`${sample!.url}/transfers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(transfers),
    });
  const report = async () => (await (await fetch(`${sample!.url}/audit`)).json()) as Report;

  it('books each transfer once though its bookkeeper fails, and places all of a request or nothing', async () => {
    const run = `${process.pid}-${Date.now()}`;
    const names = { ann: `ann-${run}`, bob: `bob-${run}` };
    sample = await startSample('transactions', AppModule, {
      'transfers.topic': `transfers-${run}`,
      'kafka.producer.transaction-id-prefix': `sample-${run}-`,
    });
    const transfers = Array.from({ length: 40 }, (_, n) => ({
      id: `t${n}-${run}`,
      from: n % 2 === 0 ? names.ann : names.bob,
      to: n % 2 === 0 ? names.bob : names.ann,
      cents: n + 1,
    }));
    const refused = await place([...transfers.slice(0, 5), { ...transfers[5]!, cents: 0 }]);
    expect(refused.status).toBe(400);
    const accepted = await place(transfers);
    expect([accepted.status, await accepted.json()]).toEqual([202, { accepted: 40 }]);
    const seen = await until(
      async () => {
        const now = await report();
        return now.balances[names.ann] === 20 && now.underWay === 0 && now;
      },
      { timeoutMs: 30_000 },
    );
    expect([seen.balances[names.bob], seen.bookedTwice, seen.sum]).toEqual([-20, 0, 0]);
    expect(sample.lines.some((line) => line.includes('fails after its first booking'))).toBe(true);
  }, 60_000);
});
