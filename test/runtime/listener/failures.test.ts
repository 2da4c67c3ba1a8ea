import { describe, expect, it } from '@jest/globals';
import { type Backoff, exponentialBackoff, fixedBackoff } from '../../../src/common/backoff.js';
import { NestdawError } from '../../../src/common/errors.js';
import { systemRandom } from '../../../src/common/random.js';
import {
  defaultErrorHandler,
  isFatalFailure,
  stoppingErrorHandler,
} from '../../../src/runtime/listener/failures/error-handler.js';
import { DONE, type Outcome } from '../../../src/runtime/listener/listener-endpoint.js';
import { failed, GatedHandler, Harness, TOPIC } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

/** Fails the record at `offset` of partition 0 until `isCured`. */
function poisonedAt(offset: number, outcome: Outcome = failed()) {
  const handler = {
    isCured: false,
    ran: [] as string[],
    invoke: (record: { partition: number; offset: number }, { attempt }: { attempt: number }) => {
      handler.ran.push(`${record.partition}:${record.offset}#${attempt}`);
      return record.partition === 0 && record.offset === offset && !handler.isCured ? outcome : DONE;
    },
  };
  return handler;
}

/** These numbers, one after another. */
function drawn(...numbers: number[]) {
  return { ...systemRandom, next: () => numbers.shift()! };
}

describe('a failing record', () => {
  it('runs ten times in its place, then its partition is paused and others go on', async () => {
    const handler = poisonedAt(1);
    const harness = new Harness({ partitions: 3, invoke: handler.invoke });
    for (const partition of [0, 1, 2]) harness.push(3, undefined, partition);
    await harness.start();
    harness.push(2, undefined, 1);
    await flush(10);
    expect(handler.ran.filter((name) => name.startsWith('0:1'))).toHaveLength(10);
    expect(handler.ran).not.toContain('0:2#1');
    expect([harness.committed(0), harness.committed(1), harness.committed(2)]).toEqual([1, 5, 3]);
    expect(harness.consumer.pausesOf(TOPIC, 0)).toEqual(['error']);
    expect(harness.partition(0)).toMatchObject({ parked: 1, holds: ['error'], committable: 1 });
    expect(harness.ofType('paused')).toEqual([
      { type: 'paused', by: 'error', partitions: [{ topic: TOPIC, partition: 0 }] },
    ]);
    expect(harness.log.find((line) => line.startsWith('error'))).toContain('resume the container');

    handler.isCured = true;
    handler.ran.length = 0;
    harness.container.resume();
    await flush(10);
    expect(handler.ran).toEqual(['0:1#1', '0:2#1']);
    expect(harness.committed(0)).toBe(3);
    expect(harness.consumer.pausesOf(TOPIC, 0)).toEqual([]);
    await harness.container.stop();
  });

  it('is committed past only by a policy that the user named', async () => {
    const handler = poisonedAt(1);
    const harness = new Harness({
      settings: { errorHandler: defaultErrorHandler({ retries: 2, exhausted: 'skip' }) },
      invoke: handler.invoke,
    });
    harness.push(3);
    await harness.start();
    expect(handler.ran).toEqual(['0:0#1', '0:1#1', '0:1#2', '0:1#3', '0:2#1']);
    expect(harness.committed()).toBe(3);
    expect(harness.container.describe().consumers[0]!.counters).toMatchObject({ failed: 3, skipped: 1 });
    await harness.container.stop();
  });

  it('stops the container when the decision says so, committed up to it', async () => {
    const handler = poisonedAt(1);
    const harness = new Harness({
      settings: { errorHandler: stoppingErrorHandler() },
      invoke: handler.invoke,
    });
    harness.push(3);
    await harness.start();
    await flush(10);
    expect(harness.container.state).toBe('failed');
    expect(harness.container.failure).toMatchObject({ message: 'boom' });
    expect(harness.committed()).toBe(1);
    expect(harness.consumer.isStopped).toBe(true);

    handler.isCured = true;
    await harness.start();
    expect(harness.container.state).toBe('running');
    expect(harness.committed()).toBe(3);
    await harness.container.stop();
  });

  it.each<[backoff: string, Backoff, deliveries: number[]]>([
    ['fixed', fixedBackoff(100), [0, 100, 200, 300, 400]],
    ['doubled', exponentialBackoff({ initialMs: 100, maxMs: 500, jitter: 0 }), [0, 100, 300, 700, 1_200]],
    [
      'multiplied',
      exponentialBackoff({ initialMs: 10, maxMs: 9_999, multiplier: 3, jitter: 0 }),
      [0, 10, 40, 130, 400],
    ],
    [
      'jittered',
      exponentialBackoff({ initialMs: 100, maxMs: 300, jitter: 0.5, random: drawn(0, 0.5, 1, 0) }),
      [0, 50, 250, 550, 700],
    ],
  ])('is delivered again when the back-off says, to the ms: %s', async (_backoff, backoff, deliveries) => {
    const at: number[] = [];
    const harness: Harness = new Harness({
      settings: { errorHandler: defaultErrorHandler({ backoff, retries: 4 }) },
      invoke: () => {
        at.push(harness.clock.monotonic());
        return failed();
      },
    });
    harness.push(1);
    await harness.start();
    await harness.clock.advance(5_000);
    expect(at).toEqual(deliveries);
    expect(harness.partition().parked).toBe(1);
    await harness.container.stop();
  });

  it('that is retried for ever at once leaves the event loop its turns', async () => {
    let calls = 0;
    const harness = new Harness({
      settings: { errorHandler: () => ({ action: 'retry', delayMs: 0 }) },
      invoke: () => {
        calls++;
        return failed();
      },
    });
    harness.push(1);
    await harness.start();
    expect(calls).toBeGreaterThan(1_000);
    await harness.container.stop();
    expect(harness.committed()).toBe(0);
  });

  it('is not retried when the same bytes must fail again', async () => {
    const cause = new NestdawError('KAFKA_DESERIALIZATION_FAILED', 'not JSON');
    const handler = poisonedAt(0, { status: 'failed', error: new Error('wrapped', { cause }) });
    const harness = new Harness({ invoke: handler.invoke });
    harness.push(1);
    await harness.start();
    expect(handler.ran).toEqual(['0:0#1']);
    expect(harness.partition(0).parked).toBe(1);
    expect(isFatalFailure(new NestdawError('KAFKA_VALIDATION_FAILED', 'amount'))).toBe(true);
    expect(isFatalFailure(new Error('x'))).toBe(false);
    await harness.container.stop();
  });

  it('is a failure too when the invoker throws or rejects against its contract', async () => {
    const errors: unknown[] = [];
    const harness = new Harness({
      endpoint: { workers: 2, order: 'none' },
      settings: {
        errorHandler: ({ error }) => {
          errors.push((error as Error).message);
          return { action: 'skip', policy: 'test' };
        },
      },
      invoke: ({ offset }) => {
        if (offset === 0) throw new Error('thrown');
        return Promise.reject(new Error('rejected'));
      },
    });
    harness.push(2);
    await harness.start();
    expect(errors).toEqual(['thrown', 'rejected']);
    await harness.container.stop();
    expect(harness.committed()).toBe(2);
  });

  it('pauses its partition when the error handler itself throws', async () => {
    const harness = new Harness({
      settings: {
        errorHandler: () => {
          throw new Error('handler broke');
        },
      },
      invoke: () => failed(),
    });
    harness.push(1);
    await harness.start();
    expect(harness.partition(0).parked).toBe(1);
    expect(harness.log.some((line) => line.includes('handler broke'))).toBe(true);
    await harness.container.stop();
    expect(harness.committed()).toBe(0);
  });
});

