import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeSnapshot, encodeSnapshot } from '../../../../src/broker/log/producers/producer-snapshot.js';
import {
  advanceSequence,
  ProducerStates,
  rewindSequence,
} from '../../../../src/broker/log/producers/producer-state.js';
import { ErrorCode } from '../../../../src/protocol/error-codes.js';
import { lastOffsetDelta, setBaseOffset } from '../../../../src/protocol/record-batch-header.js';
import { marker, NOW, type ProducerShape, producerBatch } from '../log-fixture.js';

const MAX = 0x7fff_ffff;

/** Producer states with the offsets that a log would give. */
class Partition {
  readonly states = new ProducerStates();
  end = 0;

  check(batch: Buffer, origin: 'client' | 'coordinator' = 'client') {
    return this.states.check(batch, origin);
  }

  apply(batch: Buffer, now = NOW) {
    setBaseOffset(batch, 0, this.end);
    this.end += lastOffsetDelta(batch) + 1;
    return this.states.apply(batch, 0, now);
  }

  accept(shape: ProducerShape): void {
    const batch = producerBatch(shape);
    const verdict = this.check(batch);
    if (verdict.kind !== 'append') throw new Error(JSON.stringify(verdict));
    this.apply(batch);
  }
}

describe('sequences', () => {
  it('wrap from 2147483647 to 0 and back (property)', () => {
    expect(advanceSequence(MAX, 1)).toBe(0);
    expect(rewindSequence(0, 1)).toBe(MAX);
    fc.assert(
      fc.property(fc.nat(MAX), fc.nat(1000), (sequence, by) => {
        expect(rewindSequence(advanceSequence(sequence, by), by)).toBe(sequence);
      }),
    );
  });

  it('go on over the wrap, inside one batch too', () => {
    const partition = new Partition();
    partition.accept({ sequence: MAX - 1, count: 4 });
    partition.accept({ sequence: 2 });
    const retry = partition.check(producerBatch({ sequence: MAX - 1, count: 4 }));
    expect(retry).toMatchObject({ kind: 'duplicate', batch: { firstOffset: 0, lastSequence: 1 } });
  });
});

