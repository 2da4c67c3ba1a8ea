import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ContainerRegistry, type KafkaModuleOptions, type ListenerEvent } from '../../../src/index.js';
import { until } from '../../../src/testing/index.js';
import { PATIENCE, ThreadBench } from '../../support/thread-bench.js';

// Handlers in real worker threads, over a real broker.

jest.setTimeout(90_000);

const bench = new ThreadBench();
beforeAll(() => bench.open());
afterAll(() => bench.close());

const module = new URL('./fixtures/worker.module.mjs', import.meta.url);

describe('a pool of threads', () => {
  it('runs handlers, brings back what they say and throw, outlives a thread, and closes', async () => {
    const app = await bench.start();
    const events: ListenerEvent[] = [];
    app.get(ContainerRegistry).onEvent((event) => events.push(event));
    const plain = Array.from({ length: 20 }, (_, n) => ({ n }));
    await bench.send('in', 0, ...plain);
    await bench.send('in', 1, { n: 20, do: 'log' });
    const first = await bench.said(21);
    expect(new Set(first.map(({ n }) => n))).toEqual(new Set(Array.from({ length: 21 }, (_, n) => n)));
    const threads = new Set(first.map(({ threadId }) => threadId));
    expect(threads.size).toBe(2);
    expect(threads).not.toContain(0);
    expect(bench.logger.lines).toContainEqual(expect.stringMatching(/^warn work#[01]: \[Work\] n is 20$/));

    await bench.send('in', 0, { n: 21, do: 'fail' });
    expect((await bench.said(22))[21]).toMatchObject({ n: 21, attempt: 2 });
    expect(events.find((event) => event.type === 'failed')?.error).toMatchObject({
      name: 'TypeError',
      message: 'no 21',
      code: 'E_NO',
      hint: 7,
      stack: expect.stringContaining('work.mjs'),
    });

    await bench.send('in', 1, { n: 22, do: 'exit' }, ...plain);
    await bench.untilConsumed('in');
    const all = await bench.said(43);
    expect(all.find(({ n }) => n === 22)).toMatchObject({ attempt: 2 });
    const death = events.find((event) => event.type === 'thread-died');
    expect(death).toMatchObject({ listener: 'work', failed: 1 });
    expect(events.findLast((event) => event.type === 'failed')?.error).toMatchObject({
      code: 'KAFKA_THREAD_DIED',
      retriable: true,
    });
    const started = () => events.some((event) => event.type === 'thread-started');
    await until(started, { what: 'a new thread', ...PATIENCE });
    const described = () => app.get(ContainerRegistry).get('work').describe().threads!;
    await until(() => described().length === 2, { what: 'both threads', ...PATIENCE });
    expect(described().map(({ name }) => name)).toEqual(expect.arrayContaining(['work#0', 'work#1']));
    expect(described().map(({ deaths }) => deaths)).toEqual(expect.arrayContaining([0, 1]));
    expect(described()[0]).toMatchObject({ calls: 0, busyMs: undefined });

    await app.close();
    const destroyed = (await bench.said(46)).filter(({ what }) => what === 'destroyed');
    expect(destroyed.map(({ threadId }) => threadId === 0)).toEqual([false, false, true]);
  });

  it('outlives threads that run out of memory, or die of an error that nobody catches', async () => {
    const limits = { maxOldGenerationSizeMb: 80 };
    const app = await bench.start({ threads: '1', workers: '2' }, { threads: { module, limits } });
    const failures: unknown[] = [];
    app.get(ContainerRegistry).onEvent((event) => event.type === 'failed' && failures.push(event.error));
    await bench.send('in', 0, { n: 1, do: 'hoard' });
    await bench.send('in', 1, { n: 2 });
    await bench.said(2);
    await bench.send('in', 0, { n: 3, do: 'crash' });
    expect(new Set((await bench.said(3)).map(({ n }) => n))).toEqual(new Set([1, 2, 3]));
    expect(failures).toEqual([
      expect.objectContaining({ code: 'KAFKA_THREAD_DIED', message: expect.stringContaining('memory') }),
      expect.objectContaining({ code: 'KAFKA_THREAD_DIED', message: expect.stringContaining('nobody catches this') }),
    ]);
    await bench.untilConsumed('in');
    await app.close();
  });

  it('kills a thread that hangs, after its signal and a while', async () => {
    const times = { 'kafka.consumer.max-poll-interval': '1s', 'kafka.listener.shutdown-timeout': '900ms' };
    const app = await bench.start({ threads: '1', ...times }, { threads: { module, killAfterMs: 100 } });
    const failures: unknown[] = [];
    app.get(ContainerRegistry).onEvent((event) => event.type === 'failed' && failures.push(event.error));
    await bench.send('in', 0, { n: 1, do: 'hang' });
    await bench.send('in', 1, { n: 2 });
    const said = await bench.said(2);
    // The record of the hung call has failed, and is delivered again.
    expect(new Map(said.map(({ n, attempt }) => [n, attempt])).get(1)).toBe(2);
    expect(new Set(said.map(({ n }) => n))).toEqual(new Set([1, 2]));
    expect(failures[0]).toMatchObject({ code: 'KAFKA_HANDLER_TIMEOUT' });
    expect(bench.logger.lines.join('\n')).toMatch(/work#0 did not let go of in-\d+-0 offset 0 within 100 ms/);
    await app.close();
  });

  it('fires the signal in the thread when the container stops waiting', async () => {
    // Options that are code come with the worker's own KafkaModule.
    const own = new URL('./fixtures/own.module.mjs', import.meta.url);
    const options = { threads: { module: own }, types: [] };
    const app = await bench.start({ threads: '1', 'kafka.listener.shutdown-timeout': '100ms' }, options);
    await bench.send('in', 0, { n: 1, do: 'wait' });
    await bench.said(1);
    await app.get(ContainerRegistry).stop('work');
    expect(await bench.said(2)).toContainEqual(expect.objectContaining({ what: 'aborted: KAFKA_STOPPED' }));
    expect(await bench.committed('in')).toBeLessThan(1);
    await app.close();
  });
});

describe('retries of a pool', () => {
  it('run in its threads, which end with the last of its containers', async () => {
    const app = await bench.start({ work: 'false', retried: 'true' });
    const registry = app.get(ContainerRegistry);
    await bench.send('in', 0, { n: 1 });
    const [tried, retried] = await bench.said(2);
    expect(tried).toMatchObject({ what: 'tried', n: 1 });
    expect(retried).toMatchObject({ what: 'retried', n: 1, threadId: tried!.threadId });
    await registry.stop('retried-retry');
    await bench.send('in', 0, { n: 2 });
    expect((await bench.said(3))[2]).toMatchObject({ what: 'tried', n: 2, threadId: tried!.threadId });
    await registry.stop('retried');
    expect((await bench.said(4))[3]).toMatchObject({ what: 'destroyed', threadId: tried!.threadId });
    await app.close();
  });
});

describe('acknowledgments across the port', () => {
  it('commit when they are given, late and out of order, give back, and never pass a record without', async () => {
    const app = await bench.start({ work: 'false', acks: 'true' });
    await bench.send('acks', 0, { n: 0, do: 'late' }, { n: 1 }, { n: 2, do: 'nack' }, { n: 3 });
    expect(new Set((await bench.said(4)).map(({ n }) => n))).toEqual(new Set([0, 1, 2, 3]));
    await bench.untilConsumed('acks');
    await bench.send('acks', 0, { n: 4 }, { n: 5, do: 'never' }, { n: 6 });
    await bench.said(6);
    await until(async () => (await bench.committed('acks')) === 5, { what: 'offset 5 committed', ...PATIENCE });
    await app.close();
  });
});

describe('what cannot work', () => {
  const failure = async (started: Promise<unknown>): Promise<string> => {
    const error = await started.then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({ code: 'KAFKA_CONFIG_INVALID' });
    return error!.message;
  };
  const withModule = (file: string, more: Partial<KafkaModuleOptions> = {}) =>
    failure(bench.start({ threads: '1' }, { threads: { module: new URL(file, import.meta.url) }, ...more }));

  it('is said at start: no module, no file, only source, no class', async () => {
    expect(await failure(bench.start({}, { threads: undefined as never }))).toContain('KafkaModule.forRoot({ threads:');
    expect(await failure(bench.start({}, { threads: { module: './worker.module.js' } }))).toContain('absolute path');
    expect(await withModule('./fixtures/nowhere.js')).toMatch(/nowhere\.js does not exist; give/);
    expect(await withModule('./thread-pool-app.test.js')).toMatch(/thread-pool-app\.test\.ts, but a thread/);
    expect(await withModule('./fixtures/broken.module.mjs')).toMatch(/broken\.module\.mjs cannot be opened: not today/);
    expect(await withModule('./fixtures/worker.module.mjs', { types: [] })).toMatch(/is given types, and code cannot/);
    expect(await withModule('./fixtures/empty.module.mjs')).toMatch(/does not have it: list its class among the prov/);
  });

  it('runs in this thread where threads are switched off', async () => {
    const app = await bench.start({ 'kafka.listener.threads-enabled': 'false' }, { threads: undefined as never });
    await bench.send('in', 0, { n: 1 });
    expect(await bench.said(1)).toEqual([expect.objectContaining({ n: 1, threadId: 0 })]);
    await app.close();
  });
});
