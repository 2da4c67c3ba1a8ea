import { beforeEach, describe, expect, it } from '@jest/globals';
import { ClientVersion } from '../../../../src/broker/coordinator/transaction/transaction-metadata.js';
import { TransactionBench } from '../../../support/transaction-bench.js';

let bench: TransactionBench;
beforeEach(async () => {
  bench = await TransactionBench.open();
});

const identity = ({ errorCode, producerId, producerEpoch }: Awaited<ReturnType<TransactionBench['init']>>) => [
  errorCode,
  producerId,
  producerEpoch,
];

describe('InitProducerId with a transactional id', () => {
  it('refuses an empty id and a time-out outside of its range', async () => {
    expect((await bench.init({}, '')).errorCode).toBe(42);
    for (const timeoutMs of [0, -1, 900_001]) expect((await bench.init({ timeoutMs })).errorCode).toBe(50);
    expect((await bench.init({ timeoutMs: 900_000 })).errorCode).toBe(0);
  });

  it('gives a producer id with epoch 0, then the next epoch to everybody who comes', async () => {
    expect(identity(await bench.init())).toEqual([0, 1_000n, 0]);
    expect(identity(await bench.init())).toEqual([0, 1_000n, 1]);
    expect(identity(await bench.init({}, 'other'))).toEqual([0, 1_001n, 0]);
    expect(bench.state()).toMatchObject({ state: 'Empty', timeoutMs: 60_000, startTimestamp: -1 });
  });

  it('gives one id only to those who come at once', async () => {
    const answers = await Promise.all([bench.init(), bench.init(), bench.init()]);
    expect(answers.map(identity)).toEqual([
      [0, 1_000n, 0],
      [0, 1_000n, 1],
      [0, 1_000n, 2],
    ]);
  });

  it('lets a producer go on from its epoch, and gives the answer again that was lost (KIP-360)', async () => {
    const first = await bench.init();
    const next = [0, 1_000n, 1];
    expect(identity(await bench.init({ expected: first }))).toEqual(next);
    expect(identity(await bench.init({ expected: first }))).toEqual(next);
  });

  it('fences a producer that has been replaced, and one of another id', async () => {
    const old = await bench.init();
    await bench.init();
    expect((await bench.init({ expected: old })).errorCode).toBe(90);
    expect((await bench.init({ expected: { producerId: 1n, producerEpoch: 1 } })).errorCode).toBe(90);
    expect(bench.summary()).toBe('Empty 1');
  });

  it('takes whoever comes first to an id that was forgotten', async () => {
    const answer = await bench.init({ expected: { producerId: 5n, producerEpoch: 9 } });
    expect(identity(answer)).toEqual([0, 1_000n, 0]);
  });

  it('aborts the open transaction of the one before, raises its epoch and asks to come again', async () => {
    const old = await bench.init();
    await bench.add(old);
    bench.append(old, 'a', 0);
    expect(identity(await bench.init())).toEqual([51, -1n, -1]);
    expect(bench.summary()).toBe('CompleteAbort 1');
    expect(bench.partitions[0]!.markers()).toEqual(['abort 1000/1']);
    expect(bench.append(old, 'b', 1)).toBe(47);
    expect(identity(await bench.init())).toEqual([0, 1_000n, 2]);
    expect((await bench.end(old, true)).errorCode).toBe(90);
  });

  it('waits for an end that is decided', async () => {
    const producer = await bench.init();
    await bench.add(producer);
    bench.partitions[0]!.errorCode = 56;
    await bench.end(producer, true);
    expect((await bench.init()).errorCode).toBe(51);
    bench.partitions[0]!.errorCode = 0;
    await bench.clock.advance(1_000);
    expect(identity(await bench.init())).toEqual([0, 1_000n, 1]);
  });

  it('refuses when its log refuses, and nothing has changed', async () => {
    const producer = await bench.init();
    bench.log.errorCode = 56;
    expect((await bench.init()).errorCode).toBe(16);
    expect((await bench.init({}, 'new')).errorCode).toBe(16);
    bench.log.errorCode = 0;
    expect(bench.summary()).toBe('Empty 0');
    expect(await bench.add(producer)).toBe(0);
  });

  it('is answered when what it decided is durable', async () => {
    let durable = (): void => undefined;
    bench.log.durability = new Promise((resolve) => {
      durable = resolve;
    });
    let answered = false;
    const init = bench.init().then(() => {
      answered = true;
    });
    await bench.clock.advance(0);
    expect(answered).toBe(false);
    durable();
    await init;
  });
});

describe('the last epochs of a producer id', () => {
  const LAST = 0x7fff - 1;

  async function atEpoch(producerEpoch: number) {
    const { producerId } = await bench.init();
    bench.store({ producerEpoch });
    await bench.restart();
    return { transactionalId: 't', producerId, producerEpoch };
  }

  it('lead to a new id, for newcomers and for the producer itself', async () => {
    const last = await atEpoch(LAST);
    expect(identity(await bench.init({ expected: last }))).toEqual([0, 1_001n, 0]);
    expect(bench.state().previousProducerId).toBe(1_000n);
    // The answer was lost: the producer asks with its old id.
    expect(identity(await bench.init({ expected: last }))).toEqual([0, 1_001n, 0]);
    bench.store({ producerEpoch: LAST });
    await bench.restart();
    expect(identity(await bench.init())).toEqual([0, 1_002n, 0]);
    expect((await bench.init({ expected: last })).errorCode).toBe(90);
  });

  it('leave one epoch for fencing', async () => {
    const last = await atEpoch(LAST);
    await bench.add(last);
    expect((await bench.init()).errorCode).toBe(51);
    expect(bench.summary()).toBe('CompleteAbort 32767');
    expect(identity(await bench.init())).toEqual([0, 1_001n, 0]);
  });

  it('are used up by ends that raise the epoch: the answer names the new id, also when it is asked for again', async () => {
    const last = await atEpoch(LAST);
    await bench.add(last, 0, ClientVersion.V2);
    bench.append(last, 'a', 0);
    const next = { errorCode: 0, producerId: 1_001n, producerEpoch: 0 };
    expect(await bench.end(last, true, ClientVersion.V2)).toEqual(next);
    expect(bench.partitions[0]!.markers()).toEqual(['commit 1000/32767']);
    expect(await bench.end(last, true, ClientVersion.V2)).toEqual(next);
    expect((await bench.end(last, false, ClientVersion.V2)).errorCode).toBe(48);
    expect(bench.partitions[0]!.committed()).toEqual(['a']);
  });
});