describe('ProducerStates', () => {
  it('takes a retry of any of the last five batches for a duplicate, older ones for out of order (property)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }),
        fc.nat(MAX),
        (counts, start) => {
          const partition = new Partition();
          const sent: Array<{ sequence: number; count: number; offset: number }> = [];
          let sequence = start;
          for (const count of counts) {
            sent.push({ sequence, count, offset: partition.end });
            partition.accept({ sequence, count });
            sequence = advanceSequence(sequence, count);
          }
          sent.forEach((batch, i) => {
            const verdict = partition.check(producerBatch(batch));
            const expected =
              i >= sent.length - 5
                ? { kind: 'duplicate', batch: { firstOffset: batch.offset } }
                : { kind: 'refused', errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER };
            expect(verdict).toMatchObject(expected);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('accepts any first sequence of a producer it does not know', () => {
    expect(new Partition().check(producerBatch({ sequence: 17 }))).toEqual({ kind: 'append' });
  });

  it('fences older epochs and wants a new one to begin at 0', () => {
    const partition = new Partition();
    partition.accept({ epoch: 3, sequence: 0 });
    expect(partition.check(producerBatch({ epoch: 2, sequence: 1 }))).toMatchObject({
      errorCode: ErrorCode.INVALID_PRODUCER_EPOCH,
    });
    expect(partition.check(producerBatch({ epoch: 4, sequence: 1 }))).toMatchObject({
      errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    });
    partition.accept({ epoch: 4, sequence: 0 });
    // A batch of the old epoch is no duplicate any more.
    expect(partition.check(producerBatch({ epoch: 3, sequence: 0 }))).toMatchObject({
      errorCode: ErrorCode.INVALID_PRODUCER_EPOCH,
    });
  });

  it('refuses a batch outside the open transaction', () => {
    const partition = new Partition();
    partition.accept({ sequence: 0, transactional: true });
    expect(partition.check(producerBatch({ sequence: 1 }))).toMatchObject({ errorCode: ErrorCode.INVALID_TXN_STATE });
    expect(partition.apply(marker('commit'))).toEqual({
      producerId: 7n,
      firstOffset: 0,
      lastOffset: 1,
      isAborted: false,
    });
    partition.accept({ sequence: 1 });
  });

  it('does not look at the sequences of a coordinator', () => {
    const partition = new Partition();
    const offsets = producerBatch({ sequence: -1, transactional: true });
    for (let i = 0; i < 2; i++) {
      expect(partition.check(offsets, 'coordinator')).toEqual({ kind: 'append' });
      partition.apply(offsets);
    }
  });

  it('knows the oldest open transaction whatever order they end in (property)', () => {
    const step = fc.record({ id: fc.bigInt({ min: 0n, max: 4n }), ends: fc.boolean(), aborts: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const partition = new Partition();
        const open = new Map<bigint, number>();
        for (const { id, ends, aborts } of steps) {
          const first = open.get(id);
          const batch = ends
            ? marker(aborts ? 'abort' : 'commit', id)
            : producerBatch({ id, sequence: 0, transactional: true });
          if (!ends && first === undefined) open.set(id, partition.end);
          expect(partition.apply(batch)?.firstOffset).toBe(ends ? first : undefined);
          if (ends) open.delete(id);
          expect(partition.states.firstUnstableOffset).toBe(open.size === 0 ? -1 : Math.min(...open.values()));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('forgets silent producers, by its own clock, but none with an open transaction', () => {
    const partition = new Partition();
    partition.apply(producerBatch({ id: 1n, sequence: 0 }), NOW);
    partition.apply(producerBatch({ id: 2n, sequence: 0 }), NOW + 500);
    partition.apply(producerBatch({ id: 3n, sequence: 0, transactional: true }), NOW);
    partition.states.expire(NOW + 1000, 1000);
    expect([...partition.states.all()].map((state) => state.producerId)).toEqual([2n, 3n]);
  });
});

describe('producer snapshot', () => {
  it('restores what is live, with the newest batch of each producer (property)', () => {
    const step = fc.record({
      id: fc.bigInt({ min: 0n, max: 3n }),
      kind: fc.constantFrom('plain', 'txn', 'commit', 'abort'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.nat(30), (steps, snapshotAt) => {
        const live = new Partition();
        let restored: ProducerStates | undefined;
        const sequences = new Map<bigint, number>();
        steps.forEach(({ id, kind }, i) => {
          if (i === snapshotAt) {
            restored = new ProducerStates();
            restored.restore(decodeSnapshot(encodeSnapshot(live.states.all()), NOW)!);
          }
          const sequence = sequences.get(id) ?? 0;
          const isMarker = kind === 'commit' || kind === 'abort';
          if (!isMarker) sequences.set(id, sequence + 1);
          const batch = isMarker ? marker(kind, id) : producerBatch({ id, sequence, transactional: kind === 'txn' });
          live.apply(batch);
          restored?.apply(batch, 0, NOW);
        });
        if (!restored) return;
        const view = (states: ProducerStates) =>
          [...states.all()].map(({ batches, ...rest }) => ({ ...rest, last: batches.at(-1) }));
        expect(view(restored)).toEqual(view(live.states));
        expect(restored.firstUnstableOffset).toBe(live.states.firstUnstableOffset);
      }),
      { numRuns: 60 },
    );
  });

  it('has Kafka’s layout', () => {
    const partition = new Partition();
    partition.apply(producerBatch({ id: 9n, epoch: 2, sequence: 5, count: 3, transactional: true }));
    const bytes = encodeSnapshot(partition.states.all());
    expect(bytes.toString('hex', 0, 2)).toBe('0001');
    expect(bytes.toString('hex', 6)).toBe(
      [
        '00000001', // one producer
        '0000000000000009',
        '0002',
        '00000007', // last sequence
        '0000000000000002', // last offset
        '00000002', // offsets in the last batch before its last
        Buffer.from(
          BigInt(NOW + 2)
            .toString(16)
            .padStart(16, '0'),
          'hex',
        ).toString('hex'),
        'ffffffff', // no coordinator epoch yet
        '0000000000000000', // the transaction began here
      ].join(''),
    );
  });

  it('is refused when it is damaged, empty or of another version', () => {
    const partition = new Partition();
    partition.apply(producerBatch({ sequence: 0 }));
    const bytes = encodeSnapshot(partition.states.all());
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x10;
      expect(decodeSnapshot(damaged, NOW)).toBeUndefined();
    }
    expect(decodeSnapshot(Buffer.alloc(0), NOW)).toBeUndefined();
  });
});
