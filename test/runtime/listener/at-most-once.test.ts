import { describe, expect, it } from '@jest/globals';
import { deferred } from '../../../src/common/lifecycle.js';
import { defaultErrorHandler } from '../../../src/runtime/listener/failures/error-handler.js';
import { DONE, type Outcome } from '../../../src/runtime/listener/listener-endpoint.js';
import { FakeKafka } from '../../support/fake-consumer.js';
import { failed, GatedHandler, Harness, type HarnessOptions } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

const ONCE = { ackMode: 'AT_MOST_ONCE' } as const;

/** A container that commits first, and what its handler saw. */
function once({ endpoint, ...options }: HarnessOptions = {}, answer: (offset: number) => Outcome = () => DONE) {
  const seen: number[] = [];
  const harness = new Harness({
    endpoint: { ...ONCE, ...endpoint },
    invoke: ({ offset }) => {
      seen.push(offset);
      return answer(offset);
    },
    ...options,
  });
  return { seen, harness };
}

describe.each<[string, HarnessOptions]>([
  ['without a pool', {}],
  ['in a pool', { endpoint: { workers: 4, order: 'key', gapMap: true } }],
])('AT_MOST_ONCE %s', (_, model) => {
  it('calls no handler before the commit of its record is acknowledged', async () => {
    const { seen, harness } = once(model);
    await harness.start();
    const commit = deferred();
    harness.consumer.onCommit = () => commit.promise;
    harness.push(3);
    await flush(10);
    expect([seen, harness.committed()]).toEqual([[], 0]);
    commit.resolve();
    await flush(10);
    expect([seen, harness.committed()]).toEqual([[0, 1, 2], 3]);
    await harness.container.stop();
  });

  it('handles nothing while commits fail, and goes on when they succeed', async () => {
    const { seen, harness } = once(model);
    await harness.start();
    harness.consumer.onCommit = () => {
      throw new Error('away');
    };
    harness.push(3);
    await flush(10);
    await harness.clock.advance(3_000);
    expect(seen).toEqual([]);
    harness.consumer.onCommit = () => undefined;
    await harness.clock.advance(1_000);
    await flush(10);
    expect(seen).toEqual([0, 1, 2]);
    await harness.container.stop();
  });

  it('delivers no record twice when the process dies: what it had not handled is lost', async () => {
    const kafka = new FakeKafka();
    const handler = new GatedHandler();
    const first = await new Harness({
      endpoint: { ...ONCE, ...model.endpoint },
      invoke: handler.invoke,
      kafka,
    }).start();
    first.push(5);
    await flush(10);
    expect(first.committed()).toBe(5);
    await handler.end(0);
    kafka.consumers.clear();
    const second = once({ ...model, kafka });
    await second.harness.start();
    second.harness.push(1);
    await flush(10);
    expect(second.seen).toEqual([5]);
    await second.harness.container.stop();
  });

  it('does not deliver again what failed, however it is retried elsewhere', async () => {
    const settings = { errorHandler: defaultErrorHandler({ retries: 9 }) };
    const { seen, harness } = once({ ...model, settings }, (offset) => (offset === 1 ? failed() : DONE));
    harness.push(3);
    await harness.start();
    await flush(10);
    await harness.clock.advance(60_000);
    expect(seen).toEqual([0, 1, 2]);
    const { counters } = harness.container.describe().consumers[0]!;
    expect(counters).toMatchObject({ invoked: 3, failed: 1, skipped: 1, finished: 3 });
    expect(harness.log.join('\n')).toContain('ackMode AT_MOST_ONCE');
    await harness.container.stop();
  });

  it('hands what failed on, once, and loses it aloud when that fails', async () => {
    const given: number[] = [];
    const recoverer = ({ record }: { readonly record: { readonly offset: number } }) => {
      given.push(record.offset);
      if (record.offset === 2) throw new Error('no dead letters today');
    };
    const settings = { errorHandler: defaultErrorHandler({ retries: 9, recoverer }) };
    const { seen, harness } = once({ ...model, settings }, (offset) => (offset > 0 ? failed() : DONE));
    harness.push(4);
    await harness.start();
    await flush(20);
    await harness.clock.advance(60_000);
    expect([seen, given]).toEqual([
      [0, 1, 2, 3],
      [1, 2, 3],
    ]);
    expect(harness.log.filter((line) => line.includes('offset 2 failed, and could not be handed on'))).toHaveLength(1);
    await harness.container.stop();
  });

  it('handles at a stop what is committed, as far as there is time, and tells what is lost', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({
      endpoint: { ...ONCE, ...model.endpoint, workers: model.endpoint?.workers && 1 },
      invoke: handler.invoke,
      settings: { shutdownTimeoutMs: 5_000 },
    });
    harness.push(4);
    await harness.start();
    await flush(10);
    const stopped = harness.container.stop();
    await flush(10);
    await handler.end(0);
    await flush(10);
    await handler.end(1);
    await flush(10);
    expect(handler.started).toEqual([0, 1, 2]);
    await harness.clock.advance(10_000);
    await handler.endAll();
    await stopped;
    expect(handler.started).toEqual([0, 1, 2]);
    expect(
      harness.log.filter((line) => line.includes('1 record(s) of orders-0 were committed and are never handled')),
    ).toHaveLength(1);
    expect(harness.committed()).toBe(4);
  });

  it('handles what is committed before its partition goes', async () => {
    const { seen, harness } = once(model);
    await harness.start();
    harness.push(3);
    await flush(2);
    await harness.consumer.rebalance([]);
    expect(seen).toHaveLength(harness.committed()!);
    await harness.container.stop();
  });
});

describe('AT_MOST_ONCE', () => {
  it('is refused where nothing is committed', () => {
    expect(() => once({ endpoint: { groupId: '', assignment: 'all' } })).toThrow('give a groupId');
  });

  it('passes the record of a batch over that failed; those behind it were not handled and are', async () => {
    const batches: string[] = [];
    const harness = new Harness({
      endpoint: ONCE,
      batch: (records) => {
        batches.push(`${records[0]!.offset}-${records.at(-1)!.offset}`);
        return records[0]!.offset === 0 ? { status: 'failed-at', index: 1, error: new Error('x') } : DONE;
      },
    });
    harness.push(5);
    await harness.start();
    await flush(10);
    expect(batches).toEqual(['0-4', '2-4']);
    expect(harness.committed()).toBe(5);
    await harness.container.stop();
  });
});
