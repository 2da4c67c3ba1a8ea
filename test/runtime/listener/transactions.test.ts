import { describe, expect, it } from '@jest/globals';
import { NestdawError } from '../../../src/common/errors.js';
import { type CommitOffset, type GroupMetadata } from '../../../src/runtime/client/consumer-client.js';
import { decodeGapMap } from '../../../src/runtime/dispatch/gap-map.js';
import { defaultErrorHandler } from '../../../src/runtime/listener/failures/error-handler.js';
import { DONE, type Outcome, type RecordInvoker } from '../../../src/runtime/listener/listener-endpoint.js';
import { type SpanProducer } from '../../../src/runtime/listener/spans/span-producer.js';
import { type FakeKafka } from '../../support/fake-consumer.js';
import { failed, GatedHandler, Harness, type HarnessOptions, TOPIC } from '../../support/listener-harness.js';
import { flush } from '../../support/manual-clock.js';

// A container's spans over fake consumers and producers, with time in the test's hands: when they end, what they
// commit, and what becomes of them when something goes wrong.

/** Sends of the open transaction become visible with its commit. */
class FakeProducer implements SpanProducer {
  readonly timeoutMs = 60_000;
  readonly log: string[] = [];
  readonly visible: string[] = [];
  #open: string[] | undefined;
  /** What the next commits do instead; `lost`: they happen, and nobody hears of it. */
  readonly commits: Array<Error | 'lost'> = [];
  abortError: Error | undefined;
  kafka!: FakeKafka;

