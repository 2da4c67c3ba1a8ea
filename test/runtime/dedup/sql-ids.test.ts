import { describe, expect, it } from '@jest/globals';
import { type SqlDedupStore } from '../../../src/runtime/dedup/sql-dedup-store.js';
import { SqlIds } from '../../../src/runtime/dedup/sql-ids.js';
import { RecordingLogger, recordOf } from '../../support/fake-clients.js';
import { flush, ManualClock } from '../../support/manual-clock.js';

describe('ids beyond the window, in SQL', () => {
  it('are looked for at the first record of a partition and every thousand later, beside the records’ way', async () => {
    const looks: number[] = [];
    let handled = 0;
    let problem: Error | undefined;
    const store = {
      prune: async (_scope: string, _topic: string, partition: number) => {
        looks.push(partition * 10_000 + handled);
        if (problem) throw problem;
      },
    } as unknown as SqlDedupStore;
    const logger = new RecordingLogger();
    const ids = new SqlIds({
      listener: 'billing',
      store,
      idOf: () => 'x',
      scopeOf: () => 'billing',
      window: { count: 1_000, timeMs: undefined },
      clock: new ManualClock(),
      logger,
    });
    for (handled = 1; handled <= 2_500; handled++) ids.committed([recordOf({ partition: 0 })]);
    ids.committed([recordOf({ partition: 1 }), recordOf({ partition: 1 })]);
    expect(looks).toEqual([1, 1_001, 2_001, 12_501]);
    problem = new Error('deadlock');
    ids.committed(Array.from({ length: 1_000 }, () => recordOf({ partition: 1 })));
    await flush();
    expect(logger.lines.join()).toContain('old message ids could not be removed: deadlock; tried again later');
  });
});
