import { afterEach, describe, expect, it } from '@jest/globals';
import { AppModule } from '../../samples/batch-to-sql/src/app.module.js';
import { until } from '../../src/testing/until.js';
import { type RunningSample, startSample } from '../support/sample-app.js';

describe('the batch-to-sql sample', () => {
  let sample: RunningSample | undefined;

  afterEach(() => sample?.close());

  it('writes batches, and passes a record that must not be stored to the dead letters', async () => {
    const topic = `measurements-${process.pid}-${Date.now()}`;
    const database = ':memory:';
    sample = await startSample('batch-to-sql', AppModule, {
      'measurements.topic': topic,
      'measurements.database': database,
    });
    const { url, kafka } = sample;
    const post = async (path: string, body = {}) => {
      const headers = { 'content-type': 'application/json' };
      return (await fetch(`${url}/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).json();
    };
    const counts = async () =>
      (await (await fetch(`${url}/measurements`)).json()) as { rows: number; statements: number };
    expect(await post('measurements/500')).toEqual({ sent: 500 });
    await until(async () => (await counts()).rows === 500, { timeoutMs: 30_000, what: '500 rows' });
    expect((await counts()).statements).toBeLessThan(250);
    await post('measurements', { celsius: -300 });
    await post('measurements/20');
    await until(async () => (await counts()).rows === 520, { timeoutMs: 30_000, what: 'the rows behind it' });
    await kafka?.untilRecords(`${topic}-dlt`, 1, { timeoutMs: 30_000 });
  });
});
