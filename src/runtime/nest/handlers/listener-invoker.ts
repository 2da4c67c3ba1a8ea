import { isObservable, lastValueFrom } from 'rxjs';
import { failedIndexOf } from '../../../common/batch-error.js';
import { type KafkaRecord } from '../../../common/record.js';
import {
  type BatchInvoker,
  type BatchOutcome,
  DONE,
  type InvocationContext,
  type Outcome,
  type RecordInvoker,
} from '../../listener/listener-endpoint.js';
import { isPendingBytes } from '../../template/serdes/pending-bytes.js';
import { atIndex, BatchRecordError } from './argument-resolver.js';
import { inContext, KafkaListenerContext, type ListenerIdentity } from './listener-context.js';
import { type Call } from './method-call.js';
import { type PayloadConverter } from './payload-converter.js';
import { SubBatch } from './sub-batch.js';

// From a record, or a batch, to the call of the user's method to an outcome: filtered, decoded, called, and what came
// of it as a value.

/** A method ready to be called, and how its payload is decoded; without a converter nothing is. */
export interface Handling {
  readonly converter: PayloadConverter | undefined;
  readonly call: Call;
}

/** What applies to every call of a listener. */
export interface CallRules {
  readonly listener: ListenerIdentity;
  readonly filter: ((record: KafkaRecord) => unknown) | undefined;
  /** Sees what the method threw first. */
  readonly errorHandler: ((error: unknown, context: KafkaListenerContext) => unknown) | undefined;
  /** The context of a call is found in everything that it calls. */
  readonly isTracked?: boolean;
}

const FILTERED: Outcome = Object.freeze({ status: 'skipped', reason: 'filtered' });

/** Decodes a record and calls the method for it. */
export type RecordCall = (record: KafkaRecord, context: KafkaListenerContext) => unknown;

export function recordInvoker(call: RecordCall, rules: CallRules): RecordInvoker {
  const { filter, listener } = rules;
  const start: RecordCall = rules.isTracked
    ? (record, context) => inContext(context, () => call(record, context))
    : call;
  const onError = errorStep(rules, failed);
  const invoke: RecordInvoker = (record, invocation) => {
    let context: KafkaListenerContext | undefined;
    try {
      if (filter !== undefined && filter(record) !== true) return FILTERED;
      context = new KafkaListenerContext(record, undefined, invocation, listener);
      const result = start(record, context);
      if (!isPending(result)) return DONE;
      const seen = context;
      return settled(result).then(doneOrMore, (error: unknown) => failure(error, seen, record, invocation));
    } catch (error) {
      return context === undefined ? failed(error) : failure(error, context, record, invocation);
    }
  };
  return invoke;

  // Arguments come before the method: what could not be read yet has not been handled yet.
  function failure(
    error: unknown,
    context: KafkaListenerContext,
    record: KafkaRecord,
    invocation: InvocationContext,
  ): Outcome | Promise<Outcome> {
    if (!isPendingBytes(error)) return onError(error, context);
    return error.ready.then(
      () => invoke(record, invocation),
      (cause: unknown) => onError(cause, context),
    );
  }

  function doneOrMore(value: unknown): Outcome | Promise<Outcome> {
    return isObservable(value) ? settled(value).then(() => DONE, failed) : DONE;
  }
}

/** The method for a record, and its payload decoded for it. */
export interface Choice {
  readonly handling: Handling;
  readonly decoded: unknown;
}

/** The call where there is one method only. */
export function callOne({ converter, call }: Handling): RecordCall {
  if (converter === undefined) return call;
  return (record, context) => call(converter.decode(record), context);
}

/** The call where the record decides about the method. */
export function callChosen(choose: (record: KafkaRecord) => Choice): RecordCall {
  return (record, context) => {
    const { handling, decoded } = choose(record);
    return handling.call(decoded, context);
  };
}

type Handled = BatchOutcome | Promise<BatchOutcome>;

