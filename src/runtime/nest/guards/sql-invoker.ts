import { type KafkaRecord } from '../../../common/record.js';
import { ChangedInvocation } from '../../listener/delivery/changed-invocation.js';
import {
  type BatchInvoker,
  type BatchOutcome,
  type InvocationContext,
  type Outcome,
  type RecordInvoker,
} from '../../listener/listener-endpoint.js';
import { withSqlTransaction } from '../../sql/current-transaction.js';
import { type SqlDatabase, type SqlResult, type SqlStatement, type SqlTransaction } from '../../sql/sql-database.js';
import { SubBatch } from '../handlers/sub-batch.js';
import { type DatabasePatience } from './database-patience.js';

// A handler inside of a SQL transaction that also holds what is known about its records: ids, offsets, or both. Effect
// and knowledge become visible together, or not at all.

/** What is written in the handler's transaction beside the handler's own rows. */
export interface SqlUnit {
  readonly database: SqlDatabase;
  /** What waits while the database is away; undefined: the records fail. */
  readonly patience: DatabasePatience | undefined;
  /** Ids of the records; absent: every record is new. */
  readonly ids?: {
    /** Undefined: they can be written. */
    ready(): Promise<void> | undefined;
    claimOf(records: readonly KafkaRecord[]): IdClaim;
    committed(records: readonly KafkaRecord[]): void;
  };
  /** The position after the records; throws when somebody else owns their partition by now. */
  readonly offsets?: {
    save(transaction: SqlTransaction, records: readonly KafkaRecord[]): Promise<void>;
  };
}

/** The ids of some records, as they are written in their transaction. */
interface IdClaim {
  /** A statement that the transaction may begin with. */
  readonly opening: SqlStatement | undefined;
  /** Says which records are new. */
  write(transaction: SqlTransaction, opened?: SqlResult): Promise<boolean[]>;
}

export function sqlRecord(invoke: RecordInvoker, unit: SqlUnit): RecordInvoker {
  return (record, invocation) =>
    runUnit(unit, [record], invocation, (_part, context) => invoke(record, context)) as Promise<Outcome>;
}

export function sqlBatch(invoke: BatchInvoker, unit: SqlUnit): BatchInvoker {
  const transacted: BatchInvoker = async (records, invocation) => {
    const outcome = await runUnit(unit, records, invocation, (part, context) => invoke(part, context));
    if (outcome.status !== 'failed-at' || outcome.index === 0) return outcome;
    // Rolled back with the rest, those before the failed record are handled once more, in a transaction of their own.
    const front = new SubBatch(records, [...records.keys()].slice(0, outcome.index), invocation, true);
    const again = await transacted(front.records, front.context);
    return again.status === 'done' || again.status === 'skipped' ? outcome : again;
  };
  return transacted;
}

type PartCall = (part: readonly KafkaRecord[], context: InvocationContext) => BatchOutcome | Promise<BatchOutcome>;

/** Never rejects: what goes wrong is an outcome. */
async function runUnit(
  unit: SqlUnit,
  records: readonly KafkaRecord[],
  invocation: InvocationContext,
  call: PartCall,
): Promise<BatchOutcome> {
  try {
    const ids = unit.ids?.claimOf(records);
    for (let tries = 1; ; tries++) {
      const attempt = new Attempt(unit, ids, records, invocation);
      try {
        return await attempt.run(call);
      } catch (error) {
        if (attempt.hasBegun || unit.patience === undefined) throw error;
        await unit.patience.wait(error, tries, invocation.signal);
      }
    }
  } catch (error) {
    return error instanceof RolledBack ? error.outcome : { status: 'failed', error };
  }
}

/** One transaction around the handler. */
class Attempt {
  /** The handler was called, so that what fails is no matter of the database alone. */
  hasBegun = false;

  constructor(
    readonly unit: SqlUnit,
    readonly ids: IdClaim | undefined,
    readonly records: readonly KafkaRecord[],
    readonly invocation: InvocationContext,
  ) {}

  async run(call: PartCall): Promise<BatchOutcome> {
    const { unit, ids, records } = this;
    const ready = unit.ids?.ready();
    if (ready !== undefined) await ready;
    const outcome = await unit.database.runInTransaction(
      (transaction, opened) => withSqlTransaction(transaction, () => this.#work(transaction, opened, call)),
      ids?.opening,
    );
    unit.ids?.committed(records);
    return outcome;
  }

  async #work(transaction: SqlTransaction, opened: SqlResult | undefined, call: PartCall): Promise<BatchOutcome> {
    const { unit, ids, records, invocation } = this;
    const isNew = ids && (await ids.write(transaction, opened));
    this.hasBegun = true;
    unit.patience?.begun();
    // What is committed is the transaction: there is nothing for the handler to acknowledge.
    const context = new ChangedInvocation(invocation, undefined, transaction);
    return handle(unit, transaction, records, isNew, context, call);
  }
}

async function handle(
  { offsets }: SqlUnit,
  transaction: SqlTransaction,
  records: readonly KafkaRecord[],
  isNew: readonly boolean[] | undefined,
  context: InvocationContext,
  call: PartCall,
): Promise<BatchOutcome> {
  const indexes = [...records.keys()].filter((index) => isNew === undefined || isNew[index]);
  const outcome = await handleNew(records, indexes, context, call);
  if (outcome.status === 'failed' || outcome.status === 'failed-at') throw new RolledBack(outcome);
  await offsets?.save(transaction, records);
  return outcome;
}

async function handleNew(
  records: readonly KafkaRecord[],
  indexes: readonly number[],
  context: InvocationContext,
  call: PartCall,
): Promise<BatchOutcome> {
  if (indexes.length === records.length) return call(records, context);
  const isKept = new Set(indexes);
  const duplicates = records.filter((_, index) => !isKept.has(index));
  if (indexes.length === 0) return { status: 'skipped', reason: 'duplicate', duplicates };
  const part = new SubBatch(records, indexes, context, false);
  const outcome = await call(part.records, part.context);
  if (outcome.status === 'failed-at') return { ...outcome, index: part.indexInWhole(outcome.index) };
  return outcome.status === 'done' ? { ...outcome, duplicates } : outcome;
}

/** Makes the transaction roll back, and carries why. */
class RolledBack extends Error {
  constructor(readonly outcome: BatchOutcome) {
    super('rolled back');
  }
}
