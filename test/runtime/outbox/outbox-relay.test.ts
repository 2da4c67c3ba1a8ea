import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fixedBackoff } from '../../../src/common/backoff.js';
import { type Deferred, deferred } from '../../../src/common/lifecycle.js';
import { type OutgoingRecord } from '../../../src/common/record.js';
import { type StoredMessage } from '../../../src/runtime/outbox/outbox-message.js';
import { OutboxRelay } from '../../../src/runtime/outbox/outbox-relay.js';
import { type OutboxStore } from '../../../src/runtime/outbox/outbox-store.js';
import { RecordingLogger } from '../../support/fake-clients.js';
import { ManualClock } from '../../support/manual-clock.js';

/** Holds messages in memory; its office is free, taken, or out of order. */
class MemoryOutbox implements OutboxStore {
  messages: StoredMessage[] = [];
  leader: string | undefined;
  problem: Error | undefined;
  #sequence = 0;

  write(id: string, lane: string | null, timestamp = 1): void {
    const sequence = String(++this.#sequence);
    const bytes = Buffer.from(id);
    const key = lane === null ? null : Buffer.from(lane);
    const record = { topic: 't', partition: undefined, key, value: bytes, headers: [], timestamp };
    this.messages.push({ ...record, messageId: id, sequence, lane });
  }

  async open() {
    return [];
  }

  async close(): Promise<void> {}

  async lead(owner: string): Promise<boolean> {
    this.#refuse();
    this.leader ??= owner;
    return this.leader === owner;
  }

  async resign(owner: string): Promise<void> {
    if (this.leader === owner) this.leader = undefined;
  }

  async read(limit: number, without: readonly string[]): Promise<StoredMessage[]> {
    this.#refuse();
    return this.messages.filter(({ lane }) => lane === null || !without.includes(lane)).slice(0, limit);
  }

  async remove(messages: readonly StoredMessage[]): Promise<void> {
    this.#refuse();
    const gone = new Set(messages.map(({ sequence }) => sequence));
    this.messages = this.messages.filter(({ sequence }) => !gone.has(sequence));
  }

  async backlog() {
    return { messages: this.messages.length, oldest: undefined };
  }

  #refuse(): void {
    if (this.problem) throw this.problem;
  }
}

