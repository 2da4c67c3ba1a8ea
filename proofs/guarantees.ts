import { dedupRedis } from './guarantees/dedup-redis.js';
import { dedupSql } from './guarantees/dedup-sql.js';
import { dedupTopic } from './guarantees/dedup-topic.js';
import { inbox } from './guarantees/inbox.js';
import { offsetsFile } from './guarantees/offsets-file.js';
import { offsetsRedis } from './guarantees/offsets-redis.js';
import { offsetsSql } from './guarantees/offsets-sql.js';
import { outbox } from './guarantees/outbox.js';
import { retryOrder, retryRedis, retrySql, retryTopics } from './guarantees/retries.js';
import { topicOrder } from './guarantees/topic-order.js';
import { transactions } from './guarantees/transactions.js';
import { type Proof, type ProofContext, type ProofResult } from './proof.js';

// Every guarantee under kill -9, one file each in guarantees/. `npm run prove -- guarantees` runs all of them;
// `npm run prove -- guarantees transactions` some. A failing seed runs again with --seed.

export const GUARANTEES: readonly Proof[] = [
  transactions,
  dedupSql,
  dedupRedis,
  dedupTopic,
  offsetsSql,
  offsetsFile,
  offsetsRedis,
  retryTopics,
  retryOrder,
  retryRedis,
  retrySql,
  outbox,
  inbox,
  topicOrder,
];

export const guarantees: Proof = {
  name: 'guarantees',
  summary: `kill -9 of processes and brokers: ${GUARANTEES.map(({ name }) => name).join(', ')}`,
  defaultCycles: 100,
  run,
};

async function run(context: ProofContext): Promise<ProofResult> {
  const { names = [] } = context;
  const unknown = names.filter((name) => !GUARANTEES.some((guarantee) => guarantee.name === name));
  const known = GUARANTEES.map(({ name }) => name).join(', ');
  if (unknown.length > 0) {
    return { passed: false, figures: `there is no guarantee ${unknown.join(', ')}; there are: ${known}` };
  }
  const chosen = GUARANTEES.filter(({ name }) => names.length === 0 || names.includes(name));
  const results: Array<ProofResult & { readonly name: string }> = [];
  for (const guarantee of chosen) {
    const { name } = guarantee;
    const progress = (text: string) => context.progress(`${name}: ${text}`);
    results.push({ name, ...(await guarantee.run({ ...context, progress })) });
  }
  return {
    passed: results.every(({ passed }) => passed),
    figures: results.map(({ name, figures }) => `${name}: ${figures}`).join(' | '),
    details: results.flatMap(({ name, details = [] }) => details.map((line) => `${name}: ${line}`)),
  };
}
