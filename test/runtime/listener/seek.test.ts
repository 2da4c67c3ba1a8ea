import { describe, expect, it } from '@jest/globals';
import { deferred } from '../../../src/common/lifecycle.js';
import { DONE, type Outcome } from '../../../src/runtime/listener/listener-endpoint.js';
import { OwnerQueue } from '../../../src/runtime/listener/partitions/owner-queue.js';
import { failed, GatedHandler, Harness, TOPIC } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

const ZERO = { topic: TOPIC, partition: 0 };

/** A container whose handler notes offsets and answers at once. */
async function noting(options: ConstructorParameters<typeof Harness>[0] = {}) {
  const seen: number[] = [];
  const invoke = ({ offset }: { offset: number }): Outcome => {
    seen.push(offset);
    return DONE;
  };
  const harness = await new Harness({ invoke, ...options }).start();
  return { seen, harness };
}

describe('moving a position', () => {
  it('waits for the records that a poll has in hand: none is lost, whatever comes first', async () => {
    const { seen, harness } = await noting();
    harness.push(5);
    await flush();
    const { consumer, container } = harness;
    const poll = consumer.poll.bind(consumer);
    let moved: Promise<void> | undefined;
    consumer.poll = async (options) => {
      const polled = await poll(options);
      // At this moment they belong neither to the client nor to the container.
      if (polled.length > 0) moved ??= container.seek(0, ZERO);
      return polled;
    };
    harness.push(1);
    await flush();
    harness.push(3);
    await flush(20);
    await moved;
    expect(seen.filter((offset) => offset < 5)).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
    expect(seen.slice(-4)).toEqual([5, 6, 7, 8]);
    await harness.clock.advance(10_000);
    expect(harness.committed()).toBe(9);
  });

  it('moves past a record that failed for good, and lets its partition flow again', async () => {
    const seen: number[] = [];
    const harness = await new Harness({
      invoke: ({ offset }) => {
        seen.push(offset);
        return offset === 1 ? failed() : DONE;
      },
      settings: { errorHandler: () => ({ action: 'pause-partition' }) },
    }).start();
    harness.push(4);
    await flush();
    expect(harness.partition()).toMatchObject({ parked: 1, holds: ['error'] });
    await harness.container.seek(2, ZERO);
    await flush(10);
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(harness.partition()).toMatchObject({ parked: 0, holds: [], committable: 4 });
    expect(harness.consumer.pausesOf(TOPIC, 0)).toEqual([]);
  });

  it('forgets what waited for a retry', async () => {
    const seen: number[] = [];
    const harness = await new Harness({
      invoke: ({ offset }) => {
        seen.push(offset);
        return seen.length === 1 ? failed() : DONE;
      },
      settings: { errorHandler: () => ({ action: 'retry', delayMs: 1_000 }) },
    }).start();
    harness.push(3);
    await flush();
    await harness.container.seek(1, ZERO);
    await flush(10);
    await harness.clock.advance(5_000);
    expect(seen).toEqual([0, 1, 2]);
    expect(harness.committed()).toBe(3);
  });

  it('between revocation and assignment takes effect when the partition stays', async () => {
    const { seen, harness } = await noting();
    harness.push(3);
    await flush();
    const { consumer, container } = harness;
    await consumer.revoke(new AbortController().signal);
    const moved = container.seek(1, ZERO);
    await flush();
    expect(seen).toEqual([0, 1, 2]);
    await consumer.assign([ZERO]);
    await flush(10);
    await moved;
    expect(seen).toEqual([0, 1, 2, 1, 2]);
  });

  it('leaves everything as it was when the cluster does not answer', async () => {
    const { seen, harness } = await noting();
    harness.consumer.offsetsAt = () => Promise.reject(new Error('away'));
    await expect(harness.container.seek('beginning', ZERO)).rejects.toThrow('away');
    harness.push(1);
    await flush(10);
    expect(seen).toEqual([0]);
    expect(harness.partition().holds).toEqual([]);
  });

  it('starts nothing of the partition while the cluster is asked', async () => {
    const { seen, harness } = await noting();
    const gate = deferred();
    const ask = harness.consumer.offsetsAt.bind(harness.consumer);
    harness.consumer.offsetsAt = async (...args) => {
      await gate.promise;
      return ask(...args);
    };
    const moved = harness.container.seek('end', ZERO);
    harness.push(3);
    await flush(10);
    expect(seen).toEqual([]);
    gate.resolve();
    await moved;
    harness.push(1);
    await flush(10);
    expect(seen).toEqual([3]);
  });
});

