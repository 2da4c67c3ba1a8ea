import { getMaxListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { type ConsumerRunner } from '../../../src/runtime/listener/consumer-runner.js';
import { type HandlerExecutor } from '../../../src/runtime/listener/handler-executor.js';
import { type ListenerConsumer } from '../../../src/runtime/listener/listener-consumer.js';
import { DONE } from '../../../src/runtime/listener/listener-endpoint.js';
import { GatedHandler, Harness } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

// Without a pool: the records of a consumer one after another, and one poll at most ahead of what is committed.

describe('a container without workers', () => {
  it('handles one record at a time, each partition in order', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ partitions: 2, invoke: handler.invoke });
    harness.push(3, undefined, 0);
    harness.push(2, undefined, 1);
    await harness.start();
    const order: string[] = [];
    while (handler.running.size > 0) {
      expect(handler.running.size).toBe(1);
      const { record } = [...handler.running][0]!;
      order.push(`${record.partition}:${record.offset}`);
      await handler.end(record.offset, DONE, record.partition);
    }
    expect(order.filter((name) => name.startsWith('0'))).toEqual(['0:0', '0:1', '0:2']);
    expect(order.filter((name) => name.startsWith('1'))).toEqual(['1:0', '1:1']);
    await harness.container.stop();
  });

  it('handles one poll while the commit of the poll before is under way, and no more', async () => {
    const ran: number[] = [];
    const harness = new Harness({
      settings: { pollMaxRecords: 10 },
      invoke: ({ offset }) => {
        ran.push(offset);
        return DONE;
      },
    });
    await harness.start();
    const answers: Array<() => void> = [];
    harness.consumer.onCommit = () => new Promise((resolve) => answers.push(resolve));
    harness.push(50);
    await flush(10);
    expect([ran.length, answers.length]).toEqual([20, 1]);
    answers.shift()!();
    await flush(10);
    expect([ran.length, answers.length]).toEqual([30, 1]);
    harness.consumer.onCommit = () => undefined;
    answers.shift()!();
    await flush(10);
    expect([ran.length, harness.committed()]).toEqual([50, 50]);
    await harness.container.stop();
  });

  it('commits what a poll brought when all of it is handled', async () => {
    const seen: string[] = [];
    const harness = new Harness({
      settings: { pollMaxRecords: 10 },
      invoke: (record) => {
        seen.push(`run ${record.offset}`);
        return DONE;
      },
    });
    harness.push(30);
    harness.container.onEvent((event) => {
      if (event.type === 'committed') seen.push(`commit ${event.offsets[0]!.offset}`);
    });
    await harness.start();
    await flush(10);
    const expected = ['commit 0'];
    for (let i = 0; i < 30; i++) {
      expected.push(`run ${i}`);
      if (i % 10 === 9) expected.push(`commit ${i + 1}`);
    }
    expect(seen).toEqual(expected);
    expect(harness.container.describe().consumers[0]!.counters).toMatchObject({ received: 30, finished: 30 });
    await harness.container.stop();
  });

  it('commits each record before the next one starts under RECORD', async () => {
    const seen: string[] = [];
    const harness = new Harness({
      endpoint: { ackMode: 'RECORD' },
      invoke: (record) => {
        seen.push(`run ${record.offset}`);
        return DONE;
      },
    });
    harness.push(3);
    harness.container.onEvent((event) => {
      if (event.type === 'committed') seen.push(`commit ${event.offsets[0]!.offset}`);
    });
    await harness.start();
    await flush(10);
    expect(seen).toEqual(['commit 0', 'run 0', 'commit 1', 'run 1', 'commit 2', 'run 2', 'commit 3']);
    await harness.container.stop();
  });

  it('lets other partitions go on while one waits for a retry', async () => {
    const ran: string[] = [];
    const harness = new Harness({
      partitions: 2,
      settings: { errorHandler: () => ({ action: 'retry', delayMs: 1_000 }) },
      invoke: ({ partition, offset }, { attempt }) => {
        ran.push(`${partition}:${offset}#${attempt}`);
        return partition === 0 && attempt === 1 && offset === 0
          ? { status: 'failed', error: new Error('not yet') }
          : DONE;
      },
    });
    harness.push(2, undefined, 0);
    harness.push(2, undefined, 1);
    await harness.start();
    harness.push(1, undefined, 1);
    await flush(10);
    expect(ran).toEqual(['0:0#1', '1:0#1', '1:1#1', '1:2#1']);
    expect(harness.committed(1)).toBe(3);
    await harness.clock.advance(1_000);
    expect(ran.slice(4)).toEqual(['0:0#2', '0:1#1']);
    expect(harness.committed(0)).toBe(2);
    await harness.container.stop();
  });

  it('opens as many consumers as `concurrency` says', async () => {
    const harness = new Harness({ endpoint: { concurrency: 3 } });
    await harness.start();
    expect(harness.consumers).toHaveLength(3);
    expect(harness.container.describe().consumers.map(({ index }) => index)).toEqual([0, 1, 2]);
    await harness.container.stop();
    expect(harness.consumers.every(({ isStopped }) => isStopped)).toBe(true);
  });
});

describe('a container with many consumers', () => {
  it('lets all of them listen to the deadline of its stop, without a warning of Node about a leak', async () => {
    const limits: number[] = [];
    const ended = () => Promise.resolve();
    const executor: HandlerExecutor = {
      prepare: ended,
      start: ended,
      stop: ended,
      describe: () => [],
      createRunner: () =>
        ({
          control: { assignment: () => [] } as Partial<ListenerConsumer> as ListenerConsumer,
          start: ended,
          stop(deadline: AbortSignal) {
            limits.push(getMaxListeners(deadline));
            return Promise.resolve();
          },
        }) as Partial<ConsumerRunner> as ConsumerRunner,
    };
    const harness = new Harness({ endpoint: { concurrency: 12, executor } });
    await harness.start();
    await harness.container.stop();
    expect(limits).toEqual(Array.from({ length: 12 }, () => Number.POSITIVE_INFINITY));
  });
});
