import { type RebalanceTimes } from '../client/consumer-client.js';

// What a consumer of a container has counted since its start, for metrics and health.

export interface ContainerCounters {
  /** Records handed over by polls. */
  received: number;
  /** Invocations of the handler. */
  invoked: number;
  /** Records finished, by return or by acknowledgment. */
  finished: number;
  /** Records finished because a policy skipped them after a failure. */
  skipped: number;
  /** Records that a recoverer took over; they count as finished. */
  recovered: number;
  /** Records that a recoverer could not take; they are delivered again. */
  recoveryFailures: number;
  /** Records that a filter kept from the handler; they count as finished. */
  filtered: number;
  /** Records that had been handled before and did not reach the handler again; they count as finished. */
  duplicates: number;
  /** Failed invocations. */
  failed: number;
  /** Records not run because the committed gap map has them as finished. */
  restored: number;
  /** Results, and records, of partitions that were given up meanwhile: ignored. */
  stale: number;
  /** Times that an interceptor of the consumer threw. */
  interceptorErrors: number;
  commits: number;
  commitFailures: number;
  /** Rebalances lived through, the first join among them; and what they took together, ms. */
  rebalances: number;
  rebalanceMs: number;
  /** Of it, waiting for running handlers; and waiting for the group. */
  drainMs: number;
  joinMs: number;
}

export function newCounters(): ContainerCounters {
  return {
    received: 0,
    invoked: 0,
    finished: 0,
    skipped: 0,
    recovered: 0,
    recoveryFailures: 0,
    filtered: 0,
    duplicates: 0,
    failed: 0,
    restored: 0,
    stale: 0,
    interceptorErrors: 0,
    commits: 0,
    commitFailures: 0,
    rebalances: 0,
    rebalanceMs: 0,
    drainMs: 0,
    joinMs: 0,
  };
}

export function countRebalance(counters: ContainerCounters, { totalMs, drainMs, joinMs }: RebalanceTimes): void {
  counters.rebalances++;
  counters.rebalanceMs += totalMs;
  counters.drainMs += drainMs;
  counters.joinMs += joinMs;
}
