import { beforeEach, describe, expect, it } from '@jest/globals';
import { ClientVersion } from '../../../../src/broker/coordinator/transaction/transaction-metadata.js';
import { type Identity, TransactionBench } from '../../../support/transaction-bench.js';

const { V0, V2 } = ClientVersion;
let bench: TransactionBench;
let producer: Identity;
beforeEach(async () => {
  bench = await TransactionBench.open();
  producer = await bench.init();
});

/** A transaction that is open on two partitions and has written to one of them. */
async function open(version: ClientVersion = V0, value = 'a', sequence = 0): Promise<void> {
  await bench.add(producer, 0, version);
  await bench.add(producer, 1, version);
  expect(bench.append(producer, value, sequence)).toBe(0);
}

describe('AddPartitionsToTxn', () => {
  it('refuses strangers, old and new epochs, and no id', async () => {
    expect(await bench.add({ ...producer, transactionalId: 'none' })).toBe(49);
    expect(await bench.add({ ...producer, producerId: 5n })).toBe(49);
    expect(await bench.add({ ...producer, producerEpoch: 1 })).toBe(90);
    expect(await bench.add({ ...producer, transactionalId: '' })).toBe(42);
    expect(bench.summary()).toBe('Empty 0');
  });

  it('opens a transaction with the first partition, and keeps its start with the next ones', async () => {
    await bench.add(producer, 1);
    const { startTimestamp } = bench.state();
    await bench.clock.advance(5);
    await bench.add(producer, 0);
    expect(bench.state()).toMatchObject({ state: 'Ongoing', startTimestamp });
    expect([...bench.state().partitions].map(({ partition }) => partition)).toEqual([1, 0]);
    expect(bench.state().lastUpdateTimestamp).toBe(startTimestamp + 5);
  });

  it('writes nothing for partitions that are in already', async () => {
    await bench.add(producer, 0);
    const batches = bench.log.batches.flat().length;
    expect(await bench.add(producer, 0)).toBe(0);
    expect(bench.log.batches.flat()).toHaveLength(batches);
  });

  it('is asked for by a partition before a batch is taken', async () => {
    expect(bench.verify(producer)).toBe(120);
    await bench.add(producer, 0);
    expect([bench.verify(producer, 0), bench.verify(producer, 1)]).toEqual([0, 120]);
    expect(bench.verify({ ...producer, producerEpoch: 3 })).toBe(90);
    expect(bench.verify({ ...producer, transactionalId: 'none' })).toBe(49);
    await bench.end(producer, true);
    expect(bench.verify(producer, 0)).toBe(120);
  });
});

describe('EndTxn', () => {
  it('commits: markers in every partition, readers see the data, the id is complete', async () => {
    await open();
    expect(bench.partitions[0]!.committed()).toEqual([]);
    expect(await bench.end(producer, true)).toEqual({ errorCode: 0, producerId: 1_000n, producerEpoch: 0 });
    expect(bench.partitions.map((partition) => partition.markers())).toEqual([
      ['commit 1000/0'],
      ['commit 1000/0'],
      [],
    ]);
    expect(bench.partitions[0]!.committed()).toEqual(['a']);
    expect(bench.state()).toMatchObject({ state: 'CompleteCommit', producerEpoch: 0 });
    expect([...bench.state().partitions]).toEqual([]);
  });

  it('aborts: readers do not see the data, and are not held back', async () => {
    await open();
    expect((await bench.end(producer, false)).errorCode).toBe(0);
    expect(bench.partitions[0]!.markers()).toEqual(['abort 1000/0']);
    expect(bench.partitions[0]!.committed()).toEqual([]);
    expect(bench.partitions[0]!.lastStableOffset).toBe(2);
    expect(bench.summary()).toBe('CompleteAbort 0');
  });

  it('lets the next transaction begin at once', async () => {
    await open();
    await bench.end(producer, true);
    await open(V0, 'b', 1);
    await bench.end(producer, true);
    expect(bench.partitions[0]!.committed()).toEqual(['a', 'b']);
  });

  it('refuses strangers and other epochs', async () => {
    await open();
    for (const version of [V0, V2]) {
      const codeOf = async (wrong: Partial<Identity>) =>
        (await bench.end({ ...producer, ...wrong }, true, version)).errorCode;
      expect(await codeOf({ transactionalId: 'none' })).toBe(49);
      expect(await codeOf({ producerId: 5n })).toBe(49);
      expect(await codeOf({ producerEpoch: 4 })).toBe(90);
      expect(await codeOf({ transactionalId: '' })).toBe(42);
    }
    expect(bench.summary()).toBe('Ongoing 0');
  });

  it.each([
    ['Empty', true, 48],
    ['Empty', false, 48],
    ['CompleteCommit', true, 0],
    ['CompleteCommit', false, 48],
    ['CompleteAbort', true, 48],
    ['CompleteAbort', false, 0],
    ['PrepareCommit', true, 51],
    ['PrepareCommit', false, 48],
    ['PrepareAbort', true, 48],
    ['PrepareAbort', false, 51],
  ] as const)('in state %s with committed=%p is answered with %i', async (state, committed, errorCode) => {
    await reach(state, V0);
    expect((await bench.end(producer, committed)).errorCode).toBe(errorCode);
    expect(bench.state().state).toBe(state);
  });
});

