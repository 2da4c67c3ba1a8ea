import { seededRandom } from '../src/common/random.js';
import { type ProofContext, type ProofResult } from './proof.js';

// Simulated runs one after another, each with a seed of its own: the same seed gives the same run, and a seed that
// failed is printed so that it can be run again alone.

/** What a run on the virtual clock has found. */
export interface SimulatedRun {
  readonly problems: readonly string[];
  /** Of all that happened, in its order. */
  readonly digest: number;
  readonly effects: number;
  readonly repeats: number;
  readonly commits: number;
  readonly crashes: number;
  readonly restarts: number;
  readonly lost: number;
  readonly virtualMs: number;
}

/** Sums over all runs. */
export type RunTotals = { runs: number } & { -readonly [K in keyof Omit<SimulatedRun, 'problems' | 'digest'>]: number };

export interface SeededRuns<R extends SimulatedRun> {
  /** Of the proof. */
  readonly name: string;
  readonly run: (seed: number) => Promise<R>;
  /** What a failed run ran with. Default: nothing is said. */
  readonly setupOf?: (run: R) => string;
  /** More that is tried with each seed; gives the problems found. */
  readonly beside?: (seed: number) => Promise<readonly string[]>;
  readonly figures: (totals: RunTotals) => string;
}

/** Every so many runs one is repeated, and must come out the same. */
const REPEAT_EVERY = 25;
const TELL_EVERY = 50;

/** Ends with the first seed that fails. */
export async function proveBySeeds<R extends SimulatedRun>(
  { cycles, seconds, seed, progress }: ProofContext,
  { name, run, setupOf = () => '', beside, figures }: SeededRuns<R>,
): Promise<ProofResult> {
  const until = performance.now() + seconds * 1000;
  const seeds = seededRandom(seed);
  const totals = { runs: 0, effects: 0, repeats: 0, commits: 0, crashes: 0, restarts: 0, lost: 0, virtualMs: 0 };
  const problems: string[] = [];
  // With one run only, the seed is that run's own: as a failure prints it.
  const seedOf = (): number => (cycles === 1 ? seed : Math.floor(seeds.next() * 2 ** 31));
  for (let cycle = 0; cycle < cycles && performance.now() < until && problems.length === 0; cycle++) {
    const own = seedOf();
    const result = await run(own);
    const found = [...result.problems, ...((await beside?.(own)) ?? [])];
    if (found.length > 0) {
      const again = `TRACE_SIMULATION=1 npm run prove -- ${name} --cycles 1 --seed ${own}`;
      problems.push(`seed ${own}: ${setupOf(result)} (${again} shows what happens)`, ...found);
    }
    if (cycle % REPEAT_EVERY === 0) {
      const { digest } = await run(own);
      if (digest !== result.digest) problems.push(`seed ${own} gave another run when it was repeated`);
    }
    add(totals, result);
    if (cycle % TELL_EVERY === TELL_EVERY - 1) progress(figures(totals));
  }
  return { passed: problems.length === 0 && totals.runs > 0, figures: figures(totals), details: problems };
}

function add(totals: RunTotals, { effects, repeats, commits, crashes, restarts, lost, virtualMs }: SimulatedRun): void {
  totals.runs++;
  totals.effects += effects;
  totals.repeats += repeats;
  totals.commits += commits;
  totals.crashes += crashes;
  totals.restarts += restarts;
  totals.lost += lost;
  totals.virtualMs += virtualMs;
}
