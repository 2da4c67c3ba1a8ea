import { seededRandom } from '../src/common/random.js';
import { simulate } from './coordinators/simulation.js';
import { simulateTransactions } from './coordinators/transactions.js';
import { type Proof, type ProofContext, type ProofResult } from './proof.js';

// Groups and transactions on a virtual clock. Groups: our consumers over our broker, without a socket, while clients
// crash, join and leave, handlers are slow, answers are late or lost, and the broker is killed. Transactions: producers
// that are fenced and time out, while the process is killed at any append. Each cycle is a run of both with a seed of
// its own; the same seed gives the same run.

/** Every so many runs one is repeated, and must come out the same. */
const REPEAT_EVERY = 25;
/** Runs of transactions beside one of groups, which takes that much longer. */
const TRANSACTION_RUNS = 8;

export const coordinators: Proof = {
  name: 'coordinators',
  summary:
    'simulated groups and transactions on a virtual clock: nothing is lost or repeated, all or nothing is committed',
  defaultCycles: 10_000,
  run,
};

async function run({ cycles, seconds, seed, progress }: ProofContext): Promise<ProofResult> {
  const until = performance.now() + seconds * 1000;
  const seeds = seededRandom(seed);
  const total = { runs: 0, effects: 0, repeats: 0, commits: 0, crashes: 0, restarts: 0, lost: 0, virtualMs: 0 };
  const transactions = { steps: 0, kills: 0, committed: 0 };
  const problems: string[] = [];
  // With one run only, the seed is that run's own: as a failure prints it.
  const seedOf = (): number => (cycles === 1 ? seed : Math.floor(seeds.next() * 2 ** 31));
  for (let cycle = 0; cycle < cycles && performance.now() < until && problems.length === 0; cycle++) {
    const own = seedOf();
    const result = await simulate(own);
    judge(own, result.problems, problems);
    for (let i = 0; i < TRANSACTION_RUNS; i++) {
      const ended = await simulateTransactions(own + i);
      judge(own, ended.problems, problems);
      transactions.steps += ended.steps;
      transactions.kills += ended.kills;
      transactions.committed += ended.committed;
    }
    if (cycle % REPEAT_EVERY === 0) {
      const { digest } = await simulate(own);
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
    if (cycle % 50 === 49) progress(figures(total, transactions));
  }
  return { passed: problems.length === 0 && total.runs > 0, figures: figures(total, transactions), details: problems };
}

function judge(seed: number, found: readonly string[], problems: string[]): void {
  if (found.length === 0) return;
  const again = `TRACE_SIMULATION=1 npm run prove -- coordinators --cycles 1 --seed ${seed}`;
  problems.push(`seed ${seed} (${again} shows what happens):`, ...found);
}

function figures(total: Record<string, number>, transactions: Record<string, number>): string {
  const { runs, effects, repeats, commits, crashes, restarts, lost, virtualMs } = total;
  return (
    `${runs} runs, ${Math.round(virtualMs! / 3_600_000)} h of virtual time · ${effects} records worked on, ${repeats} again · ` +
    `${commits} commits · ${crashes} crashes · ${restarts} broker restarts · ${lost} messages lost · ` +
    `${transactions.steps} steps of transactions, ${transactions.committed} committed, ${transactions.kills} kills`
  );
}