describe('a handler near max.poll.interval.ms', () => {
  const settings = { maxPollIntervalMs: 1_000 };

  it('is named at 80 %, and its signal fires at the interval', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ settings, invoke: handler.invoke });
    harness.push(2);
    await harness.start();
    const { signal } = handler.call(0).context;
    await harness.clock.advance(799);
    expect(harness.log).toEqual([]);
    await harness.clock.advance(1);
    expect(harness.log[0]).toMatch(/^warn .*orders-0 offset 0.*800 ms/);
    expect(signal.aborted).toBe(false);
    await harness.clock.advance(200);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ code: 'KAFKA_HANDLER_TIMEOUT' });
    expect(harness.ofType('slow').map(({ ms, aborted }) => [ms, aborted])).toEqual([
      [800, false],
      [1_000, true],
    ]);

    // It counts as failed only now that it ends, and whatever it says.
    expect(handler.runningOffsets).toEqual([0]);
    expect(harness.ofType('failed')).toEqual([]);
    await handler.end(0);
    expect(harness.ofType('failed')).toHaveLength(1);
    expect(handler.call(0).context).toMatchObject({ attempt: 2 });
    expect(handler.call(0).context.signal.aborted).toBe(false);
    expect(harness.committed()).toBe(0);
    await handler.endAll();
    expect(harness.committed()).toBe(2);
    await harness.container.stop();
  });

  it('is only named when that is the policy', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ settings: { ...settings, slowHandler: 'warn' }, invoke: handler.invoke });
    harness.push(1);
    await harness.start();
    const { signal } = handler.call(0).context;
    await harness.clock.advance(5_000);
    expect(signal.aborted).toBe(false);
    expect(harness.ofType('slow')).toHaveLength(2);
    await handler.endAll();
    expect(harness.committed()).toBe(1);
    await harness.container.stop();
  });

  it('watches every handler, each from its own start', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ settings, endpoint: { workers: 4, order: 'none' }, invoke: handler.invoke });
    harness.push(1);
    await harness.start();
    await harness.clock.advance(500);
    harness.push(1);
    await flush();
    const [first, second] = [handler.call(0).context.signal, handler.call(1).context.signal];
    await harness.clock.advance(500);
    expect([first.aborted, second.aborted]).toEqual([true, false]);
    await harness.clock.advance(500);
    expect(second.aborted).toBe(true);
    await handler.endAll();
    await harness.container.stop();
  });
});
