import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { until } from '../../../src/testing/index.js';
import { PATIENCE, Stamp, ThreadBench } from '../../support/thread-bench.js';

// Threads that send by the application's producers, over a real broker.

jest.setTimeout(90_000);

const bench = new ThreadBench();
beforeAll(() => bench.open());
afterAll(() => bench.close());

const SHARED = {
  'kafka.producer.per-thread': 'false',
  'kafka.producer.properties.interceptor.classes': 'Stamp',
  'kafka.template.sequence-id-header': 'sequence-id',
};

describe('threads that send by the producers of the application', () => {
  it('are one producer together: its sequence, its interceptors, its errors; nothing of a killed one is lost', async () => {
    const app = await bench.start(
      {
        ...SHARED,
        greets: 'true',
        'kafka.producers.bulk.per-thread': 'false',
        'kafka.consumer.max-poll-interval': '1s',
        'kafka.listener.shutdown-timeout': '900ms',
      },
      { threads: { module: new URL('./fixtures/worker.module.mjs', import.meta.url), killAfterMs: 100 } },
    );
    const plain = (from: number, count: number) => Array.from({ length: count }, (_, at) => ({ n: from + at }));
    await bench.send('in', 0, ...plain(0, 10), { n: 77 });
    await bench.send('in', 1, ...plain(10, 10), { n: 50, do: 'too much' }, { n: 3_000, do: 'much' });
    const hellos = 3;
    const all = await bench.said(hellos + 22 + 3);
    expect(all.slice(0, hellos).every(({ what }) => what === 'hello')).toBe(true);
    const done = all.filter(({ what }) => what === 'done');
    expect(new Set(done.map(({ threadId }) => threadId)).size).toBe(2);
    expect(done.map(({ n }) => n)).toContain(78);
    const said = all.map(({ what }) => what).filter((what) => typeof what === 'object');
    const problem = expect.stringMatching(
      /^a record for topic out-\d+ takes up to 2\d+ bytes, more than max\.request\.size/,
    );
    expect(said).toContainEqual({ name: 'NestdawError', code: 'KAFKA_RECORD_TOO_LARGE', message: problem });
    expect(said).toContainEqual({
      count: 3_000,
      last: 2_999,
      partitions: 1,
      leader: expect.any(Number),
      sent: expect.any(Number),
      isReady: true,
    });

    // Killed while it hangs: what it has sent is the application's.
    await bench.send('in', 0, { n: 60, do: 'leave' });
    await until(async () => (await bench.said(1)).some(({ what, n }) => what === 'left' && n === 60), {
      what: 'the record of the killed thread',
      ...PATIENCE,
    });
    await bench.untilConsumed('in');
    const { ended } = app.get(Stamp);
    const failed = ended.filter(({ error }) => error !== undefined);
    expect(failed).toEqual([expect.objectContaining({ error: 'KAFKA_RECORD_TOO_LARGE', offset: -1 })]);
    await app.close();

    const records = await bench.kafka.records(bench.topic('out'));
    const header = (name: string) =>
      records.map(({ headers }) => headers.find(({ key }) => key === name)?.value?.toString());
    const [producer] = header('sequence-id')[0]!.split(':');
    expect(header('sequence-id')).toEqual(records.map((_, at) => `${producer}:${String(at).padStart(12, '0')}`));
    expect(new Set(header('by'))).toEqual(new Set(['0 object', '0 bytes']));
    expect(records.filter(({ value }) => value!.toString().includes('destroyed')).length).toBeGreaterThanOrEqual(3);
    expect(ended.filter(({ error, topic }) => error === undefined && topic === bench.topic('out'))).toEqual(
      records.map((_, offset) => ({ topic: bench.topic('out'), offset, error: undefined, threadId: 0 })),
    );
  });
});
