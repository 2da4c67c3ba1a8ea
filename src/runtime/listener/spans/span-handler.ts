import { type Logger } from '../../../common/logger.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type Delivery } from '../delivery/delivery.js';
import { type RedoEntry, type RedoLedger } from '../failures/redo-ledger.js';
import { type BatchOutcome, DONE, type Outcome } from '../invocation.js';
import { type ListenerEndpoint } from '../listener-endpoint.js';

// The listener's handler as it runs in a transaction: the sends of its call belong to it, and records that failed
// before get what was decided about them.

export interface SpanHandlerOptions {
  readonly ledger: RedoLedger;
  /** The delivery becomes part of the open transaction. */
  readonly join: (delivery: Delivery) => void;
  /** Calls with sends belonging to the open transaction. */
  readonly run: <R>(work: () => R) => R;
  readonly logger: Logger;
  readonly onRecovered: (entry: Recovery) => void;
  readonly onRecoveryFailed: (entry: Recovery, error: unknown) => void;
}

type Instead = NonNullable<RedoEntry['instead']>;
export type Recovery = Exclude<Instead, 'skip'>;
type Handler = ListenerEndpoint['handler'];
type Handled<O> = O | Promise<O>;

const PASSED_OVER: Outcome = Object.freeze({ status: 'skipped', reason: 'recovered' });

export function spanHandler(handler: Handler, options: SpanHandlerOptions): Handler {
  const { ledger, join, run } = options;
  if (handler.kind === 'record') {
    return {
      kind: 'record',
      invoke: (record, context) => {
        const delivery = context as Delivery;
        join(delivery);
        const entry = ledger.isEmpty ? undefined : ledger.get(record, record.offset);
        if (entry === undefined) return run(() => handler.invoke(record, context));
        delivery.attempt = entry.attempt;
        if (entry.instead === undefined) return run(() => handler.invoke(record, context));
        return insteadOf([entry.instead], delivery, options);
      },
    };
  }
  return {
    kind: 'batch',
    invoke: (records, context) => {
      const delivery = context as Delivery;
      join(delivery);
      if (ledger.isEmpty) return run(() => handler.invoke(records, context));
      return redoBatch(records, delivery, options, (kept) => run(() => handler.invoke(kept, context)));
    },
  };
}

/** Of a batch, the records that failed for good go first, the rest is the handler's. */
function redoBatch(
  records: readonly KafkaRecord[],
  delivery: Delivery,
  options: SpanHandlerOptions,
  handle: (records: readonly KafkaRecord[]) => Handled<BatchOutcome>,
): Handled<BatchOutcome> {
  const decided: Instead[] = [];
  const kept: number[] = [];
  records.forEach((record, index) => {
    const entry = options.ledger.get(record, record.offset);
    if (entry?.instead !== undefined) {
      decided.push(entry.instead);
      return;
    }
    kept.push(index);
    if (entry) delivery.attempt = Math.max(delivery.attempt, entry.attempt);
  });
  if (decided.length === 0) return handle(records);
  const inWhole = (outcome: BatchOutcome): BatchOutcome =>
    outcome.status === 'failed-at' ? { ...outcome, index: kept[outcome.index] ?? -1 } : outcome;
  return insteadOf(decided, delivery, options).then((outcome) => {
    if (outcome.status === 'failed' || kept.length === 0) return outcome;
    const rest = handle(kept.map((index) => records[index]!));
    return rest instanceof Promise ? rest.then(inWhole) : inWhole(rest);
  });
}

/** What is done in place of the handler; one that is handed on is so in the open transaction. */
async function insteadOf(
  decided: readonly Instead[],
  delivery: Delivery,
  options: SpanHandlerOptions,
): Promise<Outcome> {
  for (const instead of decided) {
    if (instead === 'skip') continue;
    try {
      await options.run(() => instead.recoverer.recover(instead.failure, options));
    } catch (error) {
      options.onRecoveryFailed(instead, error);
      return { status: 'failed', error };
    }
    options.onRecovered(instead);
  }
  // Under manual acknowledgment a handler's return finishes nothing.
  return delivery.partition.ackDesk === undefined ? DONE : PASSED_OVER;
}
