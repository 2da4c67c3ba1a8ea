import { SpanFailures, type SpanFailuresOptions } from './span-failures.js';
import { SpanRollback, type SpanRollbackOptions } from './span-rollback.js';
import { TransactionSpans, type TransactionSpansOptions } from './transaction-spans.js';

// What a consumer has more when its handlers run in transactions, put together.

export interface SpanParts {
  readonly spans: TransactionSpans;
  readonly failures: SpanFailures;
}

export type SpanPartsOptions = Omit<TransactionSpansOptions, 'open' | 'rollback' | 'failures'> &
  Omit<SpanFailuresOptions, 'requestEnd'> &
  SpanRollbackOptions;

/** Undefined for a listener without transactions. */
export function spanParts(
  open: TransactionSpansOptions['open'] | undefined,
  options: SpanPartsOptions,
): SpanParts | undefined {
  if (open === undefined) return undefined;
  const failures = new SpanFailures(options);
  const rollback = new SpanRollback(options);
  return { failures, spans: new TransactionSpans({ ...options, open, rollback, failures }) };
}
