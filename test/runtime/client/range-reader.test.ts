import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type INestApplication } from '@nestjs/common';
import fc from 'fast-check';
import { deferred } from '../../../src/common/lifecycle.js';
import { KafkaAdmin, RangeReader } from '../../../src/index.js';
import { spansOf } from '../../../src/runtime/client/range-reader.js';
import { EmbeddedKafka } from '../../../src/testing/index.js';
import { numbered, startOnBroker } from '../../support/broker-app.js';

const COUNT = 20_000;
const TP = { topic: 'history', partition: 0 };

describe('parts of a range', () => {
  it('are the whole of it, in order, none empty, and of nearly one size', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(10_000), fc.integer({ min: 1, max: 100 }), (from, size, count) => {
        const spans = spansOf(from, from + size, count);
        expect(spans).toHaveLength(Math.min(size, count));
        let next = from;
        for (const span of spans) {
          expect(span.from).toBe(next);
          expect(span.to).toBeGreaterThan(span.from);
          expect(Math.abs(span.to - span.from - size / spans.length)).toBeLessThan(1);
          next = span.to;
        }
        expect(next).toBe(from + size);
      }),
    );
  });
});

describe('a range of one partition', () => {
  let kafka: EmbeddedKafka;
  let app: INestApplication;
  let reader: RangeReader;

  beforeAll(async () => {
    kafka = await EmbeddedKafka.start({ topics: { history: 1 } });
    await kafka.produce('history', 0, numbered(COUNT));
    ({ app } = await startOnBroker(kafka, {}));
    reader = app.get(RangeReader);
  });
  afterAll(async () => {
    await app?.close();
    await kafka?.stop();
  });

  it('is read by four at once, each record once and each part in order', async () => {
    const seen: number[] = [];
    const begun = new Set<number>();
    const all = deferred<void>();
    const last = new Map<number, number>();
    const part = (offset: number): number => Math.floor(((offset - 100) * 4) / (19_900 - 100));
    const report = await reader.read({ ...TP, from: 100, to: 19_900 }, async ({ offset }) => {
      // None goes on before all four have begun.
      if (begun.add(part(offset)).size === 4) all.resolve();
      await all.promise;
      expect(last.get(part(offset)) ?? -1).toBeLessThan(offset);
      last.set(part(offset), offset);
      seen.push(offset);
    });
    expect(report).toEqual({ from: 100, to: 19_900, records: 19_800 });
    seen.sort((a, b) => a - b);
    expect(seen).toEqual(Array.from({ length: 19_800 }, (_, i) => 100 + i));
    expect(await app.get(KafkaAdmin).listGroups()).toEqual([]);
  });

  it('is the whole log where nothing is said, and no more than that', async () => {
    let first = Number.POSITIVE_INFINITY;
    const report = await reader.read({ ...TP, to: COUNT * 2 }, ({ offset }) => {
      first = Math.min(first, offset);
    });
    expect([report, first]).toEqual([{ from: 0, to: COUNT, records: COUNT }, 0]);
    expect(await reader.read({ ...TP, from: COUNT }, () => undefined)).toMatchObject({ records: 0 });
    const later = { timestamp: Date.now() + 60_000 };
    expect(await reader.read({ ...TP, from: later }, () => undefined)).toMatchObject({ records: 0 });
  });

  it('ends with what a handler throws, and with a signal', async () => {
    const failure = new Error('no room');
    const reading = reader.read(TP, async ({ offset }, signal) => {
      if (offset === 12_345) throw failure;
      // The others wait to be told.
      if (offset % 5_000 === 0 && offset !== 10_000) await once(signal, 'abort');
    });
    await expect(reading).rejects.toBe(failure);
    const stop = new AbortController();
    let handled = 0;
    const stopped = reader.read(
      TP,
      () => {
        if (++handled === 100) stop.abort(new Error('enough'));
      },
      { readers: 1, signal: stop.signal },
    );
    await expect(stopped).rejects.toThrow('enough');
    expect(handled).toBe(100);
  });

  it('refuses numbers that make no sense', async () => {
    await expect(reader.read(TP, () => undefined, { readers: 0 })).rejects.toMatchObject({
      code: 'KAFKA_CONFIG_INVALID',
    });
    await expect(reader.read({ ...TP, from: -5 }, () => undefined)).rejects.toThrow(/-5 is neither an offset/);
  });
});
