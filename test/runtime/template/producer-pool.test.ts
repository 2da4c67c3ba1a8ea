import { describe, expect, it } from '@jest/globals';
import { type TransactionalProducerClient } from '../../../src/runtime/client/producer-client.js';
import { ProducerPool } from '../../../src/runtime/template/producer-pool.js';
import { ManualClock } from '../../support/manual-clock.js';

// Which producers are kept, and under which ids.

interface Fake extends TransactionalProducerClient {
  isReady: boolean;
}

function pool(options: { maxAgeMs?: number; failing?: Set<string> } = {}) {
  const log: string[] = [];
  const clock = new ManualClock();
  const made = new Map<string, Fake>();
  const { failing = new Set<string>(), ...rest } = options;
  const create = (id: string): TransactionalProducerClient => {
    const done = (what: string) => async () => {
      log.push(`${what} ${id}`);
      if (what === 'start' && failing.has(id)) throw new Error('no broker');
    };
    const fake = { isReady: true, start: done('start'), stop: done('stop'), discard: done('discard') };
    made.set(id, fake as unknown as Fake);
    return fake as unknown as TransactionalProducerClient;
  };
  return { pool: new ProducerPool({ prefix: 'tx-', create, clock, ...rest }), log, clock, made, failing };
}

describe('the pool of transactional producers', () => {
  it('makes one for each transaction at the same time, and uses the last one first again', async () => {
    const { pool: producers, log } = pool();
    const [a, b] = [await producers.acquire(), await producers.acquire()];
    producers.release(a!);
    producers.release(b!);
    expect([await producers.acquire(), await producers.acquire()]).toEqual([b, a]);
    expect(log).toEqual(['start tx-0', 'start tx-1']);
  });

  it('gives the number of a producer that was given up to the next one', async () => {
    const { pool: producers, log, made } = pool();
    const first = await producers.acquire();
    await producers.acquire();
    made.get('tx-0')!.isReady = false;
    producers.release(first);
    await producers.acquire();
    expect(log).toEqual(['start tx-0', 'start tx-1', 'discard tx-0', 'start tx-0']);
    expect(producers.size).toBe(2);
  });

  it('forgets one that does not start', async () => {
    const { pool: producers, failing } = pool({ failing: new Set(['tx-0']) });
    await expect(producers.acquire()).rejects.toThrow('no broker');
    expect(producers.size).toBe(0);
    failing.clear();
    await producers.acquire();
    expect(producers.size).toBe(1);
  });

  it('replaces one that has been idle for too long', async () => {
    const { pool: producers, log, clock } = pool({ maxAgeMs: 1_000 });
    const first = await producers.acquire();
    producers.release(first);
    await clock.advance(1_001);
    expect(await producers.acquire()).not.toBe(first);
    expect(log).toEqual(['start tx-0', 'stop tx-0', 'start tx-0']);
  });

  it('ends the idle ones when it is stopped, the others when they come back', async () => {
    const { pool: producers, log } = pool();
    const [used, idle] = [await producers.acquire(), await producers.acquire()];
    producers.release(idle!);
    await producers.stop();
    producers.release(used!);
    producers.release(used!);
    expect(log).toEqual(['start tx-0', 'start tx-1', 'stop tx-1', 'stop tx-0']);
    await expect(producers.acquire()).rejects.toMatchObject({ code: 'KAFKA_STOPPED' });
  });
});
