import { describe, expect, it } from '@jest/globals';
import { containerSettings } from '../../../src/runtime/listener/container-settings.js';
import { defaultErrorHandler } from '../../../src/runtime/listener/failures/error-handler.js';
import { DONE } from '../../../src/runtime/listener/listener-endpoint.js';
import { PartitionBudget } from '../../../src/runtime/listener/partitions/partition-budget.js';
import { GatedHandler, Harness, TOPIC } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

// What a pool does when several handlers end in one turn, and how much it has at hand for them.

/** A pool whose log tells in which order handlers were called and records counted as finished. */
function logged(workers: number, exhausted: 'skip' | 'pause-partition' = 'skip') {
  const log: string[] = [];
  const handler = new GatedHandler();
  const harness = new Harness({
    endpoint: { workers, order: 'key', gapMap: true },
    settings: {
      passage: { received: () => undefined, finished: ({ offset }) => log.push(`finished ${offset}`) },
      errorHandler: defaultErrorHandler({ retries: 0, exhausted }),
    },
    invoke: (record, context) => {
      log.push(`called ${record.offset}`);
      return handler.invoke(record, context);
    },
  });
  return { log, handler, harness };
}

/** Two of four handlers have just ended, in one turn; their records are not accounted for yet. */
async function twoEnded() {
  const world = logged(2);
  world.harness.push(4, (i) => `k${i}`);
  await world.harness.start();
  for (const { end } of world.handler.running) end.resolve(DONE);
  await microtasks();
  expect(world.log).not.toContain('finished 0');
  return world;
}

