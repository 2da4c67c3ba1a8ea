import { describe, expect, it } from '@jest/globals';
import { NestdawError } from '../../../src/common/errors.js';
import { ContainerRegistry } from '../../../src/runtime/listener/container-registry.js';
import { transition } from '../../../src/runtime/listener/container-state.js';
import { failed, GatedHandler, Harness, TOPIC } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

describe('the life of a container', () => {
  it('knows which state may follow which', () => {
    expect(transition('running', 'paused')).toBe('paused');
    expect(() => transition('stopped', 'running')).toThrow('cannot go from stopped to running');
  });

  it('starts, stops and starts again, each harmless when repeated', async () => {
    const harness = new Harness({});
    expect(harness.container.state).toBe('initialized');
    await harness.container.stop();
    await Promise.all([harness.container.start(), harness.container.start()]);
    await harness.container.start();
    expect(harness.container.state).toBe('running');
    expect(harness.consumers).toHaveLength(1);
    await Promise.all([harness.container.stop(), harness.container.stop()]);
    expect(harness.container.state).toBe('stopped');
    harness.push(2);
    await harness.start();
    expect(harness.consumers).toHaveLength(2);
    expect(harness.committed()).toBe(2);
    const stopping = harness.container.stop();
    await harness.container.start();
    await stopping;
    expect(harness.container.state).toBe('running');
    await harness.container.stop();
    expect(harness.events.filter(({ type }) => /^(start|stop)/.test(type)).map(({ type }) => type)).toEqual(
      Array.from({ length: 3 }, () => ['starting', 'started', 'stopping', 'stopped']).flat(),
    );
    expect(harness.ofType('stopped').map(({ reason }) => reason)).toEqual(['normal', 'normal', 'normal']);
  });

  it('stays stopped when the stop was the last word, though a start waited for an earlier stop', async () => {
    const harness = new Harness({});
    await harness.start();
    const stopping = harness.container.stop();
    const starting = harness.container.start();
    const again = harness.container.stop();
    await expect(starting).rejects.toMatchObject({ code: 'KAFKA_STOPPED' });
    await Promise.all([stopping, again]);
    expect(harness.container.state).toBe('stopped');
    expect(harness.consumers).toHaveLength(1);
  });

  it('starts after a start that was stopped while it waited, and once only', async () => {
    const asked: Array<() => void> = [];
    const harness = new Harness({ beforeStart: () => new Promise<void>((resolve) => void asked.push(resolve)) });
    const first = harness.container.start();
    await flush();
    await harness.container.stop();
    const again = [harness.container.start(), harness.container.start()];
    await flush();
    expect([asked.length, harness.container.state]).toEqual([1, 'stopped']);
    asked[0]!();
    await first;
    await flush();
    asked[1]!();
    await Promise.all(again);
    expect([asked.length, harness.container.state, harness.consumers.length]).toEqual([2, 'running', 1]);
  });

  it('does not wait for ever for the last commit when the cluster is away', async () => {
    const harness = new Harness({ settings: { shutdownTimeoutMs: 100 } });
    await harness.start();
    harness.consumer.onCommit = () => new Promise(() => undefined);
    harness.push(3);
    await flush();
    let isStopped = false;
    const stopping = harness.container.stop().then(() => {
      isStopped = true;
    });
    // What handlers finish at the last moment has its chance yet.
    await harness.clock.advance(2_000);
    expect(isStopped).toBe(false);
    await harness.clock.advance(200);
    await stopping;
    expect(harness.container.state).toBe('stopped');
  });

  it('stops without starting what is queued, and commits what has finished', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: { workers: 2, order: 'none' }, invoke: handler.invoke });
    harness.push(10);
    await harness.start();
    const stopped = harness.container.stop();
    expect(harness.container.state).toBe('stopping');
    await handler.end(0);
    await handler.end(1);
    await stopped;
    expect(handler.started).toEqual([0, 1]);
    expect(harness.committed()).toBe(2);
    expect(harness.consumer.isStopped).toBe(true);
  });

  it('waits for handlers only up to the shutdown time-out, then fires their signals', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({
      endpoint: { workers: 2, order: 'none' },
      settings: { shutdownTimeoutMs: 1_000 },
      invoke: handler.invoke,
    });
    harness.push(2);
    await harness.start();
    const { signal } = handler.call(1).context;
    await handler.end(0);
    let isStopped = false;
    const stopped = harness.container.stop().then(() => {
      isStopped = true;
    });
    await harness.clock.advance(999);
    expect([isStopped, signal.aborted]).toEqual([false, false]);
    await harness.clock.advance(1);
    await stopped;
    expect(signal.reason).toMatchObject({ code: 'KAFKA_STOPPED' });
    expect(harness.committed()).toBe(1);
    await handler.end(1);
    expect(harness.committed()).toBe(1);
    expect(harness.container.describe().consumers[0]!.counters.stale).toBe(1);
  });

  it('stops at once during an idle poll', async () => {
    const harness = await new Harness({}).start();
    await harness.container.stop();
    expect(harness.clock.monotonic()).toBe(0);
    expect(harness.clock.pending).toBe(0);
  });

  it('pauses and resumes: nothing new starts, membership and running handlers stay', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: { workers: 1, order: 'none' }, invoke: handler.invoke });
    harness.push(3);
    await harness.start();
    harness.container.pause();
    expect(harness.container.state).toBe('paused');
    expect(harness.consumer.pausesOf(TOPIC, 0)).toEqual(['user']);
    const partitions = [{ topic: TOPIC, partition: 0 }];
    expect(harness.ofType('paused')).toEqual([{ type: 'paused', by: 'user', partitions }]);
    await handler.end(0);
    expect(handler.started).toEqual([0]);
    expect(harness.ofType('resumed')).toEqual([]);
    harness.container.resume();
    expect(harness.ofType('resumed')).toEqual([{ type: 'resumed', partitions }]);
    expect(harness.container.state).toBe('running');
    await flush();
    expect(handler.started).toEqual([0, 1]);
    await handler.endAll();
    await harness.container.stop();
  });

  it.each([
    ['a pool', { workers: 1, order: 'none' as const }],
    ['one record after another', {}],
  ])('handles what was polled before it is paused where pauseImmediate is false: %s', async (_model, endpoint) => {
    const handler = new GatedHandler();
    const errorHandler = () => ({ action: 'retry', delayMs: 1_000 }) as const;
    const harness = new Harness({
      endpoint,
      settings: { pauseImmediate: false, errorHandler },
      invoke: handler.invoke,
    });
    const paused = () => harness.ofType('paused').length;
    harness.push(3);
    await harness.start();
    harness.container.pause();
    harness.push(2);
    expect([harness.container.state, harness.consumer.pausesOf(TOPIC, 0)]).toEqual(['paused', ['user']]);
    await handler.end(0);
    await handler.end(1);
    expect([handler.started, paused()]).toEqual([[0, 1, 2], 0]);
    await handler.end(2);
    expect([handler.started, paused(), harness.committed()]).toEqual([[0, 1, 2], 1, 3]);
    harness.container.resume();
    await flush();
    // Each asks anew: the last one counts.
    harness.container.pause();
    harness.container.resume();
    harness.container.pause();
    await handler.end(3);
    await handler.end(4, failed());
    expect([handler.started, paused()]).toEqual([[0, 1, 2, 3, 4], 2]);
    await harness.clock.advance(1_000);
    expect(handler.started).toHaveLength(5);
    harness.container.resume();
    await flush();
    expect(handler.started).toEqual([0, 1, 2, 3, 4, 4]);
    // A stop does not wait for it.
    harness.container.pause();
    const stopping = harness.container.stop();
    await handler.endAll();
    await stopping;
    expect(paused()).toBe(2);
  });

  it('fails with its cause when a consumer cannot go on, after a graceful stop', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: { workers: 2, order: 'none', concurrency: 2 }, invoke: handler.invoke });
    harness.push(1);
    await harness.start();
    harness.consumers[1]!.fail(new Error('authentication failed'));
    await flush();
    expect(harness.container.state).toBe('stopping');
    await handler.end(0);
    await flush();
    expect(harness.container.state).toBe('failed');
    expect(harness.container.describe()).toMatchObject({
      state: 'failed',
      failure: { message: 'authentication failed' },
    });
    expect(harness.committed()).toBe(1);
    expect(harness.consumers.every(({ isStopped }) => isStopped)).toBe(true);
    expect(harness.ofType('stopped')[0]!.cause).toMatchObject({ message: 'authentication failed' });
  });

  it('goes on when a batch fails its checksum: its partition is read again', async () => {
    const harness = await new Harness({}).start();
    const poll = harness.consumer.poll.bind(harness.consumer);
    let corrupt = 2;
    harness.consumer.poll = async (options) => {
      if (corrupt-- > 0) throw new NestdawError('KAFKA_RECORD_CORRUPT', 'orders-0 at 1: checksum');
      return poll(options);
    };
    harness.push(2);
    await flush();
    harness.push(1);
    await harness.clock.advance(2_000);
    expect(harness.container.state).toBe('running');
    expect(harness.committed()).toBe(3);
    expect(harness.log.filter((line) => line.includes('checksum'))).toHaveLength(2);
    await harness.container.stop();
  });

  it('fails to start when a consumer does', async () => {
    const harness = new Harness({});
    const { container, kafka } = harness;
    const failure = new Error('no coordinator');
    kafka.committed.get = () => {
      throw failure;
    };
    await expect(container.start()).rejects.toThrow('no coordinator');
    expect(harness.events).toEqual([
      { type: 'starting', consumers: 1 },
      { type: 'start-failed', error: failure },
      { type: 'stopping' },
      { type: 'drained', consumer: 0, ms: 0, unfinished: 0 },
      { type: 'stopped', reason: 'error', cause: failure },
    ]);
    expect(container.state).toBe('failed');
    await container.stop();
    expect(container.state).toBe('stopped');
  });

  it('says what it does right now', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({
      endpoint: { workers: 2, order: 'key', gapMap: true },
      settings: { errorHandler: () => ({ action: 'retry', delayMs: 1_000 }) },
      invoke: handler.invoke,
    });
    harness.push(4, (i) => ['a', 'a', 'b', 'c'][i]!);
    await harness.start();
    await handler.end(0, failed());
    await harness.clock.advance(10);
    await handler.end(2);
    const description = harness.container.describe();
    expect(description).toMatchObject({ id: 'billing', state: 'running', workers: 2, groupId: 'billing' });
    expect(description.consumers[0]).toMatchObject({
      running: 1,
      oldest: { topic: TOPIC, partition: 0, offset: 3, ms: 10 },
      partitions: [
        {
          position: 4,
          committable: 0,
          committed: 0,
          unfinished: 3,
          running: 1,
          lanes: 2,
          retrying: 1,
          finishedAbove: 1,
        },
      ],
    });
    await harness.clock.advance(1_000);
    await handler.endAll();
    await harness.container.stop();
  });

  it('passes on what its consumers tell, and survives a listener that throws', async () => {
    const harness = new Harness({});
    harness.container.onEvent(() => {
      throw new Error('observer broke');
    });
    await harness.start();
    const event = { type: 'offset-reset', topic: TOPIC, partition: 0, from: 5, to: 9, skipped: 4 } as const;
    harness.consumer.emit(event);
    expect(harness.ofType('client')).toEqual([{ type: 'client', consumer: 0, event }]);
    expect(harness.log.some((line) => line.includes('observer broke'))).toBe(true);
    await harness.container.stop();
    expect(harness.container.state).toBe('stopped');
  });

  it('names every impossible combination at construction', () => {
    const invalid = () =>
      new Harness({
        endpoint: {
          concurrency: 0,
          workers: 0.5,
          steering: { min: 9, max: 3, by: 'lag' },
          order: 'key',
          ackMode: 'RECORD',
          topics: [],
        },
        batch: () => ({ status: 'done' }),
      });
    expect(invalid).toThrow(expect.objectContaining({ code: 'KAFKA_CONFIG_INVALID' }));
    const steered = 'workers.max is 3, below workers.min 9';
    const parts = ['concurrency is 0', 'workers is 0.5', 'topics is empty', 'use BATCH', "order 'partition'", steered];
    for (const part of parts) expect(invalid).toThrow(part);
    expect(() => {
      new Harness({}).container.workers = 3;
    }).toThrow('has no worker pool');
  });
});

