import { setTimeout as delay } from 'node:timers/promises';
import { type Random, seededRandom } from '../../src/common/random.js';
import { whyNoPostgres } from '../../test/support/servers/postgres.js';
import { whyNoRedis } from '../../test/support/servers/redis.js';
import { type Proof, type ProofContext, type ProofResult } from '../proof.js';
import { Arena, type Part } from './arena.js';
import { type Effect, type Guarantee } from './guarantee.js';
import { Load } from './load.js';

// A guarantee of a store under load, while application, broker and store are killed with SIGKILL, each alone and
// together: nothing that was acknowledged may be lost, and nothing may take effect twice where exactly once is
// promised.

/** Without any progress. */
const PATIENCE_MS = 60_000;
/** Between an effect and the note of it: what a kill in between lets happen again. */
const IN_WORK_MS = 1_000;

export function storeProof(guarantee: Guarantee): Proof {
  return {
    name: guarantee.name,
    summary: guarantee.promise,
    defaultCycles: 100,
    run: (context) => {
      const missing = missingFor(guarantee);
      if (missing === undefined) return prove(guarantee, context);
      return Promise.resolve({ passed: true, figures: `SKIPPED: ${missing}` });
    },
  };
}

function missingFor({ store }: Guarantee): string | undefined {
  if (store === 'redis') return whyNoRedis;
  return store === 'postgres' ? whyNoPostgres : undefined;
}

async function prove(guarantee: Guarantee, context: ProofContext): Promise<ProofResult> {
  const random = seededRandom(context.seed);
  const arena = await Arena.open(guarantee);
  const load = new Load(arena.bootstrapServers, arena.topic, random, guarantee);
  const problems: string[] = [];
  let effects: readonly Effect[] = [];
  try {
    await load.start();
    const until = performance.now() + context.seconds * 1000;
    for (let cycle = 0; cycle < context.cycles && performance.now() < until; cycle++) {
      await delay(200 + random.next() * 800);
      const parts = partsOf(cycle, arena, random);
      await arena.killAndStart(parts, random.next() * 300);
      context.progress(`${cycle + 1} kills (${parts.join(' + ')}), ${load.accepted.size} accepted`);
    }
    await delay(300);
    await load.stop();
    effects = await allEffects(guarantee, arena, load.accepted);
  } catch (error) {
    problems.push(`  ${String((error as Error).stack ?? error)}`);
  }
  const figures = judge(guarantee, arena, load.accepted, effects, problems);
  if (problems.length > 0) problems.push(`  kept: ${arena.folder}`, arena.application.output.slice(-3_000));
  await arena.close({ keep: problems.length > 0 });
  return { passed: problems.length === 0, figures, details: problems };
}

/** Each alone, then all of them, then by chance. */
function partsOf(cycle: number, { parts }: Arena, random: Random): readonly Part[] {
  if (cycle < parts.length) return [parts[cycle]!];
  if (cycle === parts.length) return parts;
  const some = parts.filter(() => random.next() < 0.5);
  return some.length > 0 ? some : ['application'];
}

/** The effects once nothing is missing any more, or nothing more comes: what piled up is waited for. */
async function allEffects(guarantee: Guarantee, arena: Arena, accepted: ReadonlySet<string>) {
  let most = -1;
  let deadline = Number.POSITIVE_INFINITY;
  for (;;) {
    arena.mustRun();
    const effects = await guarantee.effects(arena);
    const known = new Set(effects.map(({ id }) => id));
    if (known.size > most) deadline = performance.now() + (guarantee.patienceMs ?? PATIENCE_MS);
    most = known.size;
    if ([...accepted].every((id) => known.has(id)) || performance.now() > deadline) break;
    await delay(100);
  }
  await delay(500); // repeats that are still on their way
  arena.mustRun();
  return guarantee.effects(arena);
}

function judge(
  { promise, inWorkMs = IN_WORK_MS, leaseMs = 0, examine }: Guarantee,
  { kills }: Arena,
  accepted: ReadonlySet<string>,
  effects: readonly Effect[],
  problems: string[],
): string {
  const times = new Map<string, number[]>();
  for (const { id, at } of effects) times.set(id, [...(times.get(id) ?? []), at]);
  const lost = [...accepted].filter((id) => !times.has(id));
  const twice = [...times].filter(([, all]) => all.length > 1);
  // Of two copies that were taken at a kill both come again with the end of their leases.
  const causes = leaseMs === 0 ? kills : [...kills, ...kills.map((kill) => kill + leaseMs)];
  const unexplained = twice.filter(([, all]) => !isExplained(all, causes, inWorkMs));
  if (accepted.size === 0) problems.push('  nothing was accepted');
  if (lost.length > 0) problems.push(`  lost: ${lost.slice(0, 10).join(', ')}`);
  if (promise === 'exactly once' && twice.length > 0) problems.push(`  twice: ${JSON.stringify(twice.slice(0, 5))}`);
  for (const problem of examine?.(effects).slice(0, 10) ?? []) problems.push(`  ${problem}`);
  if (unexplained.length > 0) problems.push(`  twice without a kill: ${JSON.stringify(unexplained.slice(0, 5))}`);
  return `${accepted.size} accepted · ${lost.length} lost · ${twice.length} took effect twice`;
}

/** Whether something died shortly after each effect that was followed by another one. */
function isExplained(times: readonly number[], kills: readonly number[], inWorkMs: number): boolean {
  return times.slice(0, -1).every((at) => kills.some((kill) => kill >= at - inWorkMs && kill <= at + inWorkMs));
}