export function batchInvoker(handling: Handling, rules: CallRules): BatchInvoker {
  const { filter } = rules;
  const run = (records: readonly KafkaRecord[], invocation: InvocationContext) =>
    runBatch(handling, rules, records, invocation);
  if (filter === undefined) return run;
  return (records, invocation) => {
    let kept: number[];
    try {
      kept = indexesOf(records, (record) => filter(record) === true);
    } catch (error) {
      return failed(error);
    }
    if (kept.length === records.length) return run(records, invocation);
    if (kept.length === 0) return FILTERED;
    const part = new SubBatch(records, kept, invocation, false);
    const inWhole = (outcome: BatchOutcome): BatchOutcome =>
      outcome.status === 'failed-at' ? { ...outcome, index: part.indexInWhole(outcome.index) } : outcome;
    return after(run(part.records, part.context), inWhole);
  };
}

function runBatch(
  { converter, call }: Handling,
  rules: CallRules,
  records: readonly KafkaRecord[],
  invocation: InvocationContext,
): Handled {
  const context = new KafkaListenerContext(records[0]!, records, invocation, rules.listener);
  const onError = errorStep<BatchOutcome>(rules, batchFailed);
  const failure = (error: unknown): Handled => {
    const isOfRecord = error instanceof BatchRecordError;
    const cause = isOfRecord ? error.cause : error;
    if (isPendingBytes(cause)) {
      return cause.ready.then(
        () => runBatch({ converter, call }, rules, records, invocation),
        (later: unknown) => failure(isOfRecord ? new BatchRecordError(error.index, later) : later),
      );
    }
    return isOfRecord ? unconverted(error) : onError(error, context);
  };
  // What stands before a record that cannot be converted was not handled yet: it is now, or it would be passed over.
  const unconverted = ({ index, cause }: BatchRecordError): Handled => {
    if (index === 0) return { status: 'failed-at', index, error: cause };
    const front = new SubBatch(
      records,
      indexesOf(records.slice(0, index), () => true),
      invocation,
      true,
    );
    return after(runBatch({ converter, call }, rules, front.records, front.context), (outcome) => {
      if (outcome.status !== 'done' || front.isGivenBack) return outcome;
      return { status: 'failed-at', index, error: cause, isOpenBefore: true };
    });
  };
  try {
    const decoded = converter ? records.map((one, index) => atIndex(index, () => converter.decode(one))) : records;
    const result = rules.isTracked ? inContext(context, () => call(decoded, context)) : call(decoded, context);
    if (!isPending(result)) return DONE;
    return settled(result).then(
      (value): Handled => (isObservable(value) ? settled(value).then(() => DONE, failure) : DONE),
      failure,
    );
  } catch (error) {
    return failure(error);
  }
}

/** The application's error handler, then what remains as an outcome. */
function errorStep<O extends BatchOutcome>(
  { errorHandler }: CallRules,
  outcomeOf: (error: unknown) => O,
): (error: unknown, context: KafkaListenerContext) => O | Outcome | Promise<O | Outcome> {
  if (errorHandler === undefined) return outcomeOf;
  return (error, context) => {
    try {
      const result = errorHandler(error, context);
      return isPending(result) ? settled(result).then(() => DONE, outcomeOf) : DONE;
    } catch (thrown) {
      return outcomeOf(thrown);
    }
  };
}

const failed = (error: unknown): Outcome => ({ status: 'failed', error });

function batchFailed(error: unknown): BatchOutcome {
  const index = failedIndexOf(error);
  if (index === undefined) return failed(error);
  return { status: 'failed-at', index, error: (error as { cause?: unknown }).cause ?? error };
}

function after(outcome: Handled, then: (outcome: BatchOutcome) => BatchOutcome): Handled {
  return outcome instanceof Promise ? outcome.then(then) : then(outcome);
}

function indexesOf(records: readonly KafkaRecord[], isWanted: (record: KafkaRecord) => boolean): number[] {
  const indexes: number[] = [];
  for (let index = 0; index < records.length; index++) if (isWanted(records[index]!)) indexes.push(index);
  return indexes;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** A promise or an observable; a method that returns anything else is done. */
function isPending(value: unknown): value is PromiseLike<unknown> | Parameters<typeof lastValueFrom>[0] {
  return isThenable(value) || (typeof value === 'object' && value !== null && isObservable(value));
}

function settled(result: PromiseLike<unknown> | Parameters<typeof lastValueFrom>[0]): Promise<unknown> {
  return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : Promise.resolve(result);
}
