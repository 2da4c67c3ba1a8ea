import { beforeEach, describe, expect, it } from '@jest/globals';
import { encodeControlBatch } from '../../../../../src/protocol/control-batch.js';
import { Fetch } from '../../../../../src/protocol/messages/01-fetch.js';
import { decodeBatch, encodeRecords } from '../../../../../src/protocol/record-batch.js';
import { setBaseOffset } from '../../../../../src/protocol/record-batch-header.js';
import { connectionError } from '../../../../../src/runtime/client/cluster/node-link.js';
import { type ConsumerOptions, consumerSettings } from '../../../../../src/runtime/client/consumer/consumer-options.js';
import { type FetchPartition } from '../../../../../src/runtime/client/consumer/fetching/fetch-partition.js';
import { Fetcher } from '../../../../../src/runtime/client/consumer/fetching/fetcher.js';
import { type PartitionRecords } from '../../../../../src/runtime/client/consumer-client.js';
import { flush, ManualClock } from '../../../../support/manual-clock.js';
import { never, type ScriptedCluster } from '../../../../support/scripted-cluster.js';
import { ScriptedGroup } from '../../../../support/scripted-group.js';

const values = (polled: readonly PartitionRecords[]): string[] =>
  polled.flatMap(({ records }) => records.map(({ value }) => value!.toString()));

function batch(count: number, bytes: number, options: Parameters<typeof encodeRecords>[1] = { timestamp: 0 }): Buffer {
  return encodeRecords(
    Array.from({ length: count }, () => ({ key: null, value: Buffer.alloc(bytes, 1) })),
    options,
  );
}

