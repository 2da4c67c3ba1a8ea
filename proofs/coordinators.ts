import { simulate } from './coordinators/simulation.js';
import { simulateTransactions } from './coordinators/transactions.js';
import { type Proof, type ProofContext, type ProofResult } from './proof.js';
import { proveBySeeds, type RunTotals } from './seeded-runs.js';

// Groups and transactions on a virtual clock. Groups: our consumers over our broker, without a socket, while clients
// crash, join and leave, handlers are slow, answers are late or lost, and the broker is killed. Transactions: producers
// that are fenced and time out, while the process is killed at any append. Each cycle is a run of both with a seed of
// its own; the same seed gives the same run.

/** Runs of transactions beside one of groups, which takes that much longer. */
const TRANSACTION_RUNS = 8;

export const coordinators: Proof = {
  name: 'coordinators',
  summary:
    'simulated groups and transactions on a virtual clock: nothing is lost or repeated, all or nothing is committed',
  defaultCycles: 10_000,
  run,
};

function run(context: ProofContext): Promise<ProofResult> {
  const transactions = { steps: 0, kills: 0, committed: 0 };
  return proveBySeeds(context, {
    name: 'coordinators',
    run: simulate,
    async beside(seed) {
      const problems: string[] = [];
      for (let i = 0; i < TRANSACTION_RUNS; i++) {
        const ended = await simulateTransactions(seed + i);
        problems.push(...ended.problems);
        transactions.steps += ended.steps;
        transactions.kills += ended.kills;
        transactions.committed += ended.committed;
      }
      return problems;
    },
    figures: (totals) => `${ofGroups(totals)} · ${ofTransactions(transactions)}`,
  });
}

function ofGroups({ runs, effects, repeats, commits, crashes, restarts, lost, virtualMs }: RunTotals): string {
  return (
    `${runs} runs, ${Math.round(virtualMs / 3_600_000)} h of virtual time · ${effects} records worked on, ${repeats} again · ` +
    `${commits} commits · ${crashes} crashes · ${restarts} broker restarts · ${lost} messages lost`
  );
}

function ofTransactions({
  steps,
  committed,
  kills,
}: Readonly<Record<'steps' | 'committed' | 'kills', number>>): string {
  return `${steps} steps of transactions, ${committed} committed, ${kills} kills`;
}
