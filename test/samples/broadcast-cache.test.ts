import { afterEach, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { AppModule } from '../../samples/broadcast-cache/src/app.module.js';
import { PriceCache } from '../../samples/broadcast-cache/src/price.cache.js';
import { PROPERTY_OVERRIDES } from '../../src/index.js';
import { until } from '../../src/testing/until.js';
import { type RunningSample, startSample } from '../support/sample-app.js';

describe('the broadcast-cache sample', () => {
  let sample: RunningSample | undefined;

  afterEach(() => sample?.close());

  it('brings a change to every process, also to one that starts later', async () => {
    const topic = `prices-${process.pid}-${Date.now()}`;
    sample = await startSample('broadcast-cache', AppModule, { 'prices.topic': topic });
    const { url, kafka } = sample;
    const put = (product: string, cents: number) =>
      fetch(`${url}/prices/${product}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ cents }),
      });
    expect((await put('apple', 40)).status).toBe(204);
    expect((await put('pear', 55)).status).toBe(204);
    expect((await put('apple', 45)).status).toBe(204);
    const cached = async () => (await (await fetch(`${url}/prices`)).json()) as Record<string, number>;
    await until(async () => (await cached()).apple === 45, { timeoutMs: 30_000, what: 'the newer price' });
    const servers = process.env.KAFKA_BOOTSTRAP_SERVERS ?? kafka!.bootstrapServers;
    const builder = Test.createTestingModule({ imports: [AppModule] });
    const overrides = {
      'kafka.bootstrap-servers': servers,
      'kafka.consumer.auto-offset-reset': 'earliest',
      'prices.topic': topic,
    };
    builder.overrideProvider(PROPERTY_OVERRIDES).useValue(overrides);
    const other = await (await builder.compile()).createNestApplication({ logger: false }).init();
    try {
      const later = other.get(PriceCache);
      await until(() => later.get('apple') === 45 && later.get('pear') === 55, { timeoutMs: 30_000, what: 'both' });
      await fetch(`${url}/prices/pear`, { method: 'DELETE' });
      await until(() => later.get('pear') === undefined, { timeoutMs: 30_000, what: 'the tombstone' });
      await until(async () => !('pear' in (await cached())), { timeoutMs: 30_000, what: 'the tombstone here' });
      expect(later.all()).toEqual({ apple: 45 });
    } finally {
      await other.close();
    }
  });
});
