import { beforeEach, describe, expect, it } from '@jest/globals';
import { deferred } from '../../../src/common/lifecycle.js';
import { type CommitOffset } from '../../../src/runtime/client/consumer-client.js';
import { MemoryBudget } from '../../../src/runtime/dispatch/memory-budget.js';
import { type ContainerEvent, ContainerEvents } from '../../../src/runtime/listener/container-events.js';
import { containerSettings } from '../../../src/runtime/listener/container-settings.js';
import { PausedPartitions } from '../../../src/runtime/listener/partitions/paused-partitions.js';
import { type ToConsumerThread } from '../../../src/runtime/threads/consumer-messages.js';
import { RemoteConsumer } from '../../../src/runtime/threads/remote-consumer.js';
import { type ThreadLink } from '../../../src/runtime/threads/thread.js';
import { ThreadBoard } from '../../../src/runtime/threads/thread-board.js';
import { type FromThread, type ToThread } from '../../../src/runtime/threads/thread-messages.js';
import { RecordingLogger } from '../../support/fake-clients.js';
import { flush, ManualClock } from '../../support/manual-clock.js';

// The application's side of a consumer in a thread, over a thread that says what the test tells it to.

class ScriptedThread implements ThreadLink {
  readonly name = 'readers#0';
  readonly board = new ThreadBoard();
  readonly heard: ToConsumerThread[] = [];
  readonly ended = deferred<Error>().promise;
  /** What it answers at once; everything unless told otherwise. */
  answers: (ask: Extract<ToConsumerThread, { type: 'ask' }>) => boolean = () => true;
  isKilled = false;
  /** What each commit tells. */
  committed: readonly CommitOffset[] = [];
  #say: (message: FromThread) => void = () => undefined;

  post(message: ToThread): void {
    this.heard.push(message as ToConsumerThread);
    if (message.type !== 'ask' || !this.answers(message)) return;
    queueMicrotask(() =>
      this.say({ type: 'answer', request: message.request, error: undefined, committed: this.committed }),
    );
  }

  say(message: FromThread): void {
    this.#say(structuredClone(message));
  }

  onMessage(listener: (message: FromThread) => void): void {
    this.#say = listener;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  kill(): void {
    this.isKilled = true;
  }

  /** Bodies of what was asked. */
  get asked() {
    return this.heard.flatMap((message) => (message.type === 'ask' ? [message.body] : []));
  }
}

const one = { topic: 'orders', partition: 1 };
const counters = { received: 0, invoked: 0, finished: 7 } as never;
const partition = { ...one, position: 42, committed: 40 } as never;
const known = { index: 0, clientId: undefined, workers: 1 };
const status = { ...known, running: 1, oldest: undefined, partitions: [partition], counters };