describe('the fetcher', () => {
  let clock: ManualClock;
  let group: ScriptedGroup;
  let fetcher: Fetcher;
  let main: ScriptedCluster;
  let side: ScriptedCluster;
  let outOfRange: FetchPartition[];
  let warnings: string[];

  async function open(partitions: number, options: Partial<ConsumerOptions> = {}): Promise<Fetcher> {
    group.script.topics.set('t', partitions);
    main = group.script.open();
    side = group.script.open();
    await main.partitionsOf('t');
    const settings = consumerSettings({
      groupId: 'g',
      topics: ['t'],
      createCluster: group.script.open,
      random: { next: () => 0.5, bytes: (length) => Buffer.alloc(length) },
      logger: { log: () => undefined, warn: (text) => warnings.push(text), error: () => undefined },
      clock,
      ...options,
    });
    fetcher = new Fetcher(main, side, settings, {
      onReady: () => undefined,
      onOutOfRange: (partition) => outOfRange.push(partition),
      onDisconnected: () => undefined,
    });
    assign(Array.from({ length: partitions }, (_, partition) => partition));
    fetcher.flow();
    await flush();
    return fetcher;
  }

  function assign(partitions: number[], position = 0, assignmentEpoch = 1): void {
    fetcher.assign(
      partitions.map((partition) => ({
        topic: 't',
        partition,
        assignmentEpoch,
        position,
        metadata: '',
        source: 'reset',
      })),
      [],
    );
  }

  const tp = (partition: number) => [{ topic: 't', partition }];
  const fetches = () => group.script.callsOf(Fetch);
  const covered = (index: number): number[] =>
    fetches()[index]!.request.topics.flatMap(({ partitions }) => partitions.map(({ partition }) => partition));

  beforeEach(() => {
    clock = new ManualClock();
    group = new ScriptedGroup({}, clock);
    outOfRange = [];
    warnings = [];
  });

  it('asks with the defaults of the Java consumer', async () => {
    await open(2);
    expect(fetches()[0]!.request).toMatchObject({
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 52_428_800,
      sessionEpoch: -1,
    });
    expect(fetches()[0]!.request.topics[0]!.partitions[1]).toMatchObject({
      partition: 1,
      partitionMaxBytes: 1_048_576,
    });
  });

  it('hands over nothing of a partition that comes later until it may flow, while the others go on', async () => {
    await open(1);
    group.script.topics.set('t', 2);
    await main.refreshMetadata();
    const added = { topic: 't', partition: 1, assignmentEpoch: 2, position: 0, metadata: '' };
    const kept = { topic: 't', partition: 0, assignmentEpoch: 2, position: 0, metadata: '' };
    fetcher.assign([{ ...added, source: 'reset' }], [{ ...kept, source: 'kept' }]);
    group.appendBatch('t', 0, batch(1, 10), 1);
    group.appendBatch('t', 1, batch(1, 10), 1);
    await flush();
    const partitionsOf = (polled: PartitionRecords[]) => polled.map(({ partition }) => partition);
    expect(partitionsOf(fetcher.take(500))).toEqual([0]);
    await flush();
    expect(fetcher.take(500)).toEqual([]);
    expect(fetcher.get('t', 1)!.position).toBe(0);
    fetcher.flow();
    await flush();
    expect(partitionsOf(fetcher.take(500))).toEqual([1]);
  });

  it('fetches on while nobody polls, up to half a partition budget ahead, and drops nothing', async () => {
    await open(1, { maxPartitionFetchBytes: 2_000 });
    for (let i = 0; i < 8; i++) {
      group.appendBatch('t', 0, batch(1, 400), i + 1);
      await flush();
    }
    expect(fetcher.get('t', 0)!.fetchOffset).toBe(3);
    const polled = [fetcher.take(500), await flush(), fetcher.take(500)] as PartitionRecords[][];
    expect(polled[0]![0]!.nextOffset).toBe(3);
    expect(polled[2]![0]!.records[0]!.offset).toBe(3);
  });

  it('hands a large batch over in parts, in order, from one fetch', async () => {
    group.appendBatch('t', 0, batch(1_000, 10), 1_000);
    await open(1);
    const before = fetches().length;
    const seen: number[] = [];
    for (let i = 0; i < 100; i++) {
      const [part] = fetcher.take(10);
      expect(part!.nextOffset).toBe((i + 1) * 10);
      seen.push(...part!.records.map(({ offset }) => offset));
    }
    expect(seen).toEqual(Array.from({ length: 1_000 }, (_, offset) => offset));
    expect(fetches().length - before).toBeLessThanOrEqual(1);
    expect(fetcher.take(10)).toEqual([]);
    expect(fetcher.heldBytes).toBe(0);
  });

  it('shares a poll fairly between partitions', async () => {
    for (const partition of [0, 1, 2]) group.append('t', partition, 'a', 'b', 'c', 'd');
    await open(3);
    const turns = Array.from({ length: 6 }, () => fetcher.take(2)[0]!.partition);
    expect(new Set(turns.slice(0, 3)).size).toBe(3);
    expect(new Set(turns.slice(3)).size).toBe(3);
  });

  describe('pausing', () => {
    it('keeps what is fetched, and covers an empty paused partition, so that a resume finds it', async () => {
      await open(12);
      fetcher.pause(tp(0), 'user');
      group.append('t', 0, 'late');
      await flush();
      expect(fetcher.take(10)).toEqual([]);
      fetcher.resume(tp(0), 'user');
      expect(values(fetcher.take(10))).toEqual(['late']);
    });

    it('counts reasons as a set', async () => {
      group.append('t', 0, 'x');
      await open(1);
      fetcher.pause(tp(0), 'user');
      fetcher.pause(tp(0), 'backpressure');
      fetcher.pause(tp(0), 'user');
      fetcher.resume(tp(0), 'user');
      expect(fetcher.take(10)).toEqual([]);
      fetcher.resume(tp(0), 'backpressure');
      expect(values(fetcher.take(10))).toEqual(['x']);
    });

    it('does not let a resumed partition wait for the long poll of the others', async () => {
      await open(12);
      fetcher.pause(tp(0), 'user');
      group.append('t', 0, 'first');
      await flush();
      fetcher.resume(tp(0), 'user');
      expect(values(fetcher.take(10))).toEqual(['first']);
      // The long poll without partition 0 waits now; the side lane asks for it meanwhile, again and again.
      await clock.advance(7);
      group.append('t', 0, 'second');
      await clock.advance(11);
      expect(values(fetcher.take(10))).toEqual(['second']);
      expect(fetches().some(({ cluster }) => cluster === side)).toBe(true);
      await clock.advance(600);
      const last = fetches().at(-1)!;
      expect(last.cluster === main).toBe(true);
      expect(covered(fetches().length - 1)).toHaveLength(12);
    });
  });

  describe('memory', () => {
    it('stops at the limit, goes on at half of it, and never starves a partition', async () => {
      for (let partition = 0; partition < 4; partition++) group.appendBatch('t', partition, batch(1, 900), 1);
      await open(4, { fetchBufferBytes: 2_000, maxPartitionFetchBytes: 4_000 });
      const before = fetches().length;
      expect(fetcher.heldBytes).toBeGreaterThan(2_000);
      await flush();
      expect(fetches().length).toBe(before);
      fetcher.pause([...tp(1), ...tp(2), ...tp(3)], 'backpressure');
      group.appendBatch('t', 0, batch(1, 900), 2);
      fetcher.take(1);
      await flush();
      expect(covered(fetches().length - 1)).toEqual([0]);
      expect(fetches().at(-1)!.request.maxBytes).toBe(4_000);
      expect(fetcher.take(1)[0]).toMatchObject({ partition: 0, nextOffset: 2 });
    });

    it('counts an answer until its last part is used up', async () => {
      group.append('t', 0, 'a');
      group.append('t', 1, 'b');
      await open(2);
      const held = fetcher.heldBytes;
      fetcher.take(1);
      expect(fetcher.heldBytes).toBe(held);
      fetcher.take(1);
      expect(fetcher.heldBytes).toBe(0);
    });
  });

  describe('batches', () => {
    it('passes gaps and control batches, and says so even without records', async () => {
      group.append('t', 0, 'a');
      const log = group.log('t-0');
      log.end = 5; // compaction left a gap
      group.append('t', 0, 'b');
      await open(1);
      expect(fetcher.take(1)[0]).toMatchObject({ nextOffset: 1 });
      const [b] = fetcher.take(1);
      expect([b!.records[0]!.offset, b!.nextOffset]).toEqual([5, 6]);
      const marker = { type: 'commit', producerId: 1n, producerEpoch: 0, coordinatorEpoch: 0, timestamp: 0 } as const;
      group.appendBatch('t', 0, encodeControlBatch(marker), 7);
      await flush();
      expect(fetcher.take(1)).toEqual([expect.objectContaining({ records: [], nextOffset: 7 })]);
    });

    it('drops aborted transactions under read_committed only', async () => {
      const transactional = (value: string, producerId: bigint): Buffer =>
        encodeRecords([{ key: null, value: Buffer.from(value) }], {
          timestamp: 0,
          producerId,
          producerEpoch: 0,
          baseSequence: 0,
          transactional: true,
        });
      const marker = { producerEpoch: 0, coordinatorEpoch: 0, timestamp: 0 };
      const batches = [
        transactional('aborted', 1n),
        transactional('committed', 2n),
        encodeControlBatch({ ...marker, type: 'abort', producerId: 1n }),
        transactional('later', 1n),
        encodeControlBatch({ ...marker, type: 'commit', producerId: 2n }),
        encodeControlBatch({ ...marker, type: 'commit', producerId: 1n }),
      ];
      for (const [at, bytes] of batches.entries()) setBaseOffset(bytes, 0, at);
      for (const isolationLevel of ['read_committed', 'read_uncommitted'] as const) {
        group.script.on(Fetch, async ({ topics }) => {
          if (topics[0]!.partitions[0]!.fetchOffset > 0) return never();
          const abortedTransactions = isolationLevel === 'read_committed' ? [{ producerId: 1n, firstOffset: 0 }] : null;
          const partition = {
            partitionIndex: 0,
            errorCode: 0,
            highWatermark: 6,
            abortedTransactions,
            records: Buffer.concat(batches),
          };
          return { throttleTimeMs: 0, responses: [{ topic: 't', partitions: [partition] }] };
        });
        await open(1, { isolationLevel });
        const [taken] = fetcher.take(10);
        const all = ['aborted', 'committed', 'later'];
        expect(values([taken!])).toEqual(isolationLevel === 'read_committed' ? all.slice(1) : all);
        expect(taken!.nextOffset).toBe(6);
      }
    });

    it('names a batch that fails its checksum and stays before it; other partitions flow', async () => {
      const bytes = batch(2, 50);
      bytes[bytes.length - 5]! ^= 1;
      group.append('t', 0, 'good');
      group.appendBatch('t', 0, bytes, 3);
      group.append('t', 1, 'other');
      await open(2);
      expect(values(fetcher.take(10)).sort()).toEqual(['good', 'other']);
      expect(() => fetcher.take(10)).toThrow(/t-0, offsets 1 to 2, failed its checksum/);
      expect(fetcher.get('t', 0)!.position).toBe(1);
      expect(fetcher.take(10)).toEqual([]);
      await clock.advance(200);
      expect(() => fetcher.take(10)).toThrow(/failed its checksum/);
      fetcher.seek('t', 0, 3);
      group.append('t', 0, 'after');
      await flush();
      expect(values(fetcher.take(10))).toEqual(['after']);
    });

    it('does not look at checksums with check.crcs=false', async () => {
      const bytes = batch(1, 50);
      bytes[bytes.length - 5]! ^= 1;
      group.appendBatch('t', 0, bytes, 1);
      await open(1, { checkCrcs: false });
      expect(fetcher.take(10)[0]!.records).toHaveLength(1);
    });
  });

  describe('positions', () => {
    it('drops what was fetched for the position before a seek, also what is under way', async () => {
      group.append('t', 0, 'a', 'b');
      group.append('t', 0, 'c');
      await open(1);
      fetcher.seek('t', 0, 1);
      await flush();
      expect(values(fetcher.take(10))).toEqual(['b', 'c']);
      group.append('t', 0, 'd');
      fetcher.seek('t', 0, 2);
      await flush();
      expect(values(fetcher.take(10))).toEqual(['c', 'd']);
    });

    it('ignores answers for an assignment that has ended', async () => {
      await open(1);
      group.append('t', 0, 'a');
      fetcher.halt();
      assign([0], 0, 2);
      await flush();
      expect(fetcher.get('t', 0)!.bufferedBytes).toBe(0);
      fetcher.flow();
      await flush();
      expect(fetcher.take(1)[0]).toMatchObject({ assignmentEpoch: 2 });
    });

    it('reports a position that the log does not hold, once, and waits for a new one', async () => {
      group.log('t-0').start = 5;
      group.log('t-0').end = 5;
      group.append('t', 0, 'x');
      await open(1);
      await clock.advance(2_000);
      expect(outOfRange.map(({ position }) => position)).toEqual([0]);
      fetcher.seek('t', 0, 5);
      await flush();
      expect(values(fetcher.take(1))).toEqual(['x']);
    });
  });

  describe('trouble', () => {
    it.each([3, 5, 6, 74, 75])('refreshes the metadata after %i and follows the leader', async (errorCode) => {
      group.append('t', 0, 'x');
      const usual = group.script.handler(Fetch);
      group.script.on(Fetch, (request, call) => {
        if (call.nodeId === 2) return usual(request, call);
        group.script.leaderOf = () => 2;
        const partition = { partitionIndex: 0, errorCode, highWatermark: -1, abortedTransactions: null, records: null };
        return { throttleTimeMs: 0, responses: [{ topic: 't', partitions: [partition] }] };
      });
      await open(1);
      await clock.advance(150);
      expect(main.refreshes).toBe(1);
      expect(
        fetches()
          .map(({ nodeId }) => nodeId)
          .slice(0, 2),
      ).toEqual([1, 2]);
      expect(values(fetcher.take(1))).toEqual(['x']);
    });

    it('asks by name for a topic that its metadata no longer knows', async () => {
      group.append('t', 0, 'x');
      const usual = group.script.handler(Fetch);
      group.script.on(Fetch, () => {
        main.forget('t');
        group.script.on(Fetch, usual);
        const partition = {
          partitionIndex: 0,
          errorCode: 3,
          highWatermark: -1,
          abortedTransactions: null,
          records: null,
        };
        return { throttleTimeMs: 0, responses: [{ topic: 't', partitions: [partition] }] };
      });
      await open(1);
      await clock.advance(1_000);
      expect(values(fetcher.take(1))).toEqual(['x']);
    });

    it('goes on after a broken connection, with back-off and one report', async () => {
      const usual = group.script.handler(Fetch);
      group.script.on(Fetch, () => {
        throw connectionError('gone');
      });
      await open(1);
      await clock.advance(10_000);
      expect(fetches().length).toBeGreaterThan(8);
      expect(fetches().length).toBeLessThan(16);
      group.script.on(Fetch, usual);
      group.append('t', 0, 'x');
      await clock.advance(1_100);
      expect(values(fetcher.take(1))).toEqual(['x']);
    });

    it('waits as long as the broker says', async () => {
      const usual = group.script.handler(Fetch);
      group.script.on(Fetch, async (request, call) => ({ ...(await usual(request, call)), throttleTimeMs: 300 }));
      group.append('t', 0, 'x');
      await open(1);
      await clock.advance(290);
      expect(fetches()).toHaveLength(1);
      await clock.advance(20);
      expect(fetches()).toHaveLength(2);
    });

    it('asks each leader for its own partitions', async () => {
      group.script.leaderOf = (_, partition) => 1 + (partition % 2);
      await open(4);
      expect(fetches().map(({ nodeId }) => nodeId)).toEqual([1, 2]);
      expect([covered(0), covered(1)]).toEqual([
        [0, 2],
        [1, 3],
      ]);
    });

    it('lets the others come first after an answer that was cut at its limit', async () => {
      await open(3);
      group.append('t', 0, 'x');
      await flush();
      fetcher.take(1);
      await clock.advance(600);
      expect(covered(fetches().length - 1)).toEqual([1, 2, 0]);
    });
  });

  it('decodes what it hands over as the codec does', async () => {
    const bytes = batch(3, 5);
    group.appendBatch('t', 0, bytes, 3);
    await open(1);
    const expected: any[] = [];
    decodeBatch('t', 0, bytes, 0, bytes.length, 0, expected);
    expect(fetcher.take(10)[0]!.records).toEqual(expected);
  });
});
