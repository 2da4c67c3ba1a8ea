import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ClientVersion } from '../../../../src/broker/coordinator/transaction/transaction-metadata.js';
import { PARTITIONS, TransactionBench } from '../../../support/transaction-bench.js';
import { IDS, type Step, TransactionSimulation, WAITS_MS } from '../../../support/transaction-simulation.js';

const actor = fc.nat(IDS.length - 1);
const version = fc.constantFrom(ClientVersion.V0, ClientVersion.V2);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: fc.constant('init' as const), actor, asBefore: fc.boolean() }) },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('write' as const),
      actor,
      partition: fc.nat(PARTITIONS - 1),
      adds: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
      version,
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('offsets' as const), actor, version }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('end' as const), actor, commits: fc.boolean(), version }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('wait' as const), ms: fc.constantFrom(...WAITS_MS) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('kill' as const), after: fc.nat(9) }) },
);

describe('transactions', () => {
  it('are whole or nothing, whatever their producers do and whenever the process is killed', async () => {
    const checked = fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 30, maxLength: 90, size: 'max' }), async (steps) => {
        const simulation = new TransactionSimulation(await TransactionBench.open());
        for (const step of steps) await simulation.step(step);
        await simulation.end();
        await simulation.bench.coordinator.stop();
      }),
      { numRuns: 120 },
    );
    await expect(checked).resolves.toBeUndefined();
  }, 30_000);

  it.each([
    [ClientVersion.V0, true],
    [ClientVersion.V0, false],
    [ClientVersion.V2, true],
    [ClientVersion.V2, false],
  ] as const)('of version %i with commit=%p survive a kill at every append', async (clientVersion, commits) => {
    let appends = 0;
    for (let isOver = false; !isOver; appends++) {
      const simulation = new TransactionSimulation(await TransactionBench.open());
      const write = { op: 'write', actor: 0, adds: true, version: clientVersion } as const;
      await simulation.step({ op: 'init', actor: 0, asBefore: false });
      await simulation.step({ op: 'kill', after: appends });
      await simulation.step({ ...write, partition: 1 });
      await simulation.step({ op: 'offsets', actor: 0, version: clientVersion });
      await simulation.step({ op: 'end', actor: 0, commits, version: clientVersion });
      isOver = simulation.kills === 0;
      await simulation.end();
      await simulation.bench.coordinator.stop();
    }
    expect(appends).toBeGreaterThan(9);
  });
});