describe('pausing one partition', () => {
  it('leaves the others alone, goes with the partition, and is lifted alone', async () => {
    const seen: string[] = [];
    const harness = await new Harness({
      partitions: 2,
      invoke: ({ partition, offset }) => {
        seen.push(`${partition}@${offset}`);
        return DONE;
      },
    }).start();
    harness.container.pausePartitions([ZERO]);
    harness.push(1, () => null, 0);
    harness.push(1, () => null, 1);
    await flush(10);
    expect(seen).toEqual(['1@0']);
    await harness.consumer.rebalance([]);
    await harness.consumer.assign([ZERO]);
    await flush(10);
    expect(seen).toEqual(['1@0']);
    expect(harness.consumer.pausesOf(TOPIC, 0)).toEqual(['partition']);
    // The container's own resume does not lift it.
    harness.container.pause();
    harness.container.resume();
    await flush(10);
    expect(seen).toEqual(['1@0']);
    // Nor does another position.
    await harness.container.seek(0, ZERO);
    await flush(10);
    expect(seen).toEqual(['1@0']);
    harness.container.resumePartitions([ZERO]);
    await flush(10);
    expect(seen).toEqual(['1@0', '0@0']);
    expect(harness.container.pausedPartitions).toEqual([]);
  });

  it('is told once, by whom ever and wherever it is asked for', async () => {
    const harness = await new Harness({ partitions: 1 }).start();
    const elsewhere = { topic: TOPIC, partition: 7 };
    const told = () => [...harness.ofType('paused'), ...harness.ofType('resumed')].map(({ partitions }) => partitions);
    harness.container.pausePartitions([ZERO]);
    harness.container.resumePartitions([ZERO]);
    expect(told()).toEqual([[ZERO], [ZERO]]);
    harness.container.pausePartitions([elsewhere]);
    harness.container.resumePartitions([elsewhere]);
    harness.events.length = 0;
    const [consumer] = harness.container.consumers;
    consumer!.pause();
    consumer!.resume(ZERO);
    expect(told()).toEqual([[ZERO], [ZERO]]);
    await harness.container.stop();
  });
});

describe('idle events', () => {
  it('tell how long nothing has come, again and again, and when something comes', async () => {
    const { harness } = await noting({ partitions: 2, settings: { idleEventMs: 1_000, idlePartitionEventMs: 3_000 } });
    harness.push(1);
    await flush(10);
    await harness.clock.advance(2_600);
    expect(harness.ofType('idle').map(({ ms }) => ms)).toEqual([1_000, 2_000]);
    expect(harness.ofType('idle')[0]).toMatchObject({
      consumer: 0,
      isPaused: false,
      partitions: [ZERO, { partition: 1 }],
    });
    await harness.clock.advance(1_000);
    expect(
      harness
        .ofType('partition-idle')
        .map(({ partition }) => partition.partition)
        .sort((a, b) => a - b),
    ).toEqual([0, 1]);
    harness.push(1);
    await flush(10);
    expect(harness.ofType('no-longer-idle').map(({ ms }) => ms)).toEqual([3_600]);
    expect(harness.ofType('partition-no-longer-idle')).toMatchObject([{ partition: ZERO, ms: 3_600 }]);
    // Paused is said of the partition that is.
    harness.container.pausePartitions([ZERO]);
    await harness.clock.advance(3_400);
    expect(harness.ofType('idle').at(-1)).toMatchObject({ isPaused: false });
    const idle = harness.ofType('partition-idle').slice(2);
    expect(idle.map(({ partition, isPaused }) => [partition.partition, isPaused])).toEqual([
      [1, false],
      [0, true],
    ]);
    harness.container.pause();
    await harness.clock.advance(1_200);
    expect(harness.ofType('idle').at(-1)).toMatchObject({ isPaused: true });
    await harness.container.stop();
    const before = harness.events.length;
    await harness.clock.advance(10_000);
    expect(harness.events).toHaveLength(before);
  });

  it('are not told unless asked for', async () => {
    const { harness } = await noting();
    await harness.clock.advance(60_000);
    expect(harness.ofType('idle')).toEqual([]);
  });
});