describe('outbox relay', () => {
  let store: MemoryOutbox;
  let clock: ManualClock;
  let logger: RecordingLogger;
  let relays: OutboxRelay[];
  let sent: Array<{ readonly id: string; readonly done: Deferred<void> }>;
  /** What happens to a send: undefined waits for the test. */
  /** How many had been sent each time the sender was told to go on after a loss. */
  let resumed: number[];
  const refusal = new Error('behind a lost one');
  let answer: (id: string) => Error | 'done' | undefined;

  beforeEach(() => {
    store = new MemoryOutbox();
    clock = new ManualClock();
    logger = new RecordingLogger();
    relays = [];
    sent = [];
    resumed = [];
    answer = () => 'done';
  });

  afterEach(async () => {
    for (const { done } of sent) done.resolve();
    const stopping = Promise.all(relays.map((relay) => relay.stop()));
    await clock.advance(0);
    await stopping;
  });

  function relay(owner = 'one'): OutboxRelay {
    const send = (_topic: string, _partition: number | undefined, { headers }: OutgoingRecord): Promise<void> => {
      const id = headers!.find(({ key }) => key === 'message-id')!.value!.toString();
      const done = deferred();
      sent.push({ id, done });
      const now = answer(id);
      if (now === 'done') done.resolve();
      else if (now) done.reject(now);
      return done.promise;
    };
    const isRefused = (error: unknown) => error === refusal;
    const resume = () => {
      resumed.push(sent.length);
    };
    const made = new OutboxRelay({
      store,
      sender: { send, isRefused, resume },
      owner,
      messageIdHeader: 'message-id',
      tools: { clock, logger },
      backoff: fixedBackoff(1_000),
    });
    relays.push(made);
    return made;
  }

  const ids = () => sent.map(({ id }) => id);

  it('sends the oldest first and forgets what was acknowledged', async () => {
    for (const id of ['a', 'b', 'c']) store.write(id, 'anna');
    const one = relay();
    one.start();
    await clock.advance(0);
    expect(ids()).toEqual(['a', 'b', 'c']);
    expect(store.messages).toEqual([]);
    store.write('d', 'anna');
    await clock.advance(100);
    expect(ids()).toEqual(['a', 'b', 'c', 'd']);
    expect(one.state).toMatchObject({ isLeading: true, relayed: 4, failed: 0, blockedKeys: 0 });
  });

  it('tells how long messages took from writing to acknowledgment', async () => {
    answer = () => undefined;
    const one = relay();
    one.start();
    expect(one.state).toMatchObject({ meanDelayMs: 0, worstDelayMs: 0 });
    store.write('a', 'anna', clock.now() - 40);
    one.wake();
    await clock.advance(60);
    sent[0]!.done.resolve();
    await clock.advance(0);
    expect(one.state).toMatchObject({ meanDelayMs: 100, worstDelayMs: 100 });
    answer = () => 'done';
    store.write('b', 'anna', clock.now() + 5_000); // by a clock that is ahead
    await clock.advance(200);
    expect(one.state).toMatchObject({ relayed: 2, meanDelayMs: 50, worstDelayMs: 100 });
  });

  it('looks at once when it is woken', async () => {
    const one = relay();
    one.start();
    await clock.advance(0);
    store.write('a', null);
    one.wake();
    await clock.advance(0);
    expect(ids()).toEqual(['a']);
  });

  const write = (...messages: ReadonlyArray<readonly [id: string, lane: string | null]>) => {
    for (const [id, lane] of messages) store.write(id, lane);
  };

  it('sends the messages of a key behind each other, without waiting for acknowledgments', async () => {
    answer = () => undefined;
    write(['a1', 'anna'], ['b1', 'ben'], ['a2', 'anna'], ['a3', 'anna']);
    relay().start();
    await clock.advance(0);
    expect(ids().filter((id) => id.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
    expect(ids()).toContain('b1');
    expect(store.messages).toHaveLength(4);
    for (const { done } of sent) done.resolve();
    await clock.advance(0);
    expect(store.messages).toEqual([]);
    expect(resumed).toEqual([]);
  });

  it('sends again what is behind a failed one of its key, stored or not, and goes on only then', async () => {
    let isBroken = true;
    answer = (id) => (id === 'a2' && isBroken ? new Error('no answer') : 'done');
    write(['a1', 'anna'], ['a2', 'anna'], ['a3', 'anna']);
    const one = relay();
    one.start();
    await clock.advance(0);
    expect(ids()).toEqual(['a1', 'a2', 'a3']);
    expect(store.messages.map(({ messageId }) => messageId)).toEqual(['a2', 'a3']);
    expect(resumed).toEqual([3]);
    isBroken = false;
    await clock.advance(1_200);
    // The failed one alone first, the others when it is stored.
    expect(ids().slice(3)).toEqual(['a2', 'a3']);
    expect(one.state).toMatchObject({ blockedKeys: 0, relayed: 3, failed: 1 });
  });

  it('takes a refusal behind the lost message of another key for no failure', async () => {
    let isBroken = true;
    answer = (id) => {
      if (!isBroken) return 'done';
      return id === 'a1' ? new Error('too large') : refusal;
    };
    write(['a1', 'anna'], ['b1', 'ben'], ['b2', 'ben'], ['n', null]);
    const one = relay();
    one.start();
    await clock.advance(0);
    expect(one.state).toMatchObject({ blockedKeys: 1, failed: 1, relayed: 0 });
    isBroken = false;
    await clock.advance(100);
    expect(ids().slice(4)).toEqual(['b1', 'b2', 'n']);
    expect(one.state).toMatchObject({ blockedKeys: 1, relayed: 3 });
    await clock.advance(1_000);
    expect(ids().slice(7)).toEqual(['a1']);
  });

  it('lets a failing message hold up its key alone, and says so', async () => {
    let isBroken = true;
    answer = (id) => (id === 'a1' && isBroken ? new Error('too large') : 'done');
    for (const [id, lane] of [
      ['a1', 'anna'],
      ['a2', 'anna'],
      ['b1', 'ben'],
    ])
      store.write(id!, lane!);
    store.write('n', null);
    const one = relay();
    one.start();
    await clock.advance(500);
    store.write('b2', 'ben');
    await clock.advance(400);
    expect(ids()).toEqual(['a1', 'a2', 'b1', 'n', 'b2']);
    expect(one.state).toMatchObject({ blockedKeys: 1, failed: 1 });
    expect(logger.lines.join()).toMatch(/message a1 for t failed 1 times: too large; tried again in 1000 ms/);
    isBroken = false;
    await clock.advance(300);
    expect(ids().slice(5)).toEqual(['a1', 'a2']);
    expect(one.state).toMatchObject({ blockedKeys: 0, relayed: 5 });
  });

  it('tries a message without a key again after its delay, not at every look', async () => {
    answer = () => new Error('no such topic');
    store.write('n', null);
    relay().start();
    await clock.advance(900);
    expect(ids()).toEqual(['n']);
    await clock.advance(200);
    expect(ids()).toEqual(['n', 'n']);
  });

  it('sends nothing twice while the store does not take the removal', async () => {
    store.write('a', 'anna');
    answer = () => {
      store.problem = new Error('database is away');
      return 'done';
    };
    relay().start();
    await clock.advance(5_000);
    expect(ids()).toEqual(['a']);
    expect(logger.lines.join()).toContain('the store failed: database is away');
    store.problem = undefined;
    answer = () => 'done';
    store.write('b', 'anna');
    await clock.advance(1_100);
    expect(ids()).toEqual(['a', 'b']);
    expect(store.messages).toEqual([]);
  });

  it('sends again, with the same id, what was acknowledged and not removed when its process died', async () => {
    store.write('a', 'anna');
    answer = () => {
      store.problem = new Error('database is away');
      return 'done';
    };
    const one = relay('one');
    one.start();
    await clock.advance(0);
    const ending = one.stop();
    await clock.advance(0);
    await ending;
    expect(logger.lines.join()).toContain('1 relayed messages stay and will be sent again');
    store.problem = undefined;
    store.leader = undefined;
    answer = () => 'done';
    relay('two').start();
    await clock.advance(0);
    expect(ids()).toEqual(['a', 'a']);
    expect(store.messages).toEqual([]);
  });

  it('forgets that a key waits when its message was taken out', async () => {
    answer = () => new Error('no such topic');
    write(['a1', 'anna'], ['n', null]);
    const one = relay();
    one.start();
    await clock.advance(0);
    expect(one.state.blockedKeys).toBe(2);
    store.messages = [];
    await clock.advance(1_200);
    expect(one.state.blockedKeys).toBe(0);
  });

  it('sends around as many messages without a key as fail, though none can be left out', async () => {
    answer = (id) => (id.startsWith('bad') ? new Error('no such topic') : 'done');
    for (let n = 0; n < 700; n++) store.write(`bad${n}`, null);
    store.write('good', 'anna');
    const one = relay();
    one.start();
    await clock.advance(900);
    expect(ids()).toContain('good');
    expect(one.state).toMatchObject({ relayed: 1, blockedKeys: 700 });
  });

  it('leaves the work to the one who has the office, and takes over when that one ends', async () => {
    const [one, two] = [relay('one'), relay('two')];
    one.start();
    await clock.advance(0);
    two.start();
    store.write('a', 'anna');
    await clock.advance(200);
    expect([one.state.relayed, two.state.relayed]).toEqual([1, 0]);
    const ending = one.stop();
    await clock.advance(0);
    await ending;
    store.write('b', 'anna');
    await clock.advance(200);
    expect([one.state.relayed, two.state.relayed]).toEqual([1, 1]);
    expect(two.state.isLeading).toBe(true);
  });

  it('sends nothing more once its lease has run out', async () => {
    answer = (id) => (id === 'a1' ? undefined : 'done');
    store.write('a1', 'anna');
    relay().start();
    await clock.advance(0);
    store.write('a2', 'anna');
    store.leader = 'another';
    await clock.advance(10_000);
    sent[0]!.done.resolve();
    await clock.advance(1_000);
    expect(ids()).toEqual(['a1']);
  });
});
