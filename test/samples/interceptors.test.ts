import { afterEach, describe, expect, it } from '@jest/globals';
import { AppModule } from '../../samples/interceptors/src/app.module.js';
import { until } from '../../src/testing/until.js';
import { type RunningSample, startSample } from '../support/sample-app.js';

describe('the interceptors sample', () => {
  let sample: RunningSample | undefined;

  afterEach(() => sample?.close());

  it('stamps what it sends and counts what was stored', async () => {
    sample = await startSample('interceptors', AppModule, {
      'greetings.topic': `greetings-${process.pid}-${Date.now()}`,
    });
    const { url, lines } = sample;
    for (const text of ['hello', 'again']) {
      const answer = await fetch(`${url}/greetings/${text}`, { method: 'POST' });
      expect(await answer.text()).toBe(text);
    }
    const counters = await fetch(`${url}/greetings/counters`);
    expect(await counters.json()).toEqual({ stored: 2, lost: 0 });
    const received = () =>
      lines.filter((line) => /GreetingListener (hello|again), \d+ ms after it was sent/.test(line));
    await until(() => received().length === 2, { timeoutMs: 20_000 });
    await sample.close();
    sample = undefined;
    expect(lines).toContain('CounterInterceptor 2 stored, 0 lost');
  }, 60_000);
});
