import { setTimeout as delay } from 'node:timers/promises';
import { type Payment } from '../samples/orders/src/billing.listener.js';
import { type Accepted, check } from '../samples/orders/src/load/check.js';
import { OrdersClient } from '../samples/orders/src/load/client.js';
import { OrdersApplication } from './orders-application.js';
import { type Proof, type ProofContext, type ProofResult } from './proof.js';
import { freePort } from './sample-process.js';

// Kills the orders sample with SIGKILL at random moments, under load and during start-up, and starts it again.
// Afterwards every order that HTTP accepted must be paid, first payments of a customer must be in offset order, and
// what was paid twice must have been paid shortly before a kill: unfinished then, or finished since the last commit.

const CUSTOMERS = 40;
const CONNECTIONS = 16;
/** kafka.listener.ack-time of the sample, plus what a commit may take while both processors are busy. */
const REPEAT_WINDOW_MS = 200 + 800;
const PATIENCE_MS = 60_000;

export const killOrders: Proof = {
  name: 'kill-orders',
  summary: 'kill -9 of the orders sample under load and during start-up: nothing accepted is lost',
  defaultCycles: 20,
  run,
};

async function run(context: ProofContext): Promise<ProofResult> {
  const random = generator(context.seed);
  const application = await OrdersApplication.open(await environment());
  const client = new OrdersClient(application.port, CONNECTIONS);
  const accepted: Accepted[] = [];
  const kills: number[] = [];
  const starts: number[] = [];
  const problems: string[] = [];
  let posting = true;
  const posters = Array.from({ length: CONNECTIONS }, async (_, poster) => {
    for (let order = poster; posting; order += CONNECTIONS) {
      const answer = await client.place(`customer-${order % CUSTOMERS}`, 1 + (order % 100));
      if (answer) accepted.push(answer);
      else await delay(20); // not up at the moment
    }
  });

  try {
    const until = performance.now() + context.seconds * 1000;
    for (let cycle = 0; cycle < context.cycles && performance.now() < until; cycle++) {
      const ready = application.untilReady();
      if (random() < 0.3) await delay(random() * 1200);
      else {
        starts.push(await ready);
        await delay(100 + random() * 1500);
      }
      application.mustRun();
      await application.kill('SIGKILL');
      kills.push(Date.now()); // only now: a payment may still be made after the signal was sent
      await delay(random() * 100);
      context.progress(
        `${kills.length} kills, ${accepted.length} orders accepted, ${application.payments().length} payments`,
      );
    }
    starts.push(await application.untilReady());
    await delay(500);
    posting = false;
    await Promise.all(posters);
    const deadline = performance.now() + PATIENCE_MS;
    while (check(accepted, application.payments()).missing.length > 0 && performance.now() < deadline) {
      application.mustRun();
      await delay(100);
    }
    await delay(300); // repeats that are still on their way
    application.mustRun();
    await application.kill('SIGTERM');
  } catch (error) {
    problems.push(String(error));
  } finally {
    posting = false;
    client.close();
  }

  const payments = application.payments();
  const findings = check(accepted, payments);
  const repeats = agesOfRepeats(payments, kills);
  const tooOld = repeats.filter((age) => age > REPEAT_WINDOW_MS);
  if (findings.missing.length > 0) problems.push(`accepted but never paid: ${findings.missing.slice(0, 5).join(', ')}`);
  if (findings.orderViolations > 0) problems.push(`${findings.orderViolations} first payments out of order`);
  if (tooOld.length > 0)
    problems.push(`${tooOld.length} repeats of payments made over ${REPEAT_WINDOW_MS} ms before a kill`);
  if (problems.length > 0) problems.push(`folder kept: ${application.folder}`, application.output.slice(-3000));
  else await application.remove();
  starts.sort((a, b) => a - b);
  const median = Math.round(starts[Math.floor(starts.length / 2)] ?? Number.NaN);
  const oldest = Math.round(Math.max(0, ...repeats));
  return {
    passed: problems.length === 0 && findings.accepted > 0,
    figures:
      `${kills.length} kills · ${findings.accepted} accepted · ${findings.missing.length} lost · ` +
      `${findings.orderViolations} out of order · ${findings.duplicates} paid twice (at most ${oldest} ms before the kill) · ` +
      `start to ready ${median} ms`,
    details: problems,
  };
}

/** For each payment made again: how many ms before the last kill in between the earlier one was made. */
function agesOfRepeats(payments: readonly Payment[], kills: readonly number[]): number[] {
  const last = new Map<string, number>();
  const ages: number[] = [];
  for (const { orderId, paidAt } of payments) {
    const before = last.get(orderId);
    last.set(orderId, paidAt);
    if (before === undefined) continue;
    const kill = kills.find((at) => at >= before && at <= paidAt);
    ages.push(kill === undefined ? Number.POSITIVE_INFINITY : kill - before);
  }
  return ages;
}

/** On a cluster given from outside, dead members block their group for a session: as short as brokers allow. */
async function environment(): Promise<Record<string, string>> {
  if (process.env.KAFKA_BOOTSTRAP_SERVERS) {
    const run = Date.now().toString(36);
    return {
      KAFKA_CONSUMER_PROPERTIES_SESSION_TIMEOUT_MS: '6000',
      KAFKA_CONSUMER_HEARTBEAT_INTERVAL: '2000',
      ORDERS_TOPIC: `orders-${run}`,
      ORDERS_PAID_TOPIC: `orders-paid-${run}`,
    };
  }
  return { KAFKA_EMBEDDED_PORT: String(await freePort()) };
}

function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}
