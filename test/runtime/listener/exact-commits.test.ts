import { describe, expect, it } from '@jest/globals';
import { deferred } from '../../../src/common/lifecycle.js';
import { type CommitOptions, type CommitTarget } from '../../../src/runtime/listener/listener-consumer.js';
import { DONE, type ListenerEndpoint } from '../../../src/runtime/listener/listener-endpoint.js';
import { failed, GatedHandler, Harness, TOPIC } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

// Commits that user code names by partition and offset.

const at = (offset: number, partition = 0): CommitTarget => ({ topic: TOPIC, partition, offset });
const ZERO = { topic: TOPIC, partition: 0 };
/** Commits nothing by itself while a test looks. */
const LATER: Partial<ListenerEndpoint> = { ackMode: 'TIME', ackTimeMs: 600_000 };

/** All of `count` records run, none has ended. */
async function running(count: number, endpoint: Partial<ListenerEndpoint> = {}, partitions = 1) {
  const handler = new GatedHandler();
  const pool = { workers: 16, order: 'none' as const };
  const harness = new Harness({ partitions, endpoint: { ...pool, ...LATER, ...endpoint }, invoke: handler.invoke });
  for (let partition = 0; partition < partitions; partition++) harness.push(count, () => null, partition);
  await harness.start();
  const commit = (offset: number, which?: CommitTarget, options?: CommitOptions) =>
    handler.call(offset).context.consumer!.commit(which, options);
  const metadata = () => harness.kafka.committed.get(TOPIC, 0)!.metadata;
  return { handler, harness, commit, metadata };
}

describe('a commit of some partitions', () => {
  it('tells what it committed, leaves the others alone and never passes unfinished work', async () => {
    const { handler, harness } = await running(3, {}, 2);
    for (const partition of [0, 1]) {
      await handler.end(0, DONE, partition);
      await handler.end(2, DONE, partition);
    }
    expect(await harness.container.commit(ZERO)).toEqual([{ ...at(1), metadata: '' }]);
    expect([harness.committed(0), harness.committed(1)]).toEqual([1, 0]);
    expect(await harness.container.commit(ZERO)).toEqual([]);
    expect(await harness.container.commit()).toEqual([{ ...at(1, 1), metadata: '' }]);
    await handler.endAll();
    await harness.container.stop();
    expect([harness.committed(0), harness.committed(1)]).toEqual([3, 3]);
  });
});

