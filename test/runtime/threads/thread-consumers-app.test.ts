import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ContainerRegistry, type ListenerEvent } from '../../../src/index.js';
import { until } from '../../../src/testing/index.js';
import { readCommitted } from '../../support/committed-reader.js';
import { PATIENCE, ThreadBench } from '../../support/thread-bench.js';

// Consumers in threads of their own, over a real broker.

jest.setTimeout(90_000);

const bench = new ThreadBench();
beforeAll(() => bench.open());
afterAll(() => bench.close());

const numbers = (from: number, count: number) => Array.from({ length: count }, (_, index) => ({ n: from + index }));

describe('a consumer per thread', () => {
  it('polls, commits and is supervised in its own thread', async () => {
    const app = await bench.start({ work: 'false', readers: 'true' });
    const registry = app.get(ContainerRegistry);
    const container = registry.get('readers');
    const events: ListenerEvent[] = [];
    registry.onEvent((event) => events.push(event));

    await bench.send('in', 0, ...numbers(0, 5));
    await bench.send('in', 1, ...numbers(5, 5));
    const first = await bench.said(10);
    const threadsOf = (partition: number) =>
      new Set(first.filter((one) => one.partition === partition).map(({ threadId }) => threadId));
    expect(threadsOf(0).size).toBe(1);
    expect(threadsOf(1).size).toBe(1);
    expect(threadsOf(0)).not.toEqual(threadsOf(1));
    for (const partition of [0, 1]) {
      const offsets = first.filter((one) => one.partition === partition).map(({ offset }) => offset);
      expect(offsets).toEqual([0, 1, 2, 3, 4]);
    }
    await bench.untilConsumed('in');
    expect(container.assignment()).toHaveLength(2);
    expect(events.some((event) => event.type === 'committed' && event.offsets[0]!.offset > 0)).toBe(true);
    await until(() => container.describe().consumers.every(({ counters }) => counters.finished === 5), {
      what: 'counters from both threads',
      ...PATIENCE,
    });

    // Paused in the main thread, resumed from there; a seek; a failure whose error crosses.
    const one = { topic: bench.topic('in'), partition: 0 };
    container.pausePartitions([one]);
    await until(() => container.describe().consumers.some(({ partitions }) => partitions[0]?.holds.includes('user')), {
      what: 'the pause in the thread',
      ...PATIENCE,
    });
    await bench.send('in', 0, { n: 10 });
    await bench.send('in', 1, { n: 11, do: 'fail' });
    expect((await bench.said(11))[10]).toMatchObject({ n: 11, attempt: 2 });
    const failed = () => events.find((event) => event.type === 'failed');
    await until(() => failed() !== undefined, { what: 'the failure', ...PATIENCE });
    const failure = failed() as Extract<ListenerEvent, { type: 'failed' }>;
    expect(failure.error).toMatchObject({ name: 'TypeError', code: 'E_NO' });
    expect(Buffer.isBuffer(failure.record.value)).toBe(true);
    container.resumePartitions([one]);
    expect((await bench.said(12))[11]).toMatchObject({ n: 10, partition: 0 });
    await container.seek((current) => current - 2, one);
    expect((await bench.said(14)).slice(12).map(({ n }) => n)).toEqual([4, 10]);

    await container.stop();
    expect(container.state).toBe('stopped');
    expect((await bench.said(16)).slice(14).every(({ what }) => what === 'destroyed')).toBe(true);
    await app.close();
  });

  it('joins again from a new thread when its own dies, and goes on from the commit', async () => {
    const times = {
      'kafka.consumer.properties.session.timeout.ms': '1000',
      'kafka.consumer.heartbeat-interval': '200',
    };
    const app = await bench.start({ work: 'false', readers: 'true', ...times });
    const deaths: ListenerEvent[] = [];
    app.get(ContainerRegistry).onEvent((event) => {
      if (event.type === 'thread-died' || event.type === 'lost') deaths.push(event);
    });
    await bench.send('in', 0, { n: 0 }, { n: 1, do: 'exit', below: 2 }, { n: 2 });
    await bench.untilConsumed('in');
    const all = (await bench.said(5)).filter(({ what }) => what === 'done');
    expect(all.map(({ n }) => n)).toEqual([0, 1, 2]);
    expect(deaths.map(({ type }) => type)).toEqual(['thread-died', 'lost']);
    await app.close();
  });

  it('handles records in transactions of its own thread', async () => {
    const app = await bench.start({
      work: 'false',
      readers: 'true',
      'readers.transactional': 'true',
      'kafka.producer.transaction-id-prefix': 'tx-',
      'kafka.consumer.isolation-level': 'read_committed',
      'kafka.template.allow-non-transactional': 'true',
      // Its producers are the thread's all the same; what is sent outside of transactions is the application's.
      'kafka.producer.per-thread': 'false',
    });
    await bench.send('in', 0, ...numbers(0, 5), { n: 5, do: 'fail' });
    await bench.send('in', 1, ...numbers(6, 5));
    await bench.untilConsumed('in');
    const seen = await readCommitted(bench.kafka.bootstrapServers, bench.topic('out'));
    const reports = seen.map(({ value }) => JSON.parse(String(value)) as { what: string; n: number; threadId: number });
    const done = reports.filter(({ what }) => what === 'done');
    expect(done.map(({ n }) => n).sort((a, b) => a - b)).toEqual(Array.from({ length: 11 }, (_, n) => n));
    expect(new Set(done.map(({ threadId }) => threadId)).size).toBe(2);
    await app.close();
  });
});

describe('a guarded listener that answers', () => {
  it.each([
    ['answers', 'in its consumer of a thread'],
    ['pooled-answers', 'in a pool of threads'],
  ])('handles each message once and sends on from the thread: %s, %s', async (id) => {
    const app = await bench.start({ work: 'false', [id]: 'true' });
    const events: ListenerEvent[] = [];
    app.get(ContainerRegistry).onEvent((event) => events.push(event));
    await bench.send('in', 0, { n: 1 }, { n: 2 }, { n: 1 }, { n: 3 }, { n: 2 });
    await bench.untilConsumed('in');
    const said = await bench.said(3);
    expect(said.map(({ what, n }) => `${String(what)} ${String(n)}`)).toEqual([
      'answered 1',
      'answered 2',
      'answered 3',
    ]);
    expect(said.every(({ threadId: thread }) => Number(thread) > 0)).toBe(true);
    await app.close();
    const skipped = events.flatMap((event) => (event.type === 'duplicates' ? event.records : []));
    expect(new Set(skipped.map(({ offset }) => offset))).toEqual(new Set([2, 4]));
    // Nothing more than what was new, the thread's farewell aside.
    const all = await bench.kafka.records(bench.topic('out'));
    expect(all.filter(({ value }) => value!.toString().includes('answered'))).toHaveLength(3);
  });
});