  begin(): Promise<void> {
    if (this.#open) throw new Error('a transaction is open');
    this.#open = [];
    return Promise.resolve();
  }

  run<R>(work: () => R): R {
    return work();
  }

  send(text: string): void {
    this.#open!.push(text);
  }

  async commit(offsets: readonly CommitOffset[], group: GroupMetadata): Promise<void> {
    await Promise.resolve();
    const fate = this.commits.shift();
    if (fate instanceof Error) {
      this.log.push(`refused ${fate.message}`);
      throw fate;
    }
    for (const { topic, partition, offset, metadata = '' } of offsets) {
      this.kafka.committed.set(topic, partition, { offset, metadata });
    }
    this.visible.push(...this.#open!);
    this.#open = undefined;
    this.log.push(
      `commit ${offsets.map(({ partition, offset }) => `${partition}@${offset}`).join(' ')} by ${group.memberId}`,
    );
    if (fate === 'lost') throw new NestdawError('KAFKA_TRANSACTION_UNDECIDED', 'no answer', { retriable: true });
  }

  async abort(): Promise<void> {
    await Promise.resolve();
    if (this.#open === undefined) return;
    if (this.abortError) throw this.abortError;
    this.#open = undefined;
    this.log.push('abort');
  }

  async replace(): Promise<void> {
    await Promise.resolve();
    this.abortError = undefined;
    this.#open = undefined;
    this.log.push('replace');
  }

  close(): void {
    this.log.push('close');
  }
}

const fenced = () => new NestdawError('KAFKA_PRODUCER_FENCED', 'taken over');
const aborted = (code?: number) =>
  new NestdawError('KAFKA_TRANSACTION_ABORTED', 'must be aborted', {
    retriable: true,
    ...(code === undefined
      ? {}
      : { cause: Object.assign(new NestdawError('KAFKA_PROTOCOL_ERROR', 'refused'), { errorCode: code }) }),
  });
const p = (...partitions: number[]) => partitions.map((partition) => ({ topic: TOPIC, partition }));
const pool = { workers: 4, order: 'key' as const, gapMap: true };

function make({ endpoint, invoke = () => DONE, ...rest }: HarnessOptions) {
  const producer = new FakeProducer();
  const sending: RecordInvoker = (record, context) => {
    producer.send(`${record.partition}-${record.offset}`);
    return invoke(record, context);
  };
  const open = () => Promise.resolve(producer);
  const harness = new Harness({ ...rest, endpoint: { ...endpoint, transactions: open }, invoke: sending });
  producer.kafka = harness.kafka;
  return { harness, producer };
}

describe('a span', () => {
  it('is a record under RECORD, a poll under BATCH', async () => {
    for (const [ackMode, commits] of [
      ['RECORD', ['commit 0@1 by m', 'commit 0@2 by m', 'commit 0@3 by m']],
      ['BATCH', ['commit 0@3 by m']],
    ] as const) {
      const { harness, producer } = make({ endpoint: { ackMode } });
      harness.push(3);
      await harness.start();
      expect(producer.log).toEqual(commits);
      expect(producer.visible).toEqual(['0-0', '0-1', '0-2']);
      await harness.container.stop();
      expect(producer.log.at(-1)).toBe('close');
    }
  });

  it('starts nothing new while it ends, and waits for what runs', async () => {
    const handler = new GatedHandler();
    const { harness, producer } = make({
      endpoint: { ...pool, workers: 2, ackMode: 'COUNT', ackCount: 1 },
      invoke: handler.invoke,
    });
    harness.push(4, (i) => `k${i}`);
    await harness.start();
    expect(handler.runningOffsets).toEqual([0, 1]);
    await handler.end(1);
    expect([handler.runningOffsets, producer.log]).toEqual([[0], []]);
    await handler.end(0);
    expect([handler.runningOffsets, producer.log]).toEqual([[2, 3], ['commit 0@2 by m']]);
    await handler.endAll();
    await harness.container.stop();
  });

  it('ends in time, with gaps, so that the broker does not abort it', async () => {
    const handler = new GatedHandler();
    const { harness, producer } = make({ endpoint: { ...pool, workers: 2 }, invoke: handler.invoke });
    harness.push(4, (i) => (i % 2 === 0 ? 'a' : 'b'));
    await harness.start();
    await handler.end(1);
    await harness.clock.advance(20_000);
    expect([handler.runningOffsets, producer.log]).toEqual([[0, 3], []]);
    await handler.end(3);
    await handler.end(0);
    // 2 has not begun: 3 behind it is finished, and told with the commit.
    expect(producer.log).toEqual(['commit 0@2 by m']);
    const { offset, metadata } = harness.kafka.committed.get(TOPIC, 0)!;
    expect(decodeGapMap(offset, metadata)).toEqual([{ from: 3, to: 4 }]);
    await handler.endAll();
    expect(producer.visible).toEqual(['0-0', '0-1', '0-3', '0-2']);
    await harness.container.stop();
  });

  it('is aborted and runs again as a whole when one of it fails', async () => {
    const fails = new Set([1]);
    const attempts: string[] = [];
    const invoke: RecordInvoker = (record, { attempt }) => {
      attempts.push(`${record.offset}:${attempt}`);
      return fails.delete(record.offset) ? failed() : DONE;
    };
    const { harness, producer } = make({ partitions: 2, invoke });
    harness.push(3);
    harness.push(1, () => null, 1);
    await harness.start();
    await flush();
    expect(producer.log).toEqual(['abort', 'commit 0@3 1@1 by m']);
    expect(producer.visible.sort()).toEqual(['0-0', '0-1', '0-2', '1-0']);
    // Its second delivery is counted as one; those that were not at fault begin anew.
    expect(attempts.filter((one) => one.startsWith('1:'))).toEqual(['1:1', '1:2']);
    expect(attempts.filter((one) => one.startsWith('2:') && one !== '2:1')).toEqual([]);
    expect(harness.ofType('rolled-back').length).toBe(1);
    await harness.container.stop();
  });

  it('waits with the failed record’s partition for its back-off, and others go on', async () => {
    let tries = 0;
    const invoke: RecordInvoker = ({ partition }): Outcome => (partition === 0 && ++tries === 1 ? failed() : DONE);
    const settings = { errorHandler: defaultErrorHandler({ backoff: () => 1_000 }) };
    const { harness, producer } = make({ partitions: 2, invoke, settings });
    harness.push(1);
    await harness.start();
    expect(producer.log).toEqual(['abort']);
    harness.push(1, () => null, 1);
    await flush();
    expect([tries, producer.visible]).toEqual([1, ['1-0']]);
    await harness.clock.advance(1_000);
    expect([tries, producer.visible]).toEqual([2, ['1-0', '0-0']]);
    await harness.container.stop();
  });

  it('passes over a record when the error handler says so, and commits past it', async () => {
    const settings = { errorHandler: defaultErrorHandler({ retries: 1, exhausted: 'skip' }) };
    const { harness, producer } = make({ invoke: ({ offset }) => (offset === 1 ? failed() : DONE), settings });
    harness.push(3);
    await harness.start();
    await flush();
    expect([producer.visible, harness.committed()]).toEqual([['0-0', '0-2'], 3]);
    expect(harness.container.describe().consumers[0]!.counters.skipped).toBe(1);
    await harness.container.stop();
  });

  it('pauses the partition of a record that goes on failing, and runs it again when resumed', async () => {
    let isCured = false;
    const settings = { errorHandler: defaultErrorHandler({ retries: 1 }) };
    const invoke: RecordInvoker = ({ offset }) => (offset === 1 && !isCured ? failed() : DONE);
    const { harness, producer } = make({ invoke, settings, endpoint: { ackMode: 'RECORD' } });
    harness.push(3);
    await harness.start();
    await flush();
    expect([producer.visible, harness.committed()]).toEqual([['0-0'], 1]);
    expect(harness.ofType('paused').map(({ by }) => by)).toEqual(['error']);
    isCured = true;
    harness.container.resume();
    await flush();
    expect([producer.visible, harness.committed()]).toEqual([['0-0', '0-1', '0-2'], 3]);
    await harness.container.stop();
  });

  it('tries the recoverer again after a while when that fails, and commits with it', async () => {
    const taken: number[] = [];
    let recoveries = 0;
    const recoverer = ({ record }: { record: { offset: number } }) => {
      if (++recoveries === 1) throw new Error('no topic');
      taken.push(record.offset);
    };
    const settings = { errorHandler: defaultErrorHandler({ retries: 0, recoverer }) };
    const { harness, producer } = make({ invoke: ({ offset }) => (offset === 0 ? failed() : DONE), settings });
    harness.push(2);
    await harness.start();
    await flush();
    expect([recoveries, harness.ofType('recovery-failed').length, producer.visible]).toEqual([1, 1, []]);
    await harness.clock.advance(1_000);
    await flush();
    expect([taken, producer.visible, harness.committed()]).toEqual([[0], ['0-1'], 2]);
    await harness.container.stop();
  });
});

describe('a span in a rebalance', () => {
  it('is committed before its partitions go', async () => {
    const handler = new GatedHandler();
    const { harness, producer } = make({ partitions: 2, endpoint: pool, invoke: handler.invoke });
    harness.push(1, () => 'a');
    harness.push(1, () => 'b', 1);
    await harness.start();
    const revoked = harness.consumer.revoke(new AbortController().signal);
    await handler.endAll();
    await revoked;
    expect(producer.log).toEqual(['commit 0@1 1@1 by m']);
    await harness.consumer.assign(p(1));
    await harness.container.stop();
  });

  it('is aborted at the deadline, and what still runs sends nothing that is seen', async () => {
    const handler = new GatedHandler();
    const { harness, producer } = make({ partitions: 2, endpoint: pool, invoke: handler.invoke });
    harness.push(1, () => 'a');
    harness.push(1, () => 'b', 1);
    await harness.start();
    const deadline = new AbortController();
    const revoked = harness.consumer.revoke(deadline.signal);
    await handler.end(0, DONE, 1);
    deadline.abort();
    await revoked;
    expect([producer.log, producer.visible]).toEqual([['abort'], []]);
    await harness.consumer.assign(p(1));
    await flush();
    // The partition that came back does its part again.
    await handler.endAll();
    await flush();
    await handler.endAll();
    expect([producer.visible, harness.committed(1)]).toEqual([['1-0'], 1]);
    await harness.container.stop();
  });

  it('is aborted when membership is lost', async () => {
    const handler = new GatedHandler();
    const { harness, producer } = make({ endpoint: pool, invoke: handler.invoke });
    harness.push(2, (i) => `k${i}`);
    await harness.start();
    await handler.end(0);
    await harness.consumer.lose();
    await flush();
    expect([producer.log, producer.visible]).toEqual([['abort'], []]);
    await harness.consumer.assign(p(0));
    await flush();
    await handler.endAll();
    await flush();
    await handler.endAll();
    expect([producer.visible, harness.committed()]).toEqual([['0-0', '0-1'], 2]);
    await harness.container.stop();
  });

  it('runs again, and blames no record, when the group refuses its offsets', async () => {
    const { harness, producer } = make({});
    producer.commits.push(aborted(22));
    harness.push(1);
    await harness.start();
    await flush();
    expect(producer.log).toEqual(['refused must be aborted', 'abort', 'commit 0@1 by m']);
    expect([harness.ofType('failed').length, producer.visible]).toEqual([0, ['0-0']]);
    await harness.container.stop();
  });
});

describe('the end of a span', () => {
  it('that the brokers refuse counts as a failure of its first record', async () => {
    const settings = { errorHandler: defaultErrorHandler({ retries: 1, exhausted: 'skip' }) };
    const { harness, producer } = make({ settings });
    producer.commits.push(aborted(), aborted());
    harness.push(2);
    await harness.start();
    await flush();
    expect(harness.ofType('failed').map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect([producer.visible, harness.committed()]).toEqual([['0-1'], 2]);
    await harness.container.stop();
  });

  it('that the brokers refuse for the length of its metadata runs again, blames no record, and waits for its gaps', async () => {
    const handler = new GatedHandler();
    const { harness, producer } = make({ endpoint: { ...pool, workers: 2 }, invoke: handler.invoke });
    producer.commits.push(aborted(12));
    harness.push(4, (i) => (i % 2 === 0 ? 'a' : 'b'));
    await harness.start();
    const endWithGap = async () => {
      expect(handler.runningOffsets).toEqual([0, 1]);
      await handler.end(1);
      await harness.clock.advance(20_000);
      await handler.end(3);
      await handler.end(0);
    };
    await endWithGap();
    expect(producer.log).toEqual(['refused must be aborted', 'abort']);
    await endWithGap();
    expect([handler.runningOffsets, producer.log.length]).toEqual([[2], 2]);
    const polls: number[] = [];
    const poll = harness.consumer.poll.bind(harness.consumer);
    harness.consumer.poll = (options) => {
      polls.push(options.maxRecords);
      return poll(options);
    };
    await handler.endAll();
    expect(producer.log.slice(2)).toEqual(['commit 0@4 by m']);
    expect(producer.visible.sort()).toEqual(['0-0', '0-1', '0-2', '0-3']);
    expect(harness.ofType('failed')).toEqual([]);
    // A poll that took a third of the time-out: the next ones are half as large.
    expect(polls[0]).toBe(250);
    await harness.container.stop();
  });

  it('that nobody answered is found out: it had happened', async () => {
    const { harness, producer } = make({});
    producer.commits.push('lost');
    harness.push(2);
    await harness.start();
    await flush();
    expect(producer.log).toEqual(['commit 0@2 by m', 'replace']);
    expect([producer.visible, harness.ofType('rolled-back').length]).toEqual([['0-0', '0-1'], 0]);
    await harness.container.stop();
  });

  it('that nobody answered is found out: it had not', async () => {
    const { harness, producer } = make({});
    producer.commits.push(new NestdawError('KAFKA_TRANSACTION_UNDECIDED', 'no answer', { retriable: true }));
    harness.push(2);
    await harness.start();
    await flush();
    expect(producer.log).toEqual(['refused no answer', 'replace', 'commit 0@2 by m']);
    expect(producer.visible).toEqual(['0-0', '0-1']);
    await harness.container.stop();
  });

  it('that nobody answered is asked about until the group says: what it sent is not sent twice', async () => {
    const { harness, producer } = make({});
    await harness.start();
    producer.commits.push('lost');
    const { consumer } = harness;
    const committedOffsets = consumer.committedOffsets.bind(consumer);
    let refusals = 3;
    consumer.committedOffsets = (partitions) =>
      refusals-- > 0 ? Promise.reject(new Error('coordinator is loading')) : committedOffsets(partitions);
    harness.push(2);
    await flush();
    for (let n = 0; n < 5; n++) await harness.clock.advance(1_000);
    expect([producer.log, refusals]).toEqual([['commit 0@2 by m', 'replace'], -1]);
    expect([producer.visible, harness.ofType('rolled-back').length]).toEqual([['0-0', '0-1'], 0]);
    expect(harness.log.filter((line) => line.includes('coordinator is loading'))).toHaveLength(1);
    await harness.container.stop();
  });

  it('that is fenced stops the container, with the reason', async () => {
    const { harness, producer } = make({});
    producer.commits.push(fenced());
    harness.push(1);
    await harness.start();
    await flush();
    expect([harness.container.state, harness.container.failure]).toMatchObject([
      'failed',
      { code: 'KAFKA_PRODUCER_FENCED' },
    ]);
    expect(producer.visible).toEqual([]);
    await harness.container.stop();
  });

  it('that is fenced because it came too late runs again under a new producer', async () => {
    const handler = new GatedHandler();
    const settings = { maxPollIntervalMs: 600_000 };
    const { harness, producer } = make({ invoke: handler.invoke, settings });
    producer.commits.push(fenced());
    producer.abortError = fenced();
    harness.push(1);
    await harness.start();
    await harness.clock.advance(61_000);
    await handler.end(0);
    await flush();
    expect(producer.log).toEqual(['refused taken over', 'replace']);
    await handler.endAll();
    expect([producer.visible, harness.container.state]).toEqual([['0-0'], 'running']);
    await harness.container.stop();
  });

  it('waits for its producer at the start, however long that takes', async () => {
    const producer = new FakeProducer();
    let tries = 0;
    const open = () =>
      ++tries < 3
        ? Promise.reject(new NestdawError('KAFKA_TRANSACTION_UNDECIDED', 'no broker', { retriable: true }))
        : Promise.resolve(producer);
    const harness = new Harness({ endpoint: { transactions: open } });
    producer.kafka = harness.kafka;
    harness.push(1);
    await harness.start();
    expect(harness.container.describe().consumers[0]!.counters.invoked).toBe(0);
    await harness.clock.advance(1_000);
    await harness.clock.advance(1_000);
    await flush();
    expect([tries, producer.log]).toEqual([3, ['commit 0@1 by m']]);
    await harness.container.stop();
  });
});
