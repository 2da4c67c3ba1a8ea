import { type Proof } from './proof.js';
import { proveBySeeds, type RunTotals } from './seeded-runs.js';
import { simulateListeners } from './simulation/run.js';

// Listener containers on a virtual clock: both models, all ack modes and orders, over our client and our broker,
// without a socket, while processes crash, join, leave and lose their network, handlers fail, are slow and hang,
// answers are lost, and the broker is killed. Each cycle is a run of its own seed; the same seed gives the same run.

export const simulation: Proof = {
  name: 'simulation',
  summary: 'simulated listeners on a virtual clock: nothing lost, keys in order, only repeats that are allowed',
  defaultCycles: 10_000,
  run: (context) =>
    proveBySeeds(context, { name: 'simulation', run: simulateListeners, setupOf: ({ setup }) => setup, figures }),
};

function figures({ runs, effects, repeats, commits, crashes, restarts, lost, virtualMs }: RunTotals): string {
  return (
    `${runs} schedules, ${Math.round(virtualMs / 3_600_000)} h of virtual time · ${effects} records handled, ` +
    `${repeats} again · ${commits} commits · ${crashes} crashes · ${restarts} broker restarts · ${lost} messages lost`
  );
}
