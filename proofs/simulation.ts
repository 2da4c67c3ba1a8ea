import { seededRandom } from '../src/common/random.js';
import { type Proof, type ProofContext, type ProofResult } from './proof.js';
import { type RunResult, simulateListeners } from './simulation/run.js';

// Listener containers on a virtual clock: both models, all ack modes and orders, over our client and our broker,
// without a socket, while processes crash, join, leave and lose their network, handlers fail, are slow and hang, answers
// are lost, and the broker is killed. Each cycle is a run of its own seed; the same seed gives the same run.

/** Every so many runs one is repeated, and must come out the same. */
const REPEAT_EVERY = 25;

export const simulation: Proof = {
  name: 'simulation',
  summary: 'simulated listeners on a virtual clock: nothing lost, keys in order, only repeats that are allowed',
  defaultCycles: 10_000,
  run,
};

async function run({ cycles, seconds, seed, progress }: ProofContext): Promise<ProofResult> {
  const until = performance.now() + seconds * 1000;
  const seeds = seededRandom(seed);
  const total = { runs: 0, effects: 0, repeats: 0, commits: 0, crashes: 0, restarts: 0, lost: 0, virtualMs: 0 };
  const problems: string[] = [];
  // With one run only, the seed is that run's own: as a failure prints it.
  const seedOf = (): number => (cycles === 1 ? seed : Math.floor(seeds.next() * 2 ** 31));
  for (let cycle = 0; cycle < cycles && performance.now() < until && problems.length === 0; cycle++) {
    const own = seedOf();
    const result = await simulateListeners(own);
    judge(own, result, problems);
    if (cycle % REPEAT_EVERY === 0) {
      const { digest } = await simulateListeners(own);
      if (digest !== result.digest) problems.push(`seed ${own} gave another run when it was repeated`);
    }
    total.runs++;
    total.effects += result.effects;
    total.repeats += result.repeats;
    total.commits += result.commits;
    total.crashes += result.crashes;
    total.restarts += result.restarts;
    total.lost += result.lost;
    total.virtualMs += result.virtualMs;
    if (cycle % 50 === 49) progress(figures(total));
  }
  return { passed: problems.length === 0 && total.runs > 0, figures: figures(total), details: problems };
}

function judge(seed: number, result: RunResult, problems: string[]): void {
  if (result.problems.length === 0) return;
  const again = `TRACE_SIMULATION=1 npm run prove -- simulation --cycles 1 --seed ${seed}`;
  problems.push(`seed ${seed}: ${result.setup} (${again} shows what happens)`, ...result.problems);
}

function figures(total: Record<string, number>): string {
  const { runs, effects, repeats, commits, crashes, restarts, lost, virtualMs } = total;
  return (
    `${runs} schedules, ${Math.round(virtualMs! / 3_600_000)} h of virtual time · ${effects} records handled, ` +
    `${repeats} again · ${commits} commits · ${crashes} crashes · ${restarts} broker restarts · ${lost} messages lost`
  );
}
