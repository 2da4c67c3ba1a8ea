import { type Payment } from '../billing.listener.js';

// Holds what HTTP answered against what the payments file says. Pure: the load run and the kill test share it.

export interface Accepted {
  readonly orderId: string;
  readonly customerId: string;
  readonly requestedAt: number;
}

export interface Findings {
  readonly accepted: number;
  /** Distinct accepted orders with at least one payment. */
  readonly paid: number;
  /** Accepted orders without a payment: must be empty. */
  readonly missing: readonly string[];
  /** Payments beyond the first of an order. */
  readonly duplicates: number;
  /** Pairs of first payments of one customer that are not in offset order: must be 0. */
  readonly orderViolations: number;
  /** Ms from the HTTP request to the payment, for the percentile `p` (0 to 1). */
  latency(p: number): number;
}

export function check(accepted: readonly Accepted[], payments: readonly Payment[]): Findings {
  const first = new Map<string, Payment>();
  const lastOffset = new Map<string, number>();
  let duplicates = 0;
  let orderViolations = 0;
  for (const payment of payments) {
    if (first.has(payment.orderId)) {
      duplicates++;
      continue;
    }
    first.set(payment.orderId, payment);
    const before = lastOffset.get(payment.customerId);
    if (before !== undefined && payment.offset <= before) orderViolations++;
    lastOffset.set(payment.customerId, payment.offset);
  }
  const missing: string[] = [];
  const latencies: number[] = [];
  for (const order of accepted) {
    const payment = first.get(order.orderId);
    if (payment) latencies.push(payment.paidAt - order.requestedAt);
    else missing.push(order.orderId);
  }
  latencies.sort((a, b) => a - b);
  return {
    accepted: accepted.length,
    paid: accepted.length - missing.length,
    missing,
    duplicates,
    orderViolations,
    latency: (p) => latencies[Math.min(latencies.length - 1, Math.floor(p * latencies.length))] ?? Number.NaN,
  };
}