async function microtasks(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

describe('handlers of a pool that end in one turn', () => {
  it('let their workers go on before their records are accounted for', async () => {
    const { log, handler, harness } = logged(2);
    harness.push(4, (i) => `k${i}`);
    await harness.start();
    for (const { end } of handler.running) end.resolve(DONE);
    await flush();
    expect(log).toEqual(['called 0', 'called 1', 'called 2', 'called 3', 'finished 0', 'finished 1']);
    await handler.endAll();
    expect(harness.committed()).toBe(4);
    await harness.container.stop();
  });

  it('let their workers go on before it is decided about those that failed', async () => {
    const { log, handler, harness } = logged(2);
    harness.push(4, (i) => `k${i}`);
    await harness.start();
    for (const { end } of handler.running) end.resolve({ status: 'failed', error: new Error('no') });
    await microtasks();
    expect(harness.ofType('failed')).toEqual([]);
    expect(log).toEqual(['called 0', 'called 1', 'called 2', 'called 3']);
    await flush();
    expect(harness.ofType('failed').map(({ record }) => record.offset)).toEqual([0, 1]);
    await handler.endAll();
    expect(harness.committed()).toBe(4);
    await harness.container.stop();
  });

  it('start nothing more in a pool of one before it is decided about the one that failed', async () => {
    const { log, handler, harness } = logged(1, 'pause-partition');
    harness.push(2, (i) => `k${i}`);
    await harness.start();
    handler.call(0).end.resolve({ status: 'failed', error: new Error('no') });
    await flush();
    expect(log).toEqual(['called 0']);
    await harness.container.stop();
    expect(harness.committed()).not.toBe(1);
  });

  it('are not committed when they failed and a commit is asked for in that turn', async () => {
    const { handler, harness } = logged(2, 'pause-partition');
    harness.push(4, (i) => `k${i}`);
    await harness.start();
    for (const { end } of handler.running) end.resolve({ status: 'failed', error: new Error('no') });
    await microtasks();
    await harness.container.commit();
    expect(harness.committed() ?? 0).toBe(0);
    await handler.endAll();
    await harness.container.stop();
    expect(harness.committed() ?? 0).toBe(0);
  });

  it('keep no record of their key waiting for that', async () => {
    const { log, handler, harness } = logged(2);
    harness.push(4, (i) => (i < 2 ? 'same' : `k${i}`));
    await harness.start();
    expect(log).toEqual(['called 0', 'called 2']);
    handler.call(0).end.resolve(DONE);
    await microtasks();
    expect(log).toEqual(['called 0', 'called 2', 'finished 0', 'called 3']);
    handler.call(2).end.resolve(DONE);
    await microtasks();
    expect(log).toEqual(['called 0', 'called 2', 'finished 0', 'called 3', 'called 1']);
    await handler.endAll();
    await harness.container.stop();
  });

  it('are accounted for at once where nothing else could start', async () => {
    const { log, handler, harness } = logged(2);
    harness.push(2, (i) => `k${i}`);
    await harness.start();
    handler.call(0).end.resolve(DONE);
    await microtasks();
    expect(log).toEqual(['called 0', 'called 1', 'finished 0']);
    await handler.endAll();
    await harness.container.stop();
  });

  it('are part of a commit that is asked for in that turn', async () => {
    const { handler, harness } = await twoEnded();
    await harness.container.commit();
    expect(harness.committed()).toBe(2);
    await handler.endAll();
    await harness.container.stop();
  });

  it('are waited for by a drain only until they are accounted for', async () => {
    const { log, handler, harness } = await twoEnded();
    const stopping = harness.container.stop();
    expect(log).toContain('finished 1');
    await handler.endAll();
    await stopping;
    expect(harness.committed()).toBe(4);
  });

  it('go on with nothing behind one of them that held the loop until the session was over', async () => {
    const { handler, harness } = logged(400);
    harness.push(1_300, (i) => `k${i}`);
    await harness.start();
    await flush(20);
    let asked = 0;
    // The clock as the hundredth of them has left it.
    const endsAt = { get: () => (++asked < 100 ? Number.POSITIVE_INFINITY : harness.clock.monotonic()) };
    Object.defineProperty(harness.consumer, 'sessionEndsAt', endsAt);
    for (const { end } of handler.running) end.resolve(DONE);
    await flush();
    expect(handler.calls).toHaveLength(499);
    await handler.endAll();
    await harness.container.stop();
  });

  it('go on with nothing once the session is over, however many they are', async () => {
    const { handler, harness } = logged(400);
    harness.push(1_300, (i) => `k${i}`);
    await harness.start();
    await flush(20);
    Object.defineProperty(harness.consumer, 'sessionEndsAt', { value: harness.clock.monotonic() });
    for (const { end } of handler.running) end.resolve(DONE);
    await flush();
    expect(handler.calls).toHaveLength(400);
    await harness.container.stop();
  });

  it('do not count as finished when their partition is lost in that turn', async () => {
    const { log, handler, harness } = await twoEnded();
    await harness.consumer.lose();
    await flush();
    expect(log).not.toContain('finished 0');
    expect(harness.committed()).not.toBe(2);
    await handler.endAll();
    await harness.container.stop();
  });
});

describe('the budget of a partition', () => {
  it('grows with the workers, never shrinks, and is what the settings say where they do', () => {
    const budget = new PartitionBudget(containerSettings(), 10);
    expect(budget).toMatchObject({ records: 2_000, uncommitted: 10_000 });
    budget.workers = 5_000;
    expect(budget).toMatchObject({ records: 20_000, uncommitted: 40_000 });
    budget.workers = 10;
    expect(budget).toMatchObject({ records: 20_000, uncommitted: 40_000 });
    const given = new PartitionBudget(containerSettings({ budgetRecords: 7, budgetUncommitted: 9 }), 100);
    expect(given).toMatchObject({ records: 7, uncommitted: 9 });
  });

  it('holds enough for all workers of a pool, and for those that are added while it runs', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: { workers: 1_500, order: 'key' }, invoke: handler.invoke });
    harness.push(20_000, (i) => `k${i}`);
    await harness.start();
    await flush(20);
    expect(handler.running.size).toBe(1_500);
    expect(harness.consumer.position(TOPIC, 0)).toBe(6_000);
    harness.container.workers = 2_500;
    await handler.endAll();
    expect(harness.committed()).toBe(20_000);
    await harness.container.stop();
  });
});