describe('the registry', () => {
  const registryWith = (...ids: string[]) => {
    const registry = new ContainerRegistry();
    const harnesses = ids.map((id) => new Harness({ endpoint: { id, autoStartup: id !== 'manual' } }));
    for (const { container } of harnesses) registry.register(container);
    return { registry, harnesses };
  };

  it('refuses a second listener with the id of another, on the same connection only', () => {
    const { registry } = registryWith('a');
    expect(() => registry.register(new Harness({ endpoint: { id: 'a' } }).container)).toThrow("the id 'a'");
    registry.register(new Harness({ endpoint: { id: 'a', connection: 'audit' } }).container);
    expect(registry.list()).toHaveLength(2);
    expect(registry.list('audit')).toHaveLength(1);
    expect(() => registry.get('b')).toThrow("known are: 'a'");
  });

  it('tells every observer of events, though one of them throws', async () => {
    const { registry, harnesses } = registryWith('a');
    const seen: string[] = [];
    registry.onEvent(() => {
      throw new Error('observer broke');
    });
    const end = registry.onEvent(({ listener, type }) => seen.push(`${listener} ${type}`));
    await registry.start('a');
    expect(seen).toEqual(expect.arrayContaining(['a starting', 'a started']));
    expect(harnesses[0]!.log.join('\n')).toContain("container event 'started' threw: observer broke");
    end();
    seen.length = 0;
    await registry.stop('a');
    expect(seen).toEqual([]);
  });

  it('starts what starts by itself, and stops everything', async () => {
    const { registry, harnesses } = registryWith('a', 'manual');
    await registry.startAll();
    expect(registry.describe().map(({ id, state }) => [id, state])).toEqual([
      ['a', 'running'],
      ['manual', 'initialized'],
    ]);
    await registry.start('manual');
    registry.pause('a');
    expect(harnesses[0]!.container.state).toBe('paused');
    registry.resume('a');
    expect(harnesses[0]!.container.state).toBe('running');
    await registry.stopAll();
    expect(registry.describe().every(({ state }) => state === 'stopped')).toBe(true);
    expect(registry.unregister('a')).toBe(harnesses[0]!.container);
    expect(registry.find('a')).toBeUndefined();
  });
});