describe('EndTxn that raises the epoch (KIP-890)', () => {
  it('answers with the epoch that goes on, which the markers carry', async () => {
    await open(V2);
    expect(await bench.end(producer, true, V2)).toEqual({ errorCode: 0, producerId: 1_000n, producerEpoch: 1 });
    expect(bench.partitions[0]!.markers()).toEqual(['commit 1000/1']);
    // A batch that was under way comes too late.
    expect(bench.append(producer, 'late', 1)).toBe(47);
    producer = { ...producer, producerEpoch: 1 };
    await open(V2, 'b', 0);
    expect((await bench.end(producer, false, V2)).producerEpoch).toBe(2);
    expect(bench.partitions[0]!.committed()).toEqual(['a']);
  });

  it.each([
    ['Empty', 'same', true, 48],
    ['Empty', 'same', false, 0],
    ['Empty', 'before', false, 90],
    ['CompleteCommit', 'before', true, 0],
    ['CompleteCommit', 'before', false, 48],
    ['CompleteCommit', 'same', true, 48],
    ['CompleteCommit', 'same', false, 0],
    ['CompleteAbort', 'before', false, 0],
    ['CompleteAbort', 'before', true, 48],
    ['CompleteAbort', 'same', false, 0],
    ['CompleteAbort', 'same', true, 48],
    ['PrepareCommit', 'before', true, 51],
    ['PrepareCommit', 'before', false, 48],
    ['PrepareCommit', 'same', true, 90],
    ['PrepareAbort', 'before', false, 51],
    ['PrepareAbort', 'same', false, 90],
  ] as const)(
    'in state %s with the %s epoch and committed=%p is answered with %i',
    async (state, which, committed, errorCode) => {
      await reach(state, V2);
      const { producerEpoch } = bench.state();
      const asked = { ...producer, producerEpoch: which === 'same' ? producerEpoch : producerEpoch - 1 };
      const answer = await bench.end(asked, committed, V2);
      expect(answer.errorCode).toBe(errorCode);
      const isAbortOfNothing = errorCode === 0 && which === 'same';
      expect(bench.summary()).toBe(
        isAbortOfNothing ? `CompleteAbort ${producerEpoch + 1}` : `${state} ${producerEpoch}`,
      );
      expect(answer.producerEpoch).toBe(errorCode === 0 ? bench.state().producerEpoch : -1);
    },
  );
});

it('is not mistaken for a repetition when a client of the first version fenced the one who asks', async () => {
  const zombie = producer;
  producer = await bench.init();
  await open(V0);
  await bench.end(producer, true, V0);
  expect((await bench.end(zombie, true, V2)).errorCode).toBe(90);
});

/** Leads the id to a state; prepared ones by a partition that refuses its marker. */
async function reach(state: string, version: ClientVersion): Promise<void> {
  if (state === 'Empty') return;
  await open(version);
  if (state.startsWith('Prepare')) bench.partitions[1]!.errorCode = 56;
  expect((await bench.end(producer, state.endsWith('Commit'), version)).errorCode).toBe(0);
  expect(bench.state().state).toBe(state);
}

