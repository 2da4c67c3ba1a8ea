import { afterEach, describe, expect, it } from '@jest/globals';
import { AppModule } from '../../samples/dedup/src/app.module.js';
import { until } from '../../src/testing/until.js';
import { type RunningSample, startSample } from '../support/sample-app.js';

describe('the dedup sample', () => {
  let sample: RunningSample | undefined;

  afterEach(() => sample?.close());

  it('books and thanks once for what is posted twice', async () => {
    sample = await startSample('dedup', AppModule, { 'ledger.file': ':memory:', 'mails.store': 'memory' });
    const { url, lines } = sample;
    const id = `p-${process.pid}-${Date.now()}`;
    const post = () =>
      fetch(`${url}/payments`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ id, amount: 5 }),
      });
    expect((await post()).status).toBe(201);
    expect((await post()).status).toBe(201);
    await until(() => lines.includes(`MailListener payment ${id} came again, no second mail`), { timeoutMs: 20_000 });
    const mails = lines.filter((line) => line === `MailListener thank you for payment ${id}`);
    expect(mails).toHaveLength(1);
    await until(
      async () => {
        const answer = (await (await fetch(`${url}/totals`)).json()) as { total: number };
        return answer.total === 5;
      },
      { timeoutMs: 20_000 },
    );
  }, 60_000);
});
