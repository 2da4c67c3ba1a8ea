import { afterEach, describe, expect, it } from '@jest/globals';
import { AppModule } from '../../samples/hello/src/app.module.js';
import { until } from '../../src/testing/until.js';
import { type RunningSample, startSample } from '../support/sample-app.js';

describe('the hello sample', () => {
  let sample: RunningSample | undefined;

  afterEach(() => sample?.close());

  it('sends what the route names and receives it', async () => {
    sample = await startSample('hello', AppModule);
    const { lines } = sample;
    const message = `hello-${process.pid}-${Date.now()}`;
    const answer = await fetch(`${sample.url}/kafka/normal/${message}`);
    const sent = (await answer.json()) as { topic: string; partition: number; offset: number };
    expect(answer.status).toBe(200);
    expect(sent.topic).toBe('topic1');
    const received = `KafkaConsumer topic1-${sent.partition}@${sent.offset}: ${message}`;
    await until(() => lines.includes(received), { timeoutMs: 20_000 });
    expect(lines.filter((line) => line.includes(message))).toEqual([received]);
  }, 60_000);
});