describe('the end of a transaction', () => {
  it('is decided once: what a partition refuses now is written later, and the answer does not wait', async () => {
    await open();
    bench.partitions[0]!.errorCode = 56;
    expect((await bench.end(producer, true)).errorCode).toBe(0);
    expect(bench.summary()).toBe('PrepareCommit 0');
    expect(await bench.add(producer, 2)).toBe(51);
    await bench.clock.advance(1_000);
    expect(bench.summary()).toBe('PrepareCommit 0');
    bench.partitions[0]!.errorCode = 0;
    await bench.clock.advance(1_000);
    expect(bench.summary()).toBe('CompleteCommit 0');
    expect(bench.partitions[0]!.committed()).toEqual(['a']);
  });

  it('is not decided when the log refuses it', async () => {
    await open();
    bench.log.errorCode = 56;
    expect((await bench.end(producer, true)).errorCode).toBe(16);
    expect(bench.summary()).toBe('Ongoing 0');
    expect(bench.partitions[0]!.markers()).toEqual([]);
  });

  it('is written to no partition before the decision is durable', async () => {
    await open();
    let durable = (): void => undefined;
    bench.log.durability = new Promise((resolve) => {
      durable = resolve;
    });
    const end = bench.end(producer, true);
    await bench.clock.advance(0);
    expect([bench.summary(), bench.partitions[0]!.markers()]).toEqual(['PrepareCommit 0', []]);
    bench.log.durability = undefined;
    durable();
    expect((await end).errorCode).toBe(0);
    expect(bench.summary()).toBe('CompleteCommit 0');
  });

  it('is complete when all markers are durable, not before', async () => {
    await open();
    let durable = (): void => undefined;
    bench.partitions[1]!.durability = new Promise((resolve) => {
      durable = resolve;
    });
    const end = bench.end(producer, true);
    await bench.clock.advance(0);
    expect(bench.summary()).toBe('PrepareCommit 0');
    durable();
    await end;
    expect(bench.summary()).toBe('CompleteCommit 0');
  });

  it('is tried again when the device refused the decision, which the producer is told of', async () => {
    await open();
    bench.log.durability = Promise.reject(new Error('EIO'));
    bench.log.durability.catch(() => undefined);
    await expect(bench.end(producer, true)).rejects.toThrow('EIO');
    expect(bench.summary()).toBe('PrepareCommit 0');
    bench.log.durability = undefined;
    await bench.clock.advance(1_000);
    expect(bench.summary()).toBe('CompleteCommit 0');
  });

  it('is finished by the next start', async () => {
    await open();
    bench.partitions[1]!.errorCode = 56;
    await bench.end(producer, true);
    bench.partitions[1]!.errorCode = 0;
    await bench.restart();
    expect(bench.summary()).toBe('CompleteCommit 0');
    expect(bench.partitions[1]!.markers()).toEqual(['commit 1000/0']);
    expect(bench.partitions[0]!.committed()).toEqual(['a']);
  });

  it('does not wait for a partition that is gone, or that has heard of a newer epoch', async () => {
    await bench.add({ ...producer }, 7);
    await bench.add({ ...producer }, 0);
    bench.partitions[0]!.errorCode = 47;
    expect((await bench.end(producer, false)).errorCode).toBe(0);
    expect(bench.summary()).toBe('CompleteAbort 0');
  });

  it('reaches a partition in which an administrator wrote a marker of a higher coordinator epoch', async () => {
    await open();
    const marker = { producerId: 1_000n, producerEpoch: 0, committed: false, coordinatorEpoch: 9 };
    const { PartitionMarkers } = await import('../../../../src/broker/transaction-markers.js');
    const markers = new PartitionMarkers({ log: () => bench.partitions[0] }, bench.groups, bench.clock);
    expect(markers.write({ topic: 'orders', partition: 0 }, marker)).toBe(0);
    expect(markers.write({ topic: 'orders', partition: 0 }, { ...marker, coordinatorEpoch: 8 })).toBe(52);
    await bench.end(producer, true);
    expect(bench.summary()).toBe('CompleteCommit 0');
    expect(bench.partitions[0]!.lastStableOffset).toBe(bench.partitions[0]!.end);
  });
});