describe('a consumer in a thread', () => {
  let clock: ManualClock;
  let logger: RecordingLogger;
  let events: ContainerEvent[];
  let fatal: unknown[];
  let paused: PausedPartitions;
  let thread: ScriptedThread;
  let consumer: RemoteConsumer;

  beforeEach(() => {
    clock = new ManualClock();
    logger = new RecordingLogger();
    events = [];
    fatal = [];
    paused = new PausedPartitions();
    thread = new ScriptedThread();
    const bus = new ContainerEvents(logger);
    bus.on((event) => events.push(event));
    consumer = new RemoteConsumer({
      listener: 'readers',
      groupId: 'g',
      onStopping: () => undefined,
      index: 0,
      settings: containerSettings({ maxPollIntervalMs: 1_000 }),
      workers: 1,
      clock,
      logger,
      events: bus,
      isPaused: () => false,
      pausedPartitions: paused,
      memory: new MemoryBudget(Number.POSITIVE_INFINITY),
      onFatal: (cause) => fatal.push(cause),
    });
    paused.onChange = (topic, partition, isPaused) => consumer.mark(topic, partition, isPaused);
    consumer.attach(thread);
  });

  it('starts with what is paused, tells what the thread said last, and passes events on', async () => {
    paused.set('orders', 3, true);
    await consumer.start();
    expect(thread.asked[0]).toEqual({
      do: 'start',
      workers: 1,
      isPaused: false,
      pausedPartitions: [{ topic: 'orders', partition: 3 }],
    });
    thread.say({ type: 'status', status });
    thread.say({ type: 'event', event: { type: 'revoked', consumer: 0, partitions: [one] } });
    expect(consumer.describe()).toEqual(status);
    expect(consumer.control.assignment()).toEqual([one]);
    expect([consumer.control.position(one), consumer.control.committed(one)]).toEqual([42, 40]);
    expect(events).toEqual([{ type: 'revoked', consumer: 0, partitions: [one] }]);
  });

  it('lets pauses of partitions go with them, whoever paused', async () => {
    await consumer.start();
    thread.say({ type: 'status', status });
    consumer.control.pause(one);
    expect(thread.heard.at(-1)).toEqual({ type: 'mark', ...one, isPaused: true });
    expect(consumer.control.paused()).toEqual([one]);
    thread.say({ type: 'marked', ...one, isPaused: false });
    expect(consumer.control.paused()).toEqual([]);
  });

  it('is paused when its thread says so, or is gone', async () => {
    await consumer.start();
    await consumer.pause();
    expect(thread.asked.at(-1)).toEqual({ do: 'pause' });
    thread.answers = () => false;
    let isPaused = false;
    const paused = consumer.pause().then(() => (isPaused = true));
    await flush();
    expect(isPaused).toBe(false);
    consumer.detach(new Error('gone'));
    await paused;
    await consumer.pause();
  });

  it('asks functions of a position here, about a position that is fresh', async () => {
    await consumer.start();
    thread.say({ type: 'status', status });
    await consumer.control.seek((current) => current - 2);
    expect(thread.asked.slice(1)).toEqual([{ do: 'look' }, { do: 'seek', target: 40, partitions: [one] }]);
    await expect(consumer.control.seek(() => 0, { topic: 'x', partition: 0 })).rejects.toMatchObject({
      code: 'KAFKA_REBALANCED',
    });
  });

  it('commits what is named, and tells what that was', async () => {
    await consumer.start();
    thread.committed = [{ ...one, offset: 41, metadata: '' }];
    const target = { ...one, offset: 41 };
    expect(await consumer.control.commit(target, { unfinished: 'finish' })).toEqual(thread.committed);
    expect(thread.asked.at(-1)).toEqual({ do: 'commit', targets: [target], options: { unfinished: 'finish' } });
  });

  it('kills a thread whose event loop has not turned for max.poll.interval.ms', async () => {
    await consumer.start();
    await clock.advance(5_000);
    expect(thread.isKilled).toBe(false);
    thread.answers = () => false;
    await clock.advance(2_000);
    expect(thread.isKilled).toBe(true);
    expect(logger.lines.join('\n')).toContain('has been busy for 1000 ms');
  });

  it('loses what a dead thread had, and begins again in the next one', async () => {
    await consumer.start();
    thread.say({ type: 'status', status });
    const commit = consumer.control.commit();
    thread.answers = () => false;
    const seek = consumer.control.seek(0);
    consumer.detach(new Error('gone'));
    await expect(seek).rejects.toThrow('gone');
    await commit.catch(() => undefined);
    expect(events).toEqual([{ type: 'lost', consumer: 0, partitions: [one] }]);
    expect(consumer.control.assignment()).toEqual([]);
    expect(consumer.describe().counters.finished).toBe(7);
    await expect(consumer.control.commit()).rejects.toMatchObject({ code: 'KAFKA_THREAD_DIED', retriable: true });
    const next = new ScriptedThread();
    consumer.attach(next);
    await flush();
    expect(next.asked).toMatchObject([{ do: 'start' }]);
    thread.say({ type: 'fatal', error: { message: 'late' } as never });
    expect(fatal).toEqual([]);
  });

  it('stops within the deadline, or without the thread', async () => {
    await consumer.start();
    thread.answers = ({ body }) => body.do !== 'stop';
    const deadline = new AbortController();
    const stopped = consumer.stop(deadline.signal);
    await clock.advance(60_000);
    expect(thread.isKilled).toBe(false);
    deadline.abort();
    expect(thread.heard.at(-1)).toEqual({ type: 'deadline' });
    await clock.advance(2_000);
    expect(thread.isKilled).toBe(true);
    consumer.detach(new Error('killed'));
    await stopped;
  });
});