describe('a commit of an offset', () => {
  it('may cover what the handler was called with, before it has returned', async () => {
    const { handler, harness, commit } = await running(2, { workers: undefined });
    expect(await commit(0, at(1))).toEqual([{ ...at(1), metadata: '' }]);
    expect(harness.committed()).toBe(1);
    expect(harness.ofType('committed').at(-1)).toMatchObject({ offsets: [at(1)] });
    await handler.end(0);
    expect(harness.partition()).toMatchObject({ committable: 1 });
    expect(harness.container.describe().consumers[0]!.counters.finished).toBe(1);
    // It stays committed when the handler fails, and runs again all the same.
    await commit(1, at(2));
    await handler.end(1, failed());
    await harness.clock.advance(1_000);
    expect(handler.started).toEqual([0, 1, 1]);
    await handler.endAll();
    await harness.container.stop();
    expect(harness.committed()).toBe(2);
    expect(harness.container.describe().consumers[0]!.counters.finished).toBe(2);
  });

  it('covers a batch as far as it says', async () => {
    const seen: number[][] = [];
    const harness = new Harness({
      endpoint: LATER,
      batch: async (records, { consumer }) => {
        seen.push(records.map(({ offset }) => offset));
        if (seen.length > 1) return DONE;
        await consumer!.commit(at(records[2]!.offset + 1));
        return failed();
      },
    });
    harness.push(5);
    await harness.start();
    expect(harness.committed()).toBe(3);
    await harness.clock.advance(1_000);
    expect(seen).toHaveLength(2);
    await harness.container.stop();
    expect(harness.committed()).toBe(5);
  });

  it('is refused where others would be lost, and is taken where that is said', async () => {
    const { handler, harness, commit, metadata } = await running(6, { gapMap: true });
    await handler.end(1);
    await handler.end(5);
    await expect(commit(3, at(4))).rejects.toMatchObject({
      code: 'KAFKA_COMMIT_FAILED',
      message: expect.stringContaining(
        'orders-0 is not committed at 4: 2 record(s) below it are not finished, 0 first',
      ),
    });
    await expect(harness.container.commit(at(1))).rejects.toThrow('1 record(s) below it are not finished, 0 first');
    await expect(harness.container.commit(at(7))).rejects.toThrow('records from 6 on have not been received');
    expect(harness.committed()).toBe(0);
    expect(harness.log.filter((line) => line.includes('is not committed at'))).toHaveLength(3);
    expect(await commit(3, at(4), { unfinished: 'finish' })).toMatchObject([at(4)]);
    expect(harness.committed()).toBe(4);
    // What is finished behind it is still known to the next owner.
    expect(metadata()).toMatch(/^nestdaw-gaps:/);
    expect(harness.partition()).toMatchObject({ committable: 4, finishedAbove: 1 });
    // Those that were passed run here all the same.
    expect(handler.runningOffsets).toEqual([0, 2, 3, 4]);
    await handler.endAll();
    await harness.container.stop();
    expect(harness.committed()).toBe(6);
  });

  it('may go back, and stands until more is finished', async () => {
    const { handler, harness, metadata } = await running(5, { gapMap: true });
    for (const offset of [0, 1, 3]) await handler.end(offset);
    await harness.container.commit();
    expect([harness.committed(), metadata()]).toEqual([2, expect.stringMatching(/^nestdaw-gaps:/)]);
    // All behind it shall be read again, what is finished too.
    await harness.container.commit(at(1));
    expect(harness.kafka.committed.get(TOPIC, 0)).toEqual({ offset: 1, metadata: '' });
    await harness.container.commit({ ...at(1), metadata: 'once more' });
    await harness.clock.advance(1_200_000);
    expect(harness.kafka.committed.get(TOPIC, 0)).toEqual({ offset: 1, metadata: 'once more' });
    expect(harness.container.consumers[0]!.committed(ZERO)).toBe(1);
    await handler.endAll();
    await harness.container.stop();
    expect(harness.committed()).toBe(5);
  });

  it('goes in the order of the calls, one request at a time', async () => {
    const { handler, harness, commit } = await running(3);
    const gate = deferred();
    harness.consumer.onCommit = () => gate.promise;
    const first = commit(0, at(1));
    await flush();
    harness.consumer.onCommit = () => undefined;
    const others = [commit(1, at(2)), commit(2, at(3)), harness.container.commit(), harness.container.commit(at(1))];
    await flush();
    expect(harness.committed()).toBe(0);
    gate.resolve();
    expect(await Promise.all([first, ...others])).toMatchObject([[at(1)], [at(2)], [at(3)], [], [at(1)]]);
    expect(harness.consumer.commits.map(([one]) => one!.offset)).toEqual([0, 1, 2, 3, 1]);
    await handler.endAll();
    await harness.container.stop();
  });

  it('that fails says so once, and changes nothing; nobody has to wait for it', async () => {
    const { handler, harness, commit } = await running(1);
    harness.consumer.onCommit = () => Promise.reject(new Error('fenced'));
    void commit(0, at(1));
    await expect(commit(0, at(1))).rejects.toThrow('fenced');
    expect(harness.partition()).toMatchObject({ committable: 0 });
    expect(harness.ofType('commit-failed')).toHaveLength(2);
    expect(harness.log.at(-1)).toContain('It was asked for by name and is not tried again');
    harness.consumer.onCommit = () => undefined;
    await harness.clock.advance(10_000);
    expect(harness.committed()).toBe(0);
    await handler.endAll();
    await harness.container.stop();
    expect(harness.committed()).toBe(1);
  });

  it('is refused where it can be none', async () => {
    const leaving: unknown[] = [];
    const { handler, harness, commit } = await running(1, {
      rebalanceListeners: [
        {
          onPartitionsRevokedBeforeCommit: async (_, consumer) => leaving.push(await consumer.commit(at(1))),
          onPartitionsRevokedAfterCommit: async (_, consumer) => {
            leaving.push(await consumer.commit(), await consumer.commit(at(1)).catch(({ code }) => code));
          },
        },
      ],
    });
    const record = handler.call(0).record;
    await expect(commit(0, record)).rejects.toThrow(
      'commit: orders-0@0 is a record: give { topic, partition, offset: record.offset + 1 }, the next offset to be read',
    );
    await expect(commit(0, at(-1))).rejects.toThrow('orders-0 at -1: an offset is a whole number from 0');
    await expect(commit(0, { ...ZERO, metadata: 'x' })).rejects.toThrow('metadata goes with an offset');
    await expect(harness.container.commit([at(1), at(0)])).rejects.toThrow('orders-0 is named twice');
    await expect(commit(0, at(1), { unfinished: 'skip' as never })).rejects.toThrow("give 'refuse' or 'finish'");
    await expect(harness.container.commit(at(1, 7))).rejects.toThrow('does not have orders-7');
    await expect(commit(0, at(1, 7))).rejects.toMatchObject({ code: 'KAFKA_REBALANCED' });
    const { consumer } = handler.call(0).context;
    await handler.endAll();
    await harness.consumer.rebalance([]);
    expect(leaving).toEqual([[{ ...at(1), metadata: '' }], [], 'KAFKA_REBALANCED']);
    await expect(consumer!.commit(at(1))).rejects.toMatchObject({ code: 'KAFKA_REBALANCED' });
    expect(await consumer!.commit()).toEqual([]);
    await harness.container.stop();
    const alone = await running(1, { groupId: '', topics: [], assignment: [ZERO] });
    await expect(alone.commit(0, at(1))).rejects.toThrow('the listener has no group to commit for');
    expect(await alone.commit(0, ZERO)).toEqual([]);
    await alone.handler.endAll();
    await alone.harness.container.stop();
  });
});