describe('rebalance callbacks', () => {
  it('are left behind at the deadline, and their failure is only logged', async () => {
    const calls: string[] = [];
    const gate = deferred();
    const harness = await new Harness({
      endpoint: {
        rebalanceListeners: [
          {
            onPartitionsRevokedBeforeCommit: () => {
              calls.push('before');
              throw new Error('broken');
            },
            onPartitionsRevokedAfterCommit: () => {
              calls.push('after');
              return gate.promise;
            },
            onPartitionsLost: (partitions) => void calls.push(`lost ${partitions.length}`),
          },
        ],
      },
    }).start();
    const deadline = new AbortController();
    const revoking = harness.consumer.revoke(deadline.signal);
    await flush();
    deadline.abort();
    await revoking;
    expect(calls).toEqual(['before', 'after']);
    expect(harness.log.join('\n')).toContain('onPartitionsRevokedBeforeCommit threw: broken');
    expect(harness.log.join('\n')).toContain('onPartitionsRevokedAfterCommit still ran at the deadline');
    await harness.consumer.assign([ZERO]);
    await harness.consumer.lose();
    expect(calls.at(-1)).toBe('lost 1');
    gate.resolve();
  });

  it.each([undefined, 2])('stand after what ran, before and after its commit (workers: %s)', async (workers) => {
    const calls: unknown[] = [];
    const handler = new GatedHandler();
    const note = (what: string) => void calls.push([what, handler.running.size, harness.committed()]);
    const harness: Harness = new Harness({
      invoke: handler.invoke,
      endpoint: {
        ackMode: 'TIME',
        ...(workers === undefined ? {} : { workers }),
        rebalanceListeners: [
          {
            onPartitionsRevokedBeforeCommit: () => note('before'),
            onPartitionsRevokedAfterCommit: () => note('after'),
          },
        ],
      },
    });
    harness.push(2);
    await harness.start();
    const revoked = harness.consumer.revoke(new AbortController().signal);
    await flush(10);
    expect(calls).toEqual([]);
    await handler.end(0);
    await revoked;
    expect(calls).toEqual([
      ['before', 0, 0],
      ['after', 0, 1],
    ]);
    await harness.consumer.assign([]);
    await harness.container.stop();
  });

  it('may move a partition before its handlers get anything, on both models', async () => {
    for (const workers of [undefined, 4]) {
      const handler = new GatedHandler();
      const harness = new Harness({
        invoke: handler.invoke,
        endpoint: {
          ...(workers === undefined ? {} : { workers, order: 'key' as const }),
          rebalanceListeners: [{ onPartitionsAssigned: (partitions, consumer) => consumer.seek(2, partitions) }],
        },
      });
      harness.push(4, (i) => `${i}`);
      await harness.start();
      await flush();
      expect(handler.started[0]).toBe(2);
      await handler.endAll();
      expect(handler.started).toEqual([2, 3]);
    }
  });
});

describe('the owner queue', () => {
  it('runs at once when nothing is on its way, else right after it, in order', async () => {
    const queue = new OwnerQueue();
    const ran: number[] = [];
    queue.run(() => ran.push(1));
    const signal = queue.enter();
    queue.run(() => ran.push(2));
    queue.run(() => ran.push(3));
    expect(ran).toEqual([1]);
    expect(signal.aborted).toBe(true);
    const drained = queue.drained();
    queue.leave();
    await drained;
    expect(ran).toEqual([1, 2, 3]);
    await queue.drained();
  });
});
