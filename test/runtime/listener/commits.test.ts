import { describe, expect, it } from '@jest/globals';
import { NestdawError } from '../../../src/common/errors.js';
import { deferred } from '../../../src/common/lifecycle.js';
import { type ListenerMetadata } from '../../../src/common/offset-metadata.js';
import { type KafkaRecord } from '../../../src/common/record.js';
import { type CommitOffset } from '../../../src/runtime/client/consumer-client.js';
import { type Acknowledgment, DONE, type RecordInvoker } from '../../../src/runtime/listener/listener-endpoint.js';
import { GatedHandler, Harness, TOPIC } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

const offsetsOf = (harness: Harness) => harness.consumer.commits.map(([first]) => first!.offset);

/** As brokers do that take no more metadata. */
const refusing = (characters: number) => (offsets: readonly CommitOffset[]) => {
  if (offsets.every(({ metadata = '' }) => metadata.length <= characters)) return;
  const cause = Object.assign(new NestdawError('KAFKA_PROTOCOL_ERROR', 'too large'), { errorCode: 12 });
  throw new NestdawError('KAFKA_COMMIT_FAILED', 'refused', { cause });
};

describe('commits', () => {
  it('are made every `ackCount` records under COUNT, the rest when nothing more comes', async () => {
    const harness = new Harness({
      endpoint: { workers: 1, order: 'partition', ackMode: 'COUNT', ackCount: 4 },
      invoke: async () => DONE,
    });
    harness.push(10);
    await harness.start();
    await flush(10);
    expect(harness.committed()).toBeGreaterThanOrEqual(8);
    await harness.clock.advance(5_000);
    expect(harness.committed()).toBe(10);
    expect(harness.consumer.commits.length).toBeLessThanOrEqual(4);
    await harness.container.stop();
  });

  it('are made every `ackTimeMs` under TIME', async () => {
    const harness = new Harness({ endpoint: { ackMode: 'TIME', ackTimeMs: 100 } });
    harness.push(3);
    await harness.start();
    expect(harness.committed()).toBe(0);
    await harness.clock.advance(99);
    expect(harness.committed()).toBe(0);
    await harness.clock.advance(1);
    expect(harness.committed()).toBe(3);
    await harness.clock.advance(1_000);
    expect(offsetsOf(harness)).toEqual([0, 3]);
    await harness.container.stop();
  });

  it('go one at a time, and the newest offset wins', async () => {
    const harness = new Harness({ endpoint: { workers: 1, order: 'partition', ackMode: 'RECORD' } });
    await harness.start();
    const gate = deferred();
    let underWay = 0;
    harness.consumer.onCommit = async () => {
      expect(++underWay).toBe(1);
      await gate.promise;
      underWay--;
    };
    harness.push(1);
    await flush();
    harness.push(9);
    await flush();
    expect(underWay).toBe(1);
    gate.resolve();
    await flush();
    expect(offsetsOf(harness)).toEqual([0, 1, 10]);
    await harness.container.stop();
  });

  it('that fail are part of the next one, which is tried without new work', async () => {
    const harness = new Harness({});
    await harness.start();
    let refusals = 1;
    harness.consumer.onCommit = () => {
      if (refusals-- > 0) throw new Error('coordinator is loading');
    };
    harness.push(5);
    await flush(10);
    expect(harness.committed()).toBe(0);
    expect(harness.ofType('commit-failed')).toHaveLength(1);
    expect(harness.log[0]).toContain('coordinator is loading');
    await harness.clock.advance(1_000);
    expect(harness.committed()).toBe(5);
    await harness.container.stop();
  });

  it('never fall back when an older one fails late', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({ endpoint: { workers: 4, order: 'none', ackMode: 'RECORD' }, invoke: handler.invoke });
    harness.push(3);
    await harness.start();
    let failures = 0;
    harness.consumer.onCommit = async ([first]) => {
      await Promise.resolve();
      if (first!.offset === 1 && failures++ === 0) throw new Error('lost answer');
    };
    await handler.end(0);
    await handler.end(2);
    await handler.end(1);
    await harness.clock.advance(1_000);
    const offsets = offsetsOf(harness);
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(offsets.at(-1)).toBe(3);
    await harness.container.stop();
  });

  it('are plain offsets when the map of what is finished behind them is too long: a crash repeats it, and loses nothing', async () => {
    const endpoint = { workers: 4_000, order: 'none' as const, gapMap: true, ackMode: 'RECORD' as const };
    const handler = new GatedHandler();
    const settings = { pollMaxRecords: 4_000, budgetRecords: 4_000, budgetUncommitted: 10_000 };
    const harness = new Harness({ endpoint, settings, invoke: handler.invoke });
    harness.push(3_400);
    await harness.start();
    for (const { record, end } of handler.calls) if (record.offset % 2 === 1) end.resolve(DONE);
    await flush(10);
    await handler.end(0);
    expect(harness.partition()).toMatchObject({ committable: 2, finishedAbove: 1_699 });
    expect(harness.kafka.committed.get(TOPIC, 0)).toEqual({ offset: 2, metadata: '' });
    harness.consumer.crash();

    const redone: number[] = [];
    const next = new Harness({
      kafka: harness.kafka,
      endpoint,
      settings,
      invoke: ({ offset }) => {
        redone.push(offset);
        return DONE;
      },
    });
    await next.start();
    await flush(10);
    expect(redone).toEqual(Array.from({ length: 3_398 }, (_, at) => at + 2));
    expect(next.committed()).toBe(3_400);
    await next.container.stop();
  });

  it('carry a text of the application, with what is finished out of order behind it', async () => {
    const handler = new GatedHandler();
    const endpoint = { workers: 4, order: 'none', gapMap: true, ackMode: 'RECORD', info: 'eu' } as const;
    const offsetMetadata = (listener: ListenerMetadata, offset: number) =>
      `${listener.listenerId} ${listener.groupId} ${listener.info} ${listener.topic}-${listener.partition}@${offset}`;
    const harness = new Harness({ endpoint, settings: { offsetMetadata }, invoke: handler.invoke });
    harness.push(4);
    await harness.start();
    expect(harness.kafka.committed.get(TOPIC, 0)?.metadata).toBe('billing billing eu orders-0@0');
    await handler.end(0);
    await handler.end(2);
    const { offset, metadata } = harness.kafka.committed.get(TOPIC, 0)!;
    expect([offset, metadata]).toEqual([
      1,
      expect.stringMatching(/^billing billing eu orders-0@1 nestdaw-gaps:1:\S+$/),
    ]);
    harness.consumer.crash();

    const redone: number[] = [];
    const invoke = (record: KafkaRecord) => {
      redone.push(record.offset);
      return DONE;
    };
    const next = new Harness({ kafka: harness.kafka, endpoint, settings: { offsetMetadata }, invoke });
    await next.start();
    await flush(10);
    expect([redone, next.log]).toEqual([[1, 3], []]);
    const last = { offset: 4, metadata: 'billing billing eu orders-0@4' };
    expect(next.kafka.committed.get(TOPIC, 0)).toEqual(last);
    const zero = { topic: TOPIC, partition: 0 };
    await next.container.commit({ ...zero, offset: 4, metadata: 'once' });
    expect(next.kafka.committed.get(TOPIC, 0)?.metadata).toBe('once');
    expect(await next.container.commit({ ...zero, offset: 4 })).toEqual([{ ...zero, ...last }]);
    await next.container.stop();
    // Alone it is no map, and nothing to be told of.
    const third = new Harness({ kafka: harness.kafka, endpoint, settings: { offsetMetadata }, invoke });
    await third.start();
    expect([redone, third.log]).toEqual([[1, 3], []]);
    await third.container.stop();
  });

  it.each([
    ['fails', () => Promise.resolve('late') as never, 'it gave [object Promise] instead of text'],
    ['throws', () => JSON.parse('no text') as string, 'is not valid JSON'],
    ['gives a map back', () => 'text nestdaw-gaps:1:AQE', 'it gave what this library stored beside another offset'],
  ])('go without a text of the application that %s', async (_what, offsetMetadata, why) => {
    const harness = new Harness({ settings: { offsetMetadata } });
    harness.push(2);
    await harness.start();
    expect(harness.kafka.committed.get(TOPIC, 0)).toEqual({ offset: 2, metadata: '' });
    const told =
      "error listener 'billing': offsetAndMetadataProvider failed for orders-0 at 2, which is committed without";
    expect(harness.log.at(-1)).toContain(told);
    expect(harness.log.at(-1)).toContain(why);
    await harness.container.stop();
  });

  it('leave out texts of the application that the brokers refuse for their length', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({
      endpoint: { workers: 4, order: 'none', gapMap: true, ackMode: 'RECORD' },
      settings: { offsetMetadata: (_listener, offset) => 'x'.repeat(offset === 1 ? 200 : 20) },
      invoke: handler.invoke,
    });
    harness.push(4);
    await harness.start();
    harness.consumer.onCommit = refusing(60);
    await handler.end(0);
    expect(harness.kafka.committed.get(TOPIC, 0)).toEqual({ offset: 1, metadata: '' });
    expect(harness.log).toEqual([
      expect.stringContaining('texts of more than 100 characters are left out from now on'),
    ]);
    await handler.end(2);
    expect(harness.kafka.committed.get(TOPIC, 0)?.metadata).toMatch(/^nestdaw-gaps:1:/);
    await handler.end(1);
    await handler.end(3);
    expect(harness.kafka.committed.get(TOPIC, 0)).toEqual({ offset: 4, metadata: 'x'.repeat(20) });
    expect([harness.log.length, harness.ofType('commit-failed')]).toEqual([1, []]);
    await harness.container.stop();
  });

  it('have shorter maps, or none, where the brokers take less metadata than by default', async () => {
    const handler = new GatedHandler();
    const harness = new Harness({
      endpoint: { workers: 200, order: 'none', gapMap: true, ackMode: 'RECORD' },
      invoke: handler.invoke,
    });
    harness.push(200);
    await harness.start();
    harness.consumer.onCommit = refusing(60);
    for (const { record, end } of handler.calls) if (record.offset % 2 === 1 || record.offset === 0) end.resolve(DONE);
    await flush(10);
    expect(harness.committed()).toBe(2);
    expect(harness.ofType('commit-failed')).toEqual([]);
    expect(harness.log.filter((line) => line.includes('offset.metadata.max.bytes'))).not.toEqual([]);
    for (const { record, end } of handler.calls) if (record.offset < 180) end.resolve(DONE);
    await flush(10);
    const { offset, metadata } = harness.kafka.committed.get(TOPIC, 0)!;
    expect(offset).toBe(180);
    expect(metadata).toMatch(/^nestdaw-gaps:/);
    await handler.endAll();
    await harness.container.stop();
  });

  it('reach past control records, so that the lag shows 0', async () => {
    const harness = new Harness({});
    harness.push(2);
    await harness.start();
    const { consumer } = harness;
    const original = consumer.poll.bind(consumer);
    consumer.poll = async (options) => {
      const records = await original(options);
      return records.map((received) => ({ ...received, nextOffset: received.nextOffset + 1 }));
    };
    await harness.clock.advance(5_000);
    harness.push(1);
    await flush(10);
    expect(harness.committed()).toBe(4);
    await harness.container.stop();
  });
});

