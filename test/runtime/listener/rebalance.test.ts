import { describe, expect, it } from '@jest/globals';
import { NestdawError } from '../../../src/common/errors.js';
import { deferred } from '../../../src/common/lifecycle.js';
import { type BatchInvoker, type BatchOutcome, DONE } from '../../../src/runtime/listener/listener-endpoint.js';
import { failed, GatedHandler, Harness, TOPIC } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

const p = (...partitions: number[]) => partitions.map((partition) => ({ topic: TOPIC, partition }));
const pool = { workers: 4, order: 'key' as const, gapMap: true };

/** Keeps what polls give on its way until resolved. The poll that is under way is answered with one record more. */
async function holdPolls(harness: Harness) {
  const { consumer } = harness;
  const gate = deferred();
  const original = consumer.poll.bind(consumer);
  consumer.poll = async (options) => {
    const records = await original(options);
    await gate.promise;
    return records;
  };
  harness.push(1, () => 'b');
  await flush();
  return gate;
}

describe('a rebalance', () => {
  it('commits the start position of a partition at its first assignment', async () => {
    const harness = await new Harness({ partitions: 2 }).start();
    expect(harness.consumer.commits).toEqual([
      [
        { topic: TOPIC, partition: 0, offset: 0, metadata: '' },
        { topic: TOPIC, partition: 1, offset: 0, metadata: '' },
      ],
    ]);
    await harness.container.stop();
  });

  it('starts nothing new, waits for what runs, commits it, and goes on with kept partitions', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ partitions: 2, endpoint: { ...pool, workers: 2 }, invoke: handler.invoke });
    harness.push(3, () => 'a', 0);
    harness.push(3, () => 'b', 1);
    await harness.start();
    const revoked = harness.consumer.revoke(new AbortController().signal);
    await handler.end(0, undefined, 0);
    expect(handler.runningOffsets).toEqual([0]);
    await harness.clock.advance(250);
    await handler.end(0, undefined, 1);
    await revoked;
    expect(handler.running.size).toBe(0);
    expect([harness.committed(0), harness.committed(1)]).toEqual([1, 1]);
    expect(harness.ofType('drained')).toEqual([{ type: 'drained', consumer: 0, ms: 250, unfinished: 0 }]);

    await harness.consumer.assign(p(0));
    await flush();
    // Partition 0 goes on from memory, partition 1 is another member's.
    expect(handler.started).toEqual([0, 0, 1]);
    await handler.endAll();
    expect(handler.calls.every(({ record }) => record.partition === 0 || record.offset === 0)).toBe(true);
    expect(harness.committed(0)).toBe(3);
    await harness.container.stop();
    expect(harness.committed(1)).toBe(1);
  });

  it('does not lose records that were polled before a rebalance and arrive after it', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: pool, invoke: handler.invoke });
    await harness.start();
    const poll = await holdPolls(harness);
    await handler.endAll();
    harness.push(3, () => 'a');
    await flush();
    await harness.consumer.rebalance(p(0));
    poll.resolve();
    await flush();
    await handler.endAll();
    expect(handler.started).toEqual([0, 1, 2, 3]);
    expect(harness.committed()).toBe(4);
    await harness.container.stop();
  });

  it('ignores records that were polled under an assignment that was lost: they come again, and those before them', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: pool, invoke: handler.invoke });
    harness.push(3, () => 'a');
    await harness.start();
    const poll = await holdPolls(harness);
    harness.push(1, () => 'b');
    await flush();
    await harness.consumer.lose();
    await handler.endAll();
    await harness.consumer.assign(p(0));
    poll.resolve();
    await flush();
    await handler.endAll();
    expect(handler.started.slice(2).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
    expect(harness.committed()).toBe(5);
    await harness.container.stop();
  });

  it('fires signals at the deadline, not before, and commits nothing of what still runs', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: pool, invoke: handler.invoke });
    harness.push(2, (i) => `k${i}`);
    await harness.start();
    const { signal } = handler.call(0).context;
    await handler.end(1);
    const deadline = new AbortController();
    const revoked = harness.consumer.revoke(deadline.signal);
    await flush();
    expect(signal.aborted).toBe(false);
    deadline.abort();
    await revoked;
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ code: 'KAFKA_REBALANCED' });
    expect(harness.kafka.committed.get(TOPIC, 0)).toMatchObject({ offset: 0 });
    expect(harness.ofType('drained')[0]).toMatchObject({ unfinished: 1 });
    await harness.consumer.assign([]);
    await handler.end(0);
    expect(harness.container.describe().consumers[0]!.counters.stale).toBe(1);
    expect(harness.kafka.committed.get(TOPIC, 0)!.offset).toBe(0);
    await harness.container.stop();
  });

  it('does not count an interruption as a failure of the record', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: pool, invoke: handler.invoke });
    harness.push(1, () => 'a');
    await harness.start();
    const deadline = new AbortController();
    const revoked = harness.consumer.revoke(deadline.signal);
    deadline.abort();
    await revoked;
    await handler.end(0, failed('aborted'));
    await harness.consumer.assign(p(0));
    await flush();
    expect(handler.call(0).context).toMatchObject({ attempt: 1 });
    expect(handler.call(0).context.signal.aborted).toBe(false);
    expect(harness.ofType('failed')).toEqual([]);
    await handler.endAll();
    expect(harness.committed()).toBe(1);
    await harness.container.stop();
  });

  it('nor one of a batch that names a record which it does not have', async () => {
    const end = deferred<BatchOutcome>();
    const attempts: number[] = [];
    const batch: BatchInvoker = (_, { attempt }) => {
      attempts.push(attempt);
      return attempts.length === 1 ? end.promise : DONE;
    };
    const harness = new Harness({ batch });
    harness.push(2);
    await harness.start();
    const deadline = new AbortController();
    const revoked = harness.consumer.revoke(deadline.signal);
    deadline.abort();
    await revoked;
    end.resolve({ status: 'failed-at', index: 7, error: new Error('told to end') });
    await harness.consumer.assign(p(0));
    await flush();
    expect(attempts).toEqual([1, 1]);
    expect(harness.ofType('failed')).toEqual([]);
    await harness.container.stop();
  });

  it('commits after the rebalance what finished between revocation and assignment', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: pool, invoke: handler.invoke });
    harness.push(1, () => 'a');
    await harness.start();
    const deadline = new AbortController();
    deadline.abort();
    await harness.consumer.revoke(deadline.signal);
    await handler.end(0);
    expect(harness.committed()).toBe(0);
    await harness.consumer.assign(p(0));
    await flush();
    expect(harness.committed()).toBe(1);
    await harness.container.stop();
  });

  it('never runs a key twice at once when a partition comes back while its old handler still runs', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: pool, invoke: handler.invoke });
    harness.push(2, () => 'a');
    await harness.start();
    const deadline = new AbortController();
    deadline.abort();
    await harness.consumer.rebalance([], deadline.signal);
    await harness.consumer.rebalance(p(0));
    await flush();
    expect(handler.runningOffsets).toEqual([0]);
    expect(harness.partition().holds).toEqual(['predecessor']);
    await handler.end(0);
    expect(handler.started).toEqual([0, 0]);
    await handler.endAll();
    expect(harness.committed()).toBe(2);
    await harness.container.stop();
  });

  describe('whose callback cannot read yet what it has to know', () => {
    const failing = (failures: number, retriable: boolean, isPatient?: boolean) => {
      const listener = {
        calls: 0,
        ...(isPatient === undefined ? {} : { isPatient }),
        onPartitionsAssigned() {
          if (++listener.calls <= failures) throw new NestdawError('KAFKA_REQUEST_TIMEOUT', 'no answer', { retriable });
        },
      };
      return listener;
    };

    it('calls it again until it can, if it is patient, and handles nothing before', async () => {
      const ran: number[] = [];
      const listener = failing(3, true, true);
      const harness = new Harness({
        endpoint: { ...pool, rebalanceListeners: [listener] },
        invoke: ({ offset }) => {
          ran.push(offset);
          return DONE;
        },
      });
      harness.push(2, () => 'a');
      void harness.start();
      await harness.clock.advance(2_999);
      expect([ran, listener.calls]).toEqual([[], 3]);
      await harness.clock.advance(1);
      await flush(10);
      expect([ran, listener.calls]).toEqual([[0, 1], 4]);
      expect(harness.log.filter((line) => line.includes('no answer'))).toHaveLength(1);
      await harness.container.stop();
    });

    it.each([
      [false, true],
      [true, false],
    ])('fails the container otherwise (passes: %s, patient: %s)', async (retriable, isPatient) => {
      const harness = new Harness({ endpoint: { ...pool, rebalanceListeners: [failing(1, retriable, isPatient)] } });
      await expect(harness.start()).rejects.toThrow('no answer');
    });

    it('can be stopped meanwhile', async () => {
      const harness = new Harness({ endpoint: { ...pool, rebalanceListeners: [failing(1_000, true, true)] } });
      harness.push(1);
      const started = harness.start().catch(() => undefined);
      await harness.clock.advance(5_000);
      const stopped = harness.container.stop();
      await harness.clock.advance(1_000);
      await Promise.all([stopped, started]);
      expect(harness.container.state).toBe('stopped');
      expect(harness.committed() ?? 0).toBe(0);
    });
  });

  it('commits nothing after membership was lost, and ignores what ends later', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: pool, invoke: handler.invoke });
    harness.push(2, (i) => `k${i}`);
    await harness.start();
    const { signal } = handler.call(0).context;
    await harness.consumer.lose();
    expect(signal.aborted).toBe(true);
    await handler.endAll();
    await flush();
    expect(harness.consumer.commits).toHaveLength(1); // the start position
    expect(harness.container.describe().consumers[0]!.counters.stale).toBe(2);
    expect(harness.ofType('lost')).toHaveLength(1);
    await harness.consumer.assign(p(0));
    await flush();
    await handler.endAll();
    expect(harness.committed()).toBe(2);
    await harness.container.stop();
  });

  it('tells of metadata that somebody else committed, and replaces it with the next commit', async () => {
    const harness = new Harness({ endpoint: pool });
    harness.push(3);
    harness.kafka.committed.set(TOPIC, 0, { offset: 1, metadata: 'NO_METADATA' });
    await harness.start();
    expect(harness.log.some((line) => line.includes('not a gap map'))).toBe(true);
    expect(harness.kafka.committed.get(TOPIC, 0)).toEqual({ offset: 3, metadata: '' });
    await harness.container.stop();
  });

  it('keeps what a partition waits for where it stays, and forgets it, but for the user’s wish, where it goes', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({
      partitions: 3,
      endpoint: { ...pool, order: 'partition' },
      settings: { budgetRecords: 2, errorHandler: () => ({ action: 'pause-partition' }) },
      invoke: handler.invoke,
    });
    const waits = () => p(0, 1, 2).map(({ partition }) => harness.consumer.pausesOf(TOPIC, partition));
    await harness.start();
    harness.container.pausePartitions(p(0));
    for (const partition of [0, 1, 2]) harness.push(2, () => 'a', partition);
    await flush();
    await handler.end(0, failed(), 1);
    // The failed record alone; of the third as many as its budget holds, the first of them running.
    expect(waits()).toEqual([['partition'], ['backpressure', 'error'], ['backpressure']]);
    const held = () => [0, 1, 2].map((partition) => harness.partition(partition).holds);
    expect(held()).toEqual([['user'], ['error'], []]);
    const deadline = new AbortController();
    deadline.abort();
    await harness.consumer.rebalance(p(0, 1, 2), deadline.signal);
    await flush();
    expect(waits()).toEqual([['partition'], ['backpressure', 'error'], ['backpressure']]);
    expect(held()).toEqual([['user'], ['error'], []]);
    expect(handler.started).toEqual([0, 0]);
    await handler.endAll();
    await harness.consumer.rebalance([]);
    await harness.consumer.rebalance(p(0, 1, 2));
    await flush();
    // What had failed runs again, what the user paused does not.
    expect(waits()).toEqual([['partition'], ['backpressure'], []]);
    expect(handler.running.size).toBe(1);
    expect(handler.call(0, 1).context.attempt).toBe(1);
    await handler.endAll();
    harness.container.resumePartitions(p(0));
    await flush();
    await handler.endAll();
    expect([0, 1, 2].map((partition) => harness.committed(partition))).toEqual([2, 2, 2]);
    await harness.container.stop();
  });

  it('leaves no pause of ours on a partition that comes back, and keeps the user’s', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: pool, settings: { budgetRecords: 2 }, invoke: handler.invoke });
    harness.push(5, () => 'a');
    await harness.start();
    expect(harness.consumer.pausesOf(TOPIC, 0)).toEqual(['backpressure']);
    harness.container.pause();
    const deadline = new AbortController();
    deadline.abort();
    await harness.consumer.rebalance([], deadline.signal);
    await harness.consumer.rebalance(p(0));
    expect(harness.consumer.pausesOf(TOPIC, 0)).toEqual(['user']);
    await handler.endAll();
    expect(handler.started).toEqual([0]);
    harness.container.resume();
    await flush();
    await handler.endAll();
    expect(harness.committed()).toBe(5);
    await harness.container.stop();
  });
});
