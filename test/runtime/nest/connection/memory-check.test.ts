import { totalmem } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { memoryLimit } from '../../../../src/common/memory-limit.js';
import { KafkaListener } from '../../../../src/decorators/kafka-listener.js';
import { type Mistake } from '../../../../src/runtime/config/mistakes.js';
import { MemoryCheck } from '../../../../src/runtime/nest/connection/memory-check.js';
import { listenerOf } from '../../../support/listener-app.js';

const GIB = 1_073_741_824;
const DEFAULTS = { fetchMaxBytes: 52_428_800, maxPartitionFetchBytes: 1_048_576 };

function judged(
  limit: number,
  listeners: ReadonlyArray<{ consumers: number; share?: number; whole?: number; pool?: number }>,
) {
  const check = new MemoryCheck(limit);
  const mistakes: Mistake[] = [];
  listeners.forEach(({ consumers, share, whole, pool }, i) => {
    const sizes = {
      fetchMaxBytes: whole ?? DEFAULTS.fetchMaxBytes,
      maxPartitionFetchBytes: share ?? DEFAULTS.maxPartitionFetchBytes,
    };
    check.add({ id: `l${i}`, concurrency: consumers }, sizes, mistakes, pool);
  });
  return { mistakes: mistakes.map(({ origin, problem }) => `${origin}: ${problem}`), notice: check.notice() };
}

describe('what consumers may fetch, beside the memory there is', () => {
  it('refuses five consumers of 1 GiB in 4 GiB, with the keys to change', () => {
    const { mistakes } = judged(4 * GIB, [{ consumers: 5, share: GIB, whole: GIB }]);
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain('may fetch 5120 MiB at once, and this process has 4096 MiB');
    expect(mistakes[0]).toContain(`max.partition.fetch.bytes (${GIB})`);
  });

  it('adds listeners up, and names the one that is too many', () => {
    const four = Array.from({ length: 4 }, () => ({ consumers: 1, share: GIB, whole: GIB }));
    expect(judged(4 * GIB, four).mistakes).toEqual([]);
    expect(judged(4 * GIB, [...four, { consumers: 1 }]).mistakes[0]).toMatch(/^listener l4: /);
  });

  it('lets the smaller size decide: a large fetch.max.bytes alone is held back by the buffer', () => {
    expect(judged(GIB, [{ consumers: 5, whole: GIB }])).toEqual({ mistakes: [], notice: undefined });
  });

  it('never refuses the defaults, and says when their buffers together are more than there is', () => {
    expect(judged(GIB / 2, [{ consumers: 8 }])).toEqual({ mistakes: [], notice: undefined });
    const { mistakes, notice } = judged(GIB / 4, [{ consumers: 4 }, { consumers: 4 }]);
    expect(mistakes).toEqual([]);
    expect(notice).toContain('8 consumers may hold 408 MiB of fetched records together, and this process has 256 MiB');
  });

  it('counts what waits for the workers of pools', () => {
    const pools = [1, 2].map(() => ({ consumers: 1, pool: GIB / 4 }));
    expect(judged(GIB, pools)).toEqual({ mistakes: [], notice: undefined });
    expect(judged(GIB / 2, pools).notice).toContain('2 consumers may hold 614 MiB');
    expect(judged(GIB / 2, pools).notice).toContain('kafka.listener.memory-budget');
  });

  it('keeps an application from starting', async () => {
    @Injectable()
    class Greedy {
      @KafkaListener({
        id: 'greedy',
        topics: 'orders',
        groupId: 'g',
        concurrency: 1_000,
        properties: { 'max.partition.fetch.bytes': '2000000000', 'fetch.max.bytes': '2000000000' },
      })
      handle(): void {}
    }
    await expect(listenerOf(Greedy, 'greedy')).rejects.toThrow(/listener greedy: with its 1000 consumer\(s\)/);
  });

  it('knows a limit that is not more than the machine has', () => {
    expect(memoryLimit()).toBeGreaterThan(0);
    expect(memoryLimit()).toBeLessThanOrEqual(totalmem());
  });
});
