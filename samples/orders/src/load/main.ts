import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Payment } from '../billing.listener.js';
import { type Accepted, check } from './check.js';
import { OrdersClient } from './client.js';

// `npm run orders:load`: posts orders to the running sample, waits until each is paid, prints what happened.

const { values } = parseArgs({
  options: {
    orders: { type: 'string', default: '10000' },
    customers: { type: 'string', default: '500' },
    connections: { type: 'string', default: '32' },
    rate: { type: 'string', default: '1000' },
    port: { type: 'string', default: process.env.PORT ?? '3000' },
    payments: { type: 'string', default: './.nestdaw/payments.jsonl' },
    patience: { type: 'string', default: '60' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(`Posts orders to the running orders sample and checks that each is paid once and in order.

  --orders N        how many orders                          (10000)
  --customers N     spread over how many customers           (500)
  --connections N   HTTP connections at once                 (32)
  --rate N          orders a second; 0 is as fast as it goes (1000)
  --port N          port of the application                  (PORT, or 3000)
  --payments FILE   its payments file                        (./.nestdaw/payments.jsonl)
  --patience S      seconds to wait for the last payment     (60)`);
  process.exit(0);
}

const orders = Number(values.orders);
const customers = Number(values.customers);
const connections = Number(values.connections);
const rate = Number(values.rate);
const client = new OrdersClient(Number(values.port), connections);
const run = `load-${Date.now().toString(36)}`;
const customerOf = (order: number): string => `${run}-${order % customers}`;

if ((await client.ordersOf('nobody').catch(() => undefined)) === undefined) {
  console.error(`Nothing answers on http://localhost:${values.port}. Start the sample first: npm start`);
  process.exit(1);
}

const accepted: Accepted[] = [];
const started = performance.now();
let next = 0;
async function post(): Promise<void> {
  while (next < orders) {
    const order = next++;
    const due = rate > 0 ? started + (order / rate) * 1000 - performance.now() : 0;
    if (due > 1) await delay(due);
    const answer = await client.place(customerOf(order), 1 + (order % 100));
    if (answer) accepted.push(answer);
    if (order % 1000 === 999 && process.stdout.isTTY) process.stdout.write(`\r${order + 1} of ${orders} posted`);
  }
}
await Promise.all(Array.from({ length: connections }, post));
const postedMs = performance.now() - started;

const deadline = performance.now() + Number(values.patience) * 1000;
let findings = check(accepted, payments());
while (findings.missing.length > 0 && performance.now() < deadline) {
  await delay(100);
  findings = check(accepted, payments());
}
const paidMs = performance.now() - started;
let delivered = 0;
for (let customer = 0; customer < Math.min(customers, orders); customer++)
  delivered += await client.ordersOf(customerOf(customer));
client.close();

if (process.stdout.isTTY) process.stdout.write('\r');
console.table({
  'orders posted': orders,
  'accepted (201)': findings.accepted,
  'delivered to the totals': delivered,
  paid: findings.paid,
  'order violations per customer': findings.orderViolations,
  'paid twice': findings.duplicates,
  'HTTP orders/s': Math.round((findings.accepted / postedMs) * 1000),
  'paid orders/s': Math.round((findings.paid / paidMs) * 1000),
  'request to payment p50 (ms)': findings.latency(0.5),
  'request to payment p99 (ms)': findings.latency(0.99),
});
process.exit(findings.missing.length === 0 && findings.orderViolations === 0 ? 0 : 1);

function payments(): Payment[] {
  if (!existsSync(values.payments)) return [];
  const own: Payment[] = [];
  for (const line of readFileSync(values.payments, 'utf8').split('\n')) {
    if (!line.includes(run)) continue;
    try {
      own.push(JSON.parse(line) as Payment);
    } catch {
      // the line that is being written right now
    }
  }
  return own;
}
