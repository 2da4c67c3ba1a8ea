import { type KafkaRecord } from '../../../common/record.js';
import { type Claim } from '../../dedup/claim.js';
import { type Claims, type DedupGuard } from '../../dedup/dedup-guard.js';
import { ChangedInvocation } from '../../listener/delivery/changed-invocation.js';
import {
  type Acknowledgment,
  type BatchInvoker,
  type BatchOutcome,
  type InvocationContext,
  type Outcome,
  type RecordInvoker,
} from '../../listener/listener-endpoint.js';
import { SubBatch } from '../handlers/sub-batch.js';

// A handler behind a guard: called only for records whose ids nobody has handled. What it answers decides about its
// claims; under manual acknowledgment its acknowledgment does, for until then the work may not have been done.

/** The handler behind a guard that claims ids one by one (and in bulk as their records arrive). */
export function idempotentRecord(invoke: RecordInvoker, guard: DedupGuard, isManual: boolean): RecordInvoker {
  return (record, invocation) => {
    let claims: Claims | Promise<Claims>;
    try {
      claims = guard.enter([record], invocation);
    } catch (error) {
      return { status: 'failed', error };
    }
    if (!(claims instanceof Promise)) return begin(record, claims[0], invocation);
    return claims.then(
      ([claim]) => begin(record, claim, invocation),
      (error: unknown) => ({ status: 'failed', error }),
    );
  };

  function begin(record: KafkaRecord, claim: Claim | undefined, invocation: InvocationContext) {
    if (claim === undefined) return invoke(record, invocation);
    if (claim.isDuplicate) return duplicates([record]);
    const outcome = invoke(record, isManual ? acknowledging(invocation, [claim], guard) : invocation);
    if (!(outcome instanceof Promise)) return end(claim, outcome);
    return outcome.then((settled) => end(claim, settled));
  }

  function end(claim: Claim, outcome: Outcome): Outcome {
    if (outcome.status === 'failed') guard.release(claim);
    else if (!isManual || outcome.status === 'skipped') guard.finish(claim);
    return outcome;
  }
}

/** The same for a batch: its ids are claimed in one round trip, and the handler gets those that are new. */
export function idempotentBatch(invoke: BatchInvoker, guard: DedupGuard, isManual: boolean): BatchInvoker {
  const guarded: BatchInvoker = (records, invocation) => {
    let claims: Claims | Promise<Claims>;
    try {
      claims = guard.enter(records, invocation);
    } catch (error) {
      return unidentified(records, invocation, error);
    }
    if (!(claims instanceof Promise)) return begin(records, claims, invocation);
    return claims.then(
      (known) => begin(records, known, invocation),
      (error: unknown) => ({ status: 'failed', error }),
    );
  };
  return guarded;

  /** Records before the one without an id are handled first: they are not at fault. */
  function unidentified(records: readonly KafkaRecord[], invocation: InvocationContext, error: unknown) {
    const index = guard.indexWithoutId(records);
    if (index <= 0) return { status: 'failed-at' as const, index: 0, error };
    const front = new SubBatch(records, [...records.keys()].slice(0, index), invocation, true);
    return after(guarded(front.records, front.context), (outcome) => {
      if (outcome.status === 'failed' || outcome.status === 'failed-at' || front.isGivenBack) return outcome;
      return { status: 'failed-at', index, error, isOpenBefore: isManual };
    });
  }

  function begin(records: readonly KafkaRecord[], claims: Claims, invocation: InvocationContext) {
    const known = records.filter((_, index) => claims[index]?.isDuplicate === true);
    if (known.length === records.length) return duplicates(known);
    if (known.length === 0) return run(records, claims, invocation);
    const indexes = [...records.keys()].filter((index) => claims[index]?.isDuplicate !== true);
    const part = new SubBatch(records, indexes, invocation, false);
    const own = indexes.map((index) => claims[index]);
    return after(run(part.records, own, part.context), (outcome) => {
      if (outcome.status === 'failed-at') return { ...outcome, index: part.indexInWhole(outcome.index) };
      return outcome.status === 'done' ? { ...outcome, duplicates: known } : outcome;
    });
  }

  function run(records: readonly KafkaRecord[], claims: Claims, invocation: InvocationContext) {
    const outcome = invoke(records, isManual ? acknowledging(invocation, claims, guard) : invocation);
    return after(outcome, (settled) => {
      end(claims, settled);
      return settled;
    });
  }

  function end(claims: Claims, outcome: BatchOutcome): void {
    const isOpen = isManual && outcome.status !== 'skipped';
    const finished = outcome.status === 'failed' ? 0 : outcome.status === 'failed-at' ? outcome.index : claims.length;
    claims.forEach((claim, index) => {
      if (claim === undefined) return;
      if (index >= finished) guard.release(claim);
      else if (!isOpen) guard.finish(claim);
    });
  }
}

function duplicates(records: readonly KafkaRecord[]): Outcome {
  return { status: 'skipped', reason: 'duplicate', duplicates: records };
}

/** The same invocation; what the handler acknowledges is also finished in the guard, what it gives back is released. */
function acknowledging(invocation: InvocationContext, claims: Claims, guard: DedupGuard): InvocationContext {
  const { acknowledgment } = invocation;
  return acknowledgment
    ? new ChangedInvocation(invocation, new ClaimedAcknowledgment(acknowledgment, claims, guard))
    : invocation;
}

class ClaimedAcknowledgment implements Acknowledgment {
  constructor(
    readonly inner: Acknowledgment,
    readonly claims: Claims,
    readonly guard: DedupGuard,
  ) {}

  acknowledge(index?: number): Promise<void> {
    this.#finish(index === undefined ? this.claims.length : index + 1);
    // The last new one of a batch: behind it are duplicates alone, which nobody else acknowledges.
    const isLast = index !== undefined && index === this.claims.length - 1;
    return isLast ? this.inner.acknowledge() : this.inner.acknowledge(index);
  }

  nack(indexOrSleep: number, sleepMs?: number): void {
    const index = sleepMs === undefined ? 0 : indexOrSleep;
    if (sleepMs === undefined) this.inner.nack(indexOrSleep);
    else this.inner.nack(indexOrSleep, sleepMs);
    this.#finish(index);
    for (const claim of this.claims.slice(index)) if (claim !== undefined) this.guard.release(claim);
  }

  #finish(count: number): void {
    for (const claim of this.claims.slice(0, count)) if (claim !== undefined) this.guard.finish(claim);
  }
}

function after(
  outcome: BatchOutcome | Promise<BatchOutcome>,
  then: (outcome: BatchOutcome) => BatchOutcome,
): BatchOutcome | Promise<BatchOutcome> {
  return outcome instanceof Promise ? outcome.then(then) : then(outcome);
}
