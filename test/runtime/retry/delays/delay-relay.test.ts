import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Deferred, deferred } from '../../../../src/common/lifecycle.js';
import { DelayRelay } from '../../../../src/runtime/retry/delays/delay-relay.js';
import { type DelayedMessage, type DelayStore } from '../../../../src/runtime/retry/delays/delay-store.js';
import { RecordingLogger } from '../../../support/fake-clients.js';
import { ManualClock } from '../../../support/manual-clock.js';

/** Keeps messages in memory, under leases; out of order when told to be. */
class MemoryDelays implements DelayStore {
  readonly #waiting = new Map<string, { readonly message: DelayedMessage; from: number }>();
  readonly takes: number[] = [];
  problem: Error | undefined;

  async put(message: DelayedMessage): Promise<void> {
    this.#waiting.set(message.id, { message, from: message.dueAt });
  }

  async take(now: number, limit: number, leaseMs: number): Promise<DelayedMessage[]> {
    const due = [...this.#waiting.values()].filter(({ from }) => from <= now).slice(0, limit);
    for (const one of due) one.from = now + leaseMs;
    if (due.length > 0) this.takes.push(due.length);
    return due.map(({ message }) => message);
  }

  async done(ids: readonly string[]): Promise<void> {
    if (this.problem) throw this.problem;
    for (const id of ids) this.#waiting.delete(id);
  }

  async cancel(id: string): Promise<boolean> {
    return this.#waiting.delete(id);
  }

  async nextDue(): Promise<number | undefined> {
    const times = [...this.#waiting.values()].map(({ from }) => from);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  get left(): string[] {
    return [...this.#waiting.keys()];
  }
}

describe('the relay of delayed messages', () => {
  let clock: ManualClock;
  let store: MemoryDelays;
  let logger: RecordingLogger;
  let relay: DelayRelay;
  let sent: string[];
  /** Sends that the test ends. */
  let hanging: Map<string, Deferred<void>>;
  let refused: Set<string>;

  beforeEach(() => {
    clock = new ManualClock();
    store = new MemoryDelays();
    logger = new RecordingLogger();
    sent = [];
    hanging = new Map();
    refused = new Set();
    const send = async (_topic: string, _partition: number | undefined, { value }: { value: unknown }) => {
      sent.push(String(value));
      if (refused.has(String(value))) throw new Error('no such topic');
      await hanging.get(String(value))?.promise;
    };
    relay = new DelayRelay({ store, send, clock, logger });
  });

  afterEach(async () => {
    for (const end of hanging.values()) end.resolve();
    await stop();
  });

  async function stop(): Promise<void> {
    const stopping = relay.stop();
    await clock.advance(0);
    await stopping;
  }

  const put = (id: string, inMs = 0) =>
    store.put({
      id,
      dueAt: clock.now() + inMs,
      topic: 't',
      partition: undefined,
      record: { key: null, value: Buffer.from(id) },
    });

  it('sends each when it is due, once, and tells the store', async () => {
    await put('later', 5_000);
    await put('now');
    await relay.start();
    await clock.advance(4_999);
    expect(sent).toEqual(['now']);
    await clock.advance(1);
    expect(sent).toEqual(['now', 'later']);
    await clock.advance(300_000);
    expect([sent, store.left]).toEqual([['now', 'later'], []]);
  });

  it('lets one whose send hangs hold up no other', async () => {
    hanging.set('stuck', deferred());
    await put('stuck');
    await relay.start();
    await clock.advance(0);
    await put('next');
    await clock.advance(200);
    expect(sent).toEqual(['stuck', 'next']);
    expect(store.left).toEqual(['stuck']);
    // Its lease ends while it is still under way: nobody sends it beside itself.
    await clock.advance(200_000);
    expect(sent).toEqual(['stuck', 'next']);
    hanging.get('stuck')!.resolve();
    await clock.advance(0);
    expect(store.left).toEqual([]);
  });

  it('sends again what was refused, when its lease has run out, and says so', async () => {
    refused.add('poison');
    await put('poison');
    await put('good');
    await relay.start();
    await clock.advance(149_000);
    expect([sent, store.left]).toEqual([['poison', 'good'], ['poison']]);
    expect(logger.lines.join()).toContain('delayed message poison for t could not be sent: no such topic');
    refused.clear();
    await clock.advance(2_000);
    expect([sent, store.left]).toEqual([['poison', 'good', 'poison'], []]);
  });

  it('sends nothing twice because the store does not hear of it', async () => {
    store.problem = new Error('connection refused');
    await put('a');
    await relay.start();
    await clock.advance(400_000);
    expect(sent).toEqual(['a']);
    expect(logger.lines.filter((line) => line.includes('their store fails: connection refused'))).toHaveLength(1);
    store.problem = undefined;
    await clock.advance(1_000);
    expect([sent, store.left]).toEqual([['a'], []]);
    expect(logger.lines.at(-1)).toContain('answers again');
  });

  it('takes no more than may be under way', async () => {
    for (let n = 0; n < 1_200; n++) {
      hanging.set(`m${n}`, deferred());
      await put(`m${n}`);
    }
    await relay.start();
    await clock.advance(900);
    expect(sent).toHaveLength(200);
    // Those hang: others need not wait for them, up to a bound.
    await clock.advance(60_000);
    expect(sent).toHaveLength(400);
    for (const end of hanging.values()) end.resolve();
    await clock.advance(1_000);
    expect([sent.length, store.left]).toEqual([1_200, []]);
    expect(Math.max(...store.takes)).toBe(200);
  });

  it('ends when what it had begun is sent and told', async () => {
    hanging.set('a', deferred());
    await put('a');
    await relay.start();
    await clock.advance(0);
    let isStopped = false;
    const stopping = relay.stop().then(() => {
      isStopped = true;
    });
    await clock.advance(1_000);
    expect(isStopped).toBe(false);
    hanging.get('a')!.resolve();
    await stopping;
    expect(store.left).toEqual([]);
  });
});
