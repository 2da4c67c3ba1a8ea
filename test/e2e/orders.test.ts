import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OrdersApplication } from '../../proofs/orders-application.js';
import { freePort } from '../../proofs/sample-process.js';
import { type Accepted, check } from '../../samples/orders/src/load/check.js';
import { OrdersClient } from '../../samples/orders/src/load/client.js';
import { until } from '../../src/testing/until.js';

// The orders sample as its users run it: a process of its own, with its own broker, or with the cluster that
// KAFKA_BOOTSTRAP_SERVERS names. One for all cases: what it paid in one it must not pay again in another.

const onCluster = process.env.KAFKA_BOOTSTRAP_SERVERS !== undefined;
const PATIENCE = { timeoutMs: 30_000, everyMs: 20 };
let application: OrdersApplication;

beforeAll(async () => {
  const run = Date.now().toString(36);
  application = await OrdersApplication.open(
    onCluster
      ? { ORDERS_TOPIC: `orders-${run}`, ORDERS_PAID_TOPIC: `orders-paid-${run}` }
      : { KAFKA_EMBEDDED_PORT: String(await freePort()) },
  );
  await application.untilReady();
}, 60_000);

afterAll(async () => {
  await application.kill('SIGTERM'); // leaves its groups, which the next application uses again
  await application.remove();
});

async function place(client: OrdersClient, count: number, customers: number): Promise<Accepted[]> {
  const orders = Array.from({ length: count }, (_, i) => client.place(`customer-${i % customers}`, 10));
  const accepted = await Promise.all(orders);
  expect(accepted.every((order) => order !== undefined)).toBe(true);
  return accepted as Accepted[];
}

describe('the orders sample', () => {
  it('pays every accepted order once, in order per customer, and keeps totals', async () => {
    const client = new OrdersClient(application.port, 16);
    const accepted = await place(client, 200, 7);
    const findings = await until(() => {
      const found = check(accepted, application.payments());
      return found.missing.length === 0 && found;
    }, PATIENCE);
    expect(findings.orderViolations).toBe(0);
    expect(findings.duplicates).toBe(0);
    await until(async () => (await client.ordersOf('customer-0')) === 29, PATIENCE);
    client.close();
  }, 60_000);

  it('refuses an order that does not validate, with 400', async () => {
    const answer = await fetch(`http://127.0.0.1:${application.port}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ customerId: '', amount: -1 }),
    });
    expect(answer.status).toBe(400);
  }, 60_000);

  it('ends cleanly on SIGTERM and goes on where it was after a restart, without repeating anything', async () => {
    const client = new OrdersClient(application.port, 16);
    const before = await place(client, 50, 5);
    await until(() => check(before, application.payments()).missing.length === 0, PATIENCE);
    await application.kill('SIGTERM');
    await application.untilReady();
    const after = await place(client, 50, 5);
    const all = [...before, ...after];
    const findings = await until(() => {
      const found = check(all, application.payments());
      return found.missing.length === 0 && found;
    }, PATIENCE);
    expect(findings.duplicates).toBe(0);
    expect(findings.orderViolations).toBe(0);
    client.close();
  }, 60_000);
});
