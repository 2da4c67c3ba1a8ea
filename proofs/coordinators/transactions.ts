import { type Random, seededRandom } from '../../src/common/random.js';
import { TransactionBench } from '../../test/support/transaction-bench.js';
import { IDS, randomStep, type Step, TransactionSimulation } from '../../test/support/transaction-simulation.js';

// One run of producers with transactional ids: fenced, timed out and killed at any append, with both generations of the
// protocol mixed. In the end every transaction is whole or nothing, and so are the offsets in it.

export interface TransactionsResult {
  readonly problems: readonly string[];
  readonly steps: number;
  readonly kills: number;
  readonly committed: number;
}

const LEAST_STEPS = 30;
const MORE_STEPS = 61;

export async function simulateTransactions(seed: number): Promise<TransactionsResult> {
  const random = seededRandom(seed);
  const simulation = new TransactionSimulation(await TransactionBench.open());
  const steps = LEAST_STEPS + Math.floor(random.next() * MORE_STEPS);
  const next = stepsOf(random);
  const problems: string[] = [];
  try {
    for (let i = 0; i < steps; i++) {
      const step = next(i);
      if (process.env.TRACE_SIMULATION) console.log(JSON.stringify(step));
      await simulation.step(step);
    }
    await simulation.end();
  } catch (error) {
    problems.push(`transactions: ${error instanceof Error ? error.message : String(error)}`);
  }
  await simulation.bench.coordinator.stop();
  const committed = simulation.units.filter(({ unit }) => unit.committed).length;
  return { problems, steps, kills: simulation.kills, committed };
}

/** Runs differ in how much trouble there is between the ends of transactions. */
function stepsOf(random: Random): (i: number) => Step {
  const trouble = random.next();
  return (i) => {
    if (i < IDS.length) return { op: 'init', actor: i, asBefore: false };
    const step = randomStep(random);
    const isTrouble = step.op === 'kill' || step.op === 'init' || step.op === 'wait';
    return isTrouble && random.next() > trouble ? randomStep(random) : step;
  };
}
