import { describe, expect, it } from '@jest/globals';
import { ErrorCode } from '../../../../src/protocol/error-codes.js';
import { Produce } from '../../../../src/protocol/messages/00-produce.js';
import { verifyCrc } from '../../../../src/protocol/record-batch.js';
import { BatchSlabs } from '../../../../src/runtime/client/producer/batch-slabs.js';
import { KafkaProducer } from '../../../../src/runtime/client/producer/kafka-producer.js';
import { type ProducerOptions } from '../../../../src/runtime/client/producer/producer-options.js';
import { ManualClock, flush as settle } from '../../../support/manual-clock.js';
import { ClusterScript, type ScriptedCluster } from '../../../support/scripted-cluster.js';

describe('batch slabs', () => {
  it('are used again, the last one first', () => {
    const slabs = new BatchSlabs(2048);
    const [first, second] = [slabs.take(100)!, slabs.take(2048)!];
    expect([first.length, second.length]).toEqual([2048, 2048]);
    slabs.giveBack(first, true);
    slabs.giveBack(second, true);
    expect(slabs.take(100)).toBe(second);
    expect(slabs.take(100)).toBe(first);
  });

  it('are not used again while somebody may read them, and count no more', () => {
    const slabs = new BatchSlabs(1024 * 1024);
    const taken = Array.from({ length: 8 }, () => slabs.take(100)!);
    expect(slabs.take(100)).toBeUndefined();
    slabs.giveBack(taken[0]!, false);
    expect(taken).not.toContain(slabs.take(100));
    expect(slabs.take(100)).toBeUndefined();
  });

  it('are a megabyte at most while no batch is under way', () => {
    const slabs = new BatchSlabs(64 * 1024);
    const taken = Array.from({ length: 100 }, () => slabs.take(100)!);
    for (const slab of taken) slabs.giveBack(slab, true);
    const again = new Set(Array.from({ length: 100 }, () => slabs.take(100)!));
    expect(taken.filter((slab) => again.has(slab))).toHaveLength(16);
  });

  it('are not for records that are larger, nor for batches of very small and very large size', () => {
    expect(new BatchSlabs(2048).take(2049)).toBeUndefined();
    expect(new BatchSlabs(0).take(0)).toBeUndefined();
    expect(new BatchSlabs(2 * 1024 * 1024).take(100)).toBeUndefined();
  });
});

describe('the memory of a batch', () => {
  const VALUE = 'x'.repeat(100);

  /** A producer whose cluster keeps what it is given to send, as a socket does that is slow to write. */
  async function start(options: ProducerOptions, answers: Array<'stored' | 'nobody knows'>) {
    const script = new ClusterScript({ orders: 1 });
    const clock = new ManualClock();
    const cluster = script.open();
    const held: Buffer[] = [];
    const written: Buffer[] = [];
    let offset = 0;
    const send = cluster.send.bind(cluster) as ScriptedCluster['send'];
    cluster.send = ((nodeId, api, version, request, given) => {
      if (api.key !== Produce.key) return send(nodeId, api, version, request, given);
      const { records } = (request as unknown as { topicData: [{ partitionData: [{ records: Buffer }] }] }).topicData[0]
        .partitionData[0];
      held.push(records);
      written.push(Buffer.from(records));
      if (given?.expectResponse === false) return Promise.resolve(undefined);
      if (answers.shift() === 'nobody knows') return Promise.reject(new Error('no answer'));
      const stored = {
        index: 0,
        errorCode: ErrorCode.NONE,
        baseOffset: offset++,
        logAppendTimeMs: -1,
        recordErrors: [],
      };
      const partitionResponses = [{ ...stored, errorMessage: null }];
      return Promise.resolve({ throttleTimeMs: 0, responses: [{ name: 'orders', partitionResponses }] });
    }) as ScriptedCluster['send'];
    const producer = new KafkaProducer({
      cluster,
      clock,
      options: { lingerMs: 0, enableIdempotence: false, ...options },
    });
    await producer.start();
    await producer.partitionsFor('orders');
    const sendOne = async (letter: string) => {
      const sent = producer.send('orders', 0, { key: null, value: letter + VALUE });
      await settle();
      await clock.advance(10_000);
      return sent;
    };
    return { sendOne, held, written };
  }

  it('is that of one before it that is stored', async () => {
    const { sendOne, held, written } = await start({}, ['stored', 'stored']);
    await sendOne('a');
    await sendOne('b');
    expect(held[1]!.buffer).toBe(held[0]!.buffer);
    expect(written.map((batch) => verifyCrc(batch))).toEqual([true, true]);
    expect(written.map((batch) => batch.includes(`a${VALUE}`))).toEqual([true, false]);
  });

  it('is not written over after an attempt that nobody answered: it may still wait in a socket', async () => {
    const { sendOne, held, written } = await start({}, ['nobody knows', 'stored', 'stored']);
    await sendOne('a');
    await sendOne('b');
    expect(held).toHaveLength(3);
    expect(held[0]).toEqual(written[0]);
    expect(held[2]!.buffer).not.toBe(held[0]!.buffer);
  });

  it('is not written over where answers are not asked for', async () => {
    const { sendOne, held } = await start({ acks: 0 }, []);
    await sendOne('a');
    await sendOne('b');
    expect(held[1]!.buffer).not.toBe(held[0]!.buffer);
  });
});
