import { beforeEach, describe, expect, it } from '@jest/globals';
import { type KafkaRecord, NO_HEADERS } from '../../../src/common/record.js';
import { type Claim } from '../../../src/runtime/dedup/claim.js';
import { DedupGuard, type DedupGuardOptions } from '../../../src/runtime/dedup/dedup-guard.js';
import { flush, ManualClock } from '../../support/manual-clock.js';
import { ScriptedDedupStore } from '../../support/scripted-dedup-store.js';

let offset = 0;
/** A record whose id is its value. */
function recordOf(id: string, partition = 0): KafkaRecord {
  const timestamp = 0;
  return {
    topic: 'orders',
    partition,
    offset: offset++,
    timestamp,
    key: null,
    value: Buffer.from(id),
    headers: NO_HEADERS,
  };
}

const ELSEWHERE = { owner: 'elsewhere', leaseMs: 9_000 };
const group = (...ids: string[]) => [{ scope: 'billing', topic: 'orders', partition: 0, ids }];
const never = { signal: new AbortController().signal };

describe('DedupGuard', () => {
  let store: ScriptedDedupStore;
  let clock: ManualClock;
  let log: string[];
  let guard: DedupGuard;

  const make = (more: Partial<DedupGuardOptions> = {}) =>
    new DedupGuard({
      listener: 'billing',
      store,
      idOf: ({ value }) => value?.toString(),
      scopeOf: () => 'billing',
      window: { count: 1_000, timeMs: undefined },
      claimant: { owner: 'here', leaseMs: 9_000 },
      whenDown: 'wait',
      clock,
      logger: {
        log: (text) => void log.push(text),
        warn: (text) => void log.push(text),
        error: (text) => void log.push(text),
      },
      ...more,
    });

  beforeEach(() => {
    store = new ScriptedDedupStore();
    clock = new ManualClock();
    log = [];
    guard = make();
  });

  const enter = async (...records: KafkaRecord[]): Promise<Claim[]> => (await guard.enter(records, never)) as Claim[];
  const states = async (...records: KafkaRecord[]) => (await enter(...records)).map(({ state }) => state);

  it('claims all records of a poll in one call, and asks no more', async () => {
    const records = ['a', 'b', 'c'].map((id) => recordOf(id));
    guard.received(records);
    for (const record of records) expect(await states(record)).toEqual(['first']);
    expect(store.calls).toEqual(['claim a b c']);
  });

  it('tells a duplicate of a finished one before the store knows', async () => {
    const [claim] = await enter(recordOf('a'));
    store.hold();
    guard.finish(claim!);
    await flush();
    expect(await states(recordOf('a'))).toEqual(['done']);
    store.letGo();
  });

  it('lets a commit wait until the store knows what is finished, and fail while it is down', async () => {
    const [claim] = await enter(recordOf('a'));
    expect(guard.saved()).toBeUndefined();
    store.isDown = true;
    guard.finish(claim!);
    await expect(guard.saved()).rejects.toThrow('connection refused');
    store.isDown = false;
    await guard.saved();
    expect(guard.saved()).toBeUndefined();
    expect(store.memory.claim(group('a'), ELSEWHERE)).toEqual(['done']);
    expect(log[0]).toMatch(/the store of message ids does not answer: connection refused; its records wait/);
    expect(log[1]).toMatch(/answers again/);
  });

  it('finishes in bulk what ends while the store is busy', async () => {
    const claims = await enter(recordOf('a'), recordOf('b'), recordOf('c'));
    store.hold();
    guard.finish(claims[0]!);
    await flush();
    guard.finish(claims[1]!);
    guard.finish(claims[2]!);
    store.letGo();
    await guard.saved();
    expect(store.calls).toEqual(['claim a b c', 'finish a', 'finish b c']);
  });

  it('waits for one that is handled here, and goes on when it failed', async () => {
    const [first] = await enter(recordOf('a'));
    let state = '';
    const second = enter(recordOf('a', 1)).then(([claim]) => {
      state = claim!.state;
    });
    await flush();
    expect(state).toBe('');
    guard.release(first!);
    await second;
    expect(state).toBe('first');
    // The claim is still ours at the store: the release did not come after it.
    await flush();
    expect(store.memory.claim(group('a'), ELSEWHERE)).toEqual(['in-progress']);
  });

  it('waits for one that is handled elsewhere', async () => {
    store.memory.claim(group('a'), ELSEWHERE);
    let state = '';
    const claimed = enter(recordOf('a')).then(([claim]) => {
      state = claim!.state;
    });
    await flush();
    await clock.advance(250);
    expect(state).toBe('');
    store.memory.finish(group('a'), ELSEWHERE, { count: 10, timeMs: undefined });
    await clock.advance(100);
    await claimed;
    expect(state).toBe('done');
  });

  it('stops waiting when the partition must be given up', async () => {
    store.memory.claim(group('a'), ELSEWHERE);
    const given = new AbortController();
    const entered = guard.enter([recordOf('a')], given) as Promise<unknown>;
    await flush();
    given.abort(new Error('taken away'));
    await expect(entered).rejects.toThrow('taken away');
  });

  it('takes the claim of a record that has not begun, instead of waiting for it', async () => {
    const [waiting, running] = [recordOf('a', 0), recordOf('a', 1)];
    guard.received([waiting, running]);
    const [claim] = await enter(running);
    expect(claim!.state).toBe('first');
    guard.finish(claim!);
    expect(await states(waiting)).toEqual(['done']);
  });

  it('handles an id once that stands in a batch twice', async () => {
    expect(await states(recordOf('a'), recordOf('b'), recordOf('a'))).toEqual(['first', 'first', 'done']);
  });

  it('gives back what was claimed for a partition that goes', async () => {
    const records = [recordOf('a', 0), recordOf('b', 1)];
    store.hold();
    guard.received(records);
    guard.forgotten('orders', 0);
    store.letGo();
    await flush();
    expect(store.calls).toEqual(['claim a b', 'release a']);
    expect(store.memory.claim(group('a', 'b'), ELSEWHERE)).toEqual(['first', 'in-progress']);
  });

  it('lets records wait while the store is down, and claims them when it is back', async () => {
    store.isDown = true;
    guard.received([recordOf('x')]);
    let state = '';
    const entered = enter(recordOf('a')).then(([claim]) => {
      state = claim!.state;
    });
    await clock.advance(500);
    expect(state).toBe('');
    store.isDown = false;
    await clock.advance(10_000);
    await entered;
    expect(state).toBe('first');
    expect(log).toHaveLength(2);
  });

  it('fails records while the store is down, if told so', async () => {
    guard = make({ whenDown: 'fail' });
    store.isDown = true;
    await expect(enter(recordOf('a'))).rejects.toMatchObject({ code: 'KAFKA_STORE_FAILED', retriable: true });
    store.isDown = false;
    expect(await states(recordOf('a'))).toEqual(['first']);
  });

  it.each([[[]], [['first', 'first']], [['maybe']]])('takes %j from a store for no answer to one id', async (said) => {
    const answers = said as never;
    const odd = Object.assign(Object.create(store) as ScriptedDedupStore, { claim: async () => answers });
    guard = make({ whenDown: 'fail', store: odd });
    await expect(enter(recordOf('a'))).rejects.toThrow(`it was asked for 1 ids and says ${JSON.stringify(said)}`);
  });

  it('prolongs claims as long as they are held', async () => {
    const [claim] = await enter(recordOf('a'));
    await clock.advance(3_000);
    await clock.advance(3_000);
    guard.finish(claim!);
    await guard.saved();
    await clock.advance(20_000);
    expect(store.calls).toEqual(['claim a', 'renew a', 'renew a', 'finish a']);
    expect(clock.pending).toBe(0);
  });

  it('answers a local store at once', () => {
    guard = make({ store: store.memory });
    const record = recordOf('a');
    guard.received([record]);
    const [claim] = guard.enter([record], never) as Claim[];
    expect(claim!.state).toBe('first');
  });
});