describe('manual acknowledgment', () => {
  /** Collects acknowledgments by offset; the handler itself returns at once. */
  function collecting() {
    const acks = new Map<number, Acknowledgment>();
    const invoke: RecordInvoker = (record, { acknowledgment }) => {
      acks.set(record.offset, acknowledgment!);
      return DONE;
    };
    return { acks, invoke };
  }

  it('may come in any order, after the handler has returned: commits wait for the lowest', async () => {
    const { acks, invoke } = collecting();
    const harness = new Harness({ endpoint: { ackMode: 'MANUAL', workers: 4, order: 'key' }, invoke });
    harness.push(3, (i) => `k${i}`);
    await harness.start();
    expect(acks.size).toBe(3);
    await acks.get(2)!.acknowledge();
    await acks.get(1)!.acknowledge();
    await flush();
    expect(harness.committed()).toBe(0);
    await acks.get(0)!.acknowledge();
    await flush();
    expect(harness.committed()).toBe(3);
    await acks.get(0)!.acknowledge();
    await harness.container.stop();
  });

  it('that never comes keeps the offset, and the partition pauses in the end', async () => {
    const { acks, invoke } = collecting();
    const harness = new Harness({
      endpoint: { ackMode: 'MANUAL' },
      settings: { budgetUncommitted: 20, pollMaxRecords: 5 },
      invoke,
    });
    harness.push(100);
    await harness.start();
    await flush(20);
    expect(acks.size).toBe(20);
    expect(harness.consumer.pausesOf(TOPIC, 0)).toEqual(['backpressure']);
    const first = [...acks.values()];
    for (const ack of first) await ack.acknowledge();
    await flush(20);
    expect(acks.size).toBe(40);
    expect(harness.committed()).toBe(20);
    await harness.container.stop();
  });

  it('resolves when the commit is acknowledged under MANUAL_IMMEDIATE, and rejects when it fails', async () => {
    const { acks, invoke } = collecting();
    const harness = new Harness({ endpoint: { ackMode: 'MANUAL_IMMEDIATE' }, invoke });
    harness.push(2);
    await harness.start();
    const gate = deferred();
    harness.consumer.onCommit = () => gate.promise;
    let isDone = false;
    const acknowledged = acks
      .get(0)!
      .acknowledge()
      .then(() => {
        isDone = true;
      });
    await flush();
    expect(isDone).toBe(false);
    gate.resolve();
    await acknowledged;
    expect(harness.committed()).toBe(1);
    harness.consumer.onCommit = () => Promise.reject(new Error('fenced'));
    await expect(acks.get(1)!.acknowledge()).rejects.toThrow('fenced');
    await harness.container.stop();
  });

  it('is refused once the partition was given up, without ending the process', async () => {
    const { acks, invoke } = collecting();
    const harness = new Harness({ endpoint: { ackMode: 'MANUAL' }, invoke });
    harness.push(1);
    await harness.start();
    await harness.consumer.rebalance([]);
    void acks.get(0)!.acknowledge();
    await expect(acks.get(0)!.acknowledge()).rejects.toMatchObject({ code: 'KAFKA_REBALANCED' });
    await harness.container.stop();
  });

  it('gives a record back with nack: the partition waits, then goes on with it', async () => {
    const ran: string[] = [];
    const harness = new Harness({
      partitions: 2,
      endpoint: { ackMode: 'MANUAL', workers: 4, order: 'key' },
      invoke: ({ partition, offset }, { acknowledgment, attempt }) => {
        ran.push(`${partition}:${offset}#${attempt}`);
        if (partition === 0 && offset === 0 && attempt === 1) acknowledgment!.nack(200);
        else void acknowledgment!.acknowledge();
        return DONE;
      },
    });
    harness.push(3, (i) => `k${i}`, 0);
    harness.push(1, undefined, 1);
    await harness.start();
    expect(ran.sort()).toEqual(['0:0#1', '1:0#1']);
    await harness.clock.advance(199);
    expect(ran).toHaveLength(2);
    await harness.clock.advance(1);
    expect(ran.slice(2).sort()).toEqual(['0:0#2', '0:1#1', '0:2#1']);
    expect(harness.committed(0)).toBe(3);
    await harness.container.stop();
  });

  it('refuses a nack that comes too late or contradicts an acknowledgment', async () => {
    const { acks, invoke } = collecting();
    const harness = new Harness({ endpoint: { ackMode: 'MANUAL' }, invoke });
    harness.push(1);
    await harness.start();
    expect(() => acks.get(0)!.nack(0)).toThrow('after the handler returned');
    await acks.get(0)!.acknowledge();
    expect(() => acks.get(0)!.nack(0)).toThrow('the record is finished');
    await harness.container.stop();
  });
});
