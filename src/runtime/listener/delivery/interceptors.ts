import { type Clock } from '../../../common/clock.js';
import { type KafkaRecord } from '../../../common/record.js';
import {
  type BatchInvoker,
  type BatchOutcome,
  type InvocationContext,
  type ListenerHandler,
  type Outcome,
  type RecordInvoker,
} from '../invocation.js';

// What stands around every call of a handler (Spring: `RecordInterceptor`, `BatchInterceptor`).

/** Around each record. Each method may be left out; they are called in the order of the interceptors. */
export interface RecordInterceptor {
  /**
   * Before the handler: the record, another one in its place, or null to pass it over (it counts as finished). What it
   * throws makes the record failed. Synchronous: a promise on the way of every record would cost more than handlers do.
   */
  intercept?(record: KafkaRecord, context: InvocationContext): KafkaRecord | null;
  /** The handler has returned. */
  success?(record: KafkaRecord): void;
  /** The handler, or an interceptor before it, failed; the error handler decides next. */
  failure?(record: KafkaRecord, error: unknown): void;
  /** After either of them. */
  afterRecord?(record: KafkaRecord): void;
}

/** Around each batch, like `RecordInterceptor`; from `intercept` comes a batch of the same records. */
export interface BatchInterceptor {
  /** Null passes the whole batch over. What it throws makes the batch failed. */
  intercept?(records: readonly KafkaRecord[], context: InvocationContext): readonly KafkaRecord[] | null;
  success?(records: readonly KafkaRecord[]): void;
  failure?(records: readonly KafkaRecord[], error: unknown): void;
  afterBatch?(records: readonly KafkaRecord[]): void;
}

const PASSED_OVER: Outcome = Object.freeze({ status: 'skipped', reason: 'an interceptor passed it over' });

/** What the interceptors of a container have cost. */
export interface InterceptorFigures {
  /** Records, or batches, that they stood around. */
  readonly calls: number;
  /** How often one of them threw. */
  readonly errors: number;
  /** Time in all of them together, ms. */
  readonly ms: number;
}

/** Counts for `intercepted`. */
export class InterceptorMeter {
  calls = 0;
  #errors = 0;
  #ms = 0;

  constructor(readonly clock: Clock) {}

  /** Runs a part of them; what it throws is counted, and thrown on. */
  measured<T>(part: () => T): T {
    const started = this.clock.monotonic();
    try {
      return part();
    } catch (error) {
      this.#errors++;
      throw error;
    } finally {
      this.#ms += this.clock.monotonic() - started;
    }
  }

  get figures(): InterceptorFigures {
    return { calls: this.calls, errors: this.#errors, ms: this.#ms };
  }
}

/** The handler with its interceptors around it; itself when there are none. */
export function intercepted(
  handler: ListenerHandler,
  records: readonly RecordInterceptor[],
  batches: readonly BatchInterceptor[],
  meter: InterceptorMeter,
): ListenerHandler {
  if (handler.kind === 'record') {
    if (records.length === 0) return handler;
    return {
      kind: 'record',
      invoke: around(handler.invoke, records, meter, (one, record) => one.afterRecord?.(record)) as RecordInvoker,
    };
  }
  if (batches.length === 0) return handler;
  return {
    kind: 'batch',
    invoke: around(handler.invoke, batches, meter, (one, batch) => one.afterBatch?.(batch)) as BatchInvoker,
  };
}

interface Interceptor<T> {
  intercept?(subject: T, context: InvocationContext): T | null;
  success?(subject: T): void;
  failure?(subject: T, error: unknown): void;
}

type Handled = BatchOutcome | Promise<BatchOutcome>;

function around<T, I extends Interceptor<T>>(
  invoke: (subject: T, context: InvocationContext) => Handled,
  interceptors: readonly I[],
  meter: InterceptorMeter,
  after: (interceptor: I, subject: T) => void,
): (subject: T, context: InvocationContext) => Handled {
  const look = (subject: T, outcome: BatchOutcome): void => {
    for (const one of interceptors) {
      if (outcome.status === 'done') one.success?.(subject);
      else if (outcome.status !== 'skipped') one.failure?.(subject, outcome.error);
    }
    for (const one of interceptors) after(one, subject);
  };
  const end = (subject: T, outcome: BatchOutcome): BatchOutcome => {
    // What looks on must not change what became of the record: the first thing that one throws makes it failed.
    try {
      meter.measured(() => look(subject, outcome));
      return outcome;
    } catch (error) {
      return outcome.status === 'done' ? { status: 'failed', error } : outcome;
    }
  };
  return (given, context) => {
    meter.calls++;
    let subject = given;
    /** False when one passes it over. */
    const enter = (): boolean => {
      for (const one of interceptors) {
        if (one.intercept === undefined) continue;
        const next = one.intercept(subject, context);
        if (next === null) return false;
        subject = next;
      }
      return true;
    };
    try {
      if (!meter.measured(enter)) return PASSED_OVER;
    } catch (error) {
      return end(subject, { status: 'failed', error });
    }
    const taken = subject;
    const outcome = invoke(taken, context);
    return 'then' in outcome ? outcome.then((value) => end(taken, value)) : end(taken, outcome);
  };
}
