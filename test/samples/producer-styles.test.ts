import { afterEach, describe, expect, it } from '@jest/globals';
import { AppModule } from '../../samples/producer-styles/src/app.module.js';
import { ThermometerListener } from '../../samples/producer-styles/src/thermometer.listener.js';
import { until } from '../../src/testing/until.js';
import { type RunningSample, startSample } from '../support/sample-app.js';

describe('the producer-styles sample', () => {
  let sample: RunningSample | undefined;

  afterEach(() => sample?.close());

  it('sends in every style, by its own partitioner and serializer, and reads all of it', async () => {
    const topic = `measurements-${process.pid}-${Date.now()}`;
    sample = await startSample('producer-styles', AppModule, { 'measurements.topic': topic });
    const { url, lines, kafka } = sample;
    const post = async (path: string, body?: object) => {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${url}/${path}`, { method: 'POST', headers, body: JSON.stringify(body ?? {}) });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };
    const measurement = (sensor: string) => ({ sensor, celsius: 21.5 });
    expect((await post('measurements/awaited', measurement('north-1'))).body).toMatchObject({ topic, offset: 0 });
    expect((await post('measurements/typed', measurement('north-2'))).body).toMatchObject({ offset: 1 });
    expect((await post('measurements/returned', measurement('north-3'))).body).toEqual(measurement('north-3'));
    expect((await post('measurements/oneway', measurement('north-4'))).body).toEqual({ accepted: true });
    expect((await post('measurements/callback', measurement('north-5'))).body).toEqual({ accepted: true });
    expect((await post('measurements/awaited', { sensor: 'North', celsius: 'hot' })).status).toBe(400);
    expect((await post('measurements/shouted', measurement('north-6'))).status).toBe(404);
    expect((await post('import/5000')).body).toEqual({ sent: 5_000 });
    const listener = sample.app.get(ThermometerListener);
    await until(() => listener.count >= 5_005, { timeoutMs: 20_000 });
    await until(() => lines.some((line) => line.includes('north-5 is stored at')), { timeoutMs: 20_000 });
    expect(lines.filter((line) => line.includes('ThermometerListener north-'))).toHaveLength(5);
    const first = kafka ? (await kafka.records(topic))[0] : { key: 'north-1', value: Buffer.alloc(15) };
    expect([first?.key?.toString(), first?.value?.length]).toEqual(['north-1', 8 + 'north-1'.length]);
  }, 60_000);
});
