import { parseArgs } from 'node:util';
import { brokerKill } from './broker-kill.js';
import { coordinators } from './coordinators.js';
import { fuzz } from './fuzz.js';
import { guarantees } from './guarantees.js';
import { killOrders } from './kill-orders.js';
import { type Proof } from './proof.js';
import { scale } from './scale.js';
import { simulation } from './simulation.js';

// `npm run prove -- <proof> [--cycles N] [--seconds S] [--seed S]`

const PROOFS: readonly Proof[] = [killOrders, brokerKill, fuzz, coordinators, scale, simulation, guarantees];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cycles: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const proof = PROOFS.find(({ name }) => name === positionals[0]);
if (values.help || !proof) {
  const list = PROOFS.map(
    ({ name, summary, defaultCycles }) => `  ${name.padEnd(16)} ${summary} (${defaultCycles} cycles)`,
  );
  console.log(`usage: npm run prove -- <proof> [--cycles N] [--seconds S] [--seed N]\n\n${list.join('\n')}`);
  process.exit(values.help ? 0 : 2);
}

const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const started = performance.now();
const result = await proof.run({
  cycles: Number(values.cycles ?? (values.seconds ? Number.POSITIVE_INFINITY : proof.defaultCycles)),
  seconds: Number(values.seconds ?? Number.POSITIVE_INFINITY),
  seed,
  names: positionals.slice(1),
  progress: (text) => {
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[2K${text}`);
    else console.log(text);
  },
});
if (process.stdout.isTTY) process.stdout.write('\r\x1b[2K');
for (const line of result.details ?? []) console.log(line);
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(`${proof.name} ${result.passed ? 'PASSED' : 'FAILED'} · ${result.figures} · seed ${seed} · ${seconds} s`);
process.exit(result.passed ? 0 : 1);
