import { closeArena } from './broker/arena.js';
import { benchOptions, USAGE } from './options.js';
import { type Measured, type Row } from './row.js';
import { brokerRows } from './rows/broker.js';
import { guardRows } from './rows/guard.js';
import { listenerRows } from './rows/listener.js';
import { listenerCostRows } from './rows/listener-cost.js';
import { listenerCpuRows } from './rows/listener-cpu.js';
import { listenerJavaRows } from './rows/listener-java.js';
import { listenerLifeRows } from './rows/listener-life.js';
import { listenerRawRows } from './rows/listener-raw.js';
import { listenerStallRows } from './rows/listener-stall.js';
import { listenerWorkRows } from './rows/listener-work.js';
import { outboxRows } from './rows/outbox.js';
import { replyRows } from './rows/replies.js';
import { retryRows } from './rows/retry.js';
import { templateRows } from './rows/template.js';
import { templateThreadRows } from './rows/template-threads.js';
import { transactionRows } from './rows/transactions.js';

// `npm run bench -- [row …]`: rows are chosen by the beginning of their names.

const ROWS: readonly Row[] = [
  ...listenerRows,
  ...listenerRawRows,
  ...listenerJavaRows,
  ...listenerLifeRows,
  ...listenerStallRows,
  ...listenerCostRows,
  ...listenerCpuRows,
  ...guardRows,
  ...listenerWorkRows,
  ...templateRows,
  ...templateThreadRows,
  ...transactionRows,
  ...outboxRows,
  ...retryRows,
  ...replyRows,
  ...brokerRows,
];
const { help, json, repeats, rows: wanted } = benchOptions;
if (help) {
  console.log(USAGE);
  for (const row of ROWS) console.log(`  ${row.name.padEnd(36)} against ${row.peerName}`);
  process.exit(0);
}
const chosen = ROWS.filter(({ name }) => name.startsWith(wanted));
if (chosen.length === 0) {
  console.error(`no row begins with '${wanted}'; --help lists them`);
  process.exit(2);
}

for (const row of chosen) {
  const contest = await row.prepare();
  if (!contest) continue;
  try {
    await contest.ours(); // one round each that is not counted: compilers and page cache are warm afterwards
    await contest.peer();
    const ours: Measured[] = [];
    const peer: Measured[] = [];
    for (let round = 0; round < repeats; round++) {
      ours.push(measured(await contest.ours()));
      peer.push(measured(await contest.peer()));
    }
    report(row, ours, peer);
  } finally {
    await contest.close();
  }
}
await closeArena();
process.exit(0);

function measured(figure: number | Measured): Measured {
  return typeof figure === 'number' ? { value: figure, beside: {} } : figure;
}

function report(row: Row, ours: readonly Measured[], peer: readonly Measured[]): void {
  const [mine, theirs] = [ours, peer].map((side) => median(side.map(({ value }) => value))) as [number, number];
  const ratio = row.better === 'higher' ? mine / theirs : theirs / mine;
  if (json) {
    const { name, unit, peerName, goal, settings } = row;
    const beside = { ours: besideOf(ours), peer: besideOf(peer) };
    console.log(
      JSON.stringify({ row: name, unit, ours: mine, peer: theirs, peerName, ratio, goal, repeats, settings, beside }),
    );
    return;
  }
  const mark = ratio >= row.goal ? 'ok' : 'BELOW GOAL';
  console.log(
    `${row.name}\n  ours ${show(ours)} ${row.unit} · ${row.peerName} ${show(peer)} ${row.unit}\n` +
      `  ratio ${ratio.toFixed(2)} (goal ${row.goal}) ${mark} · ${repeats} repeats · ${row.settings}`,
  );
  const [left, right] = [besideOf(ours), besideOf(peer)];
  for (const [name, value] of Object.entries(left)) {
    const theirsToo = right[name] === undefined ? '' : `, peer ${brief(right[name])}`;
    console.log(`  ${name}: ours ${brief(value)}${theirsToo}`);
  }
}

function besideOf(side: readonly Measured[]): Record<string, number> {
  const names = Object.keys(side[0]!.beside);
  return Object.fromEntries(names.map((name) => [name, median(side.map(({ beside }) => beside[name]!))]));
}

function brief(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function show(side: readonly Measured[]): string {
  const figures = side.map(({ value }) => value);
  const digits = Math.max(...figures) < 10 ? 2 : Math.max(...figures) < 100 ? 1 : 0;
  const text = (value: number): string => value.toFixed(digits);
  return `${text(median(figures))} [${text(Math.min(...figures))}–${text(Math.max(...figures))}]`;
}
