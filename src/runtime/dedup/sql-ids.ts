import { type Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type KafkaRecord } from '../../common/record.js';
import { type SqlResult, type SqlStatement, type SqlTransaction } from '../sql/sql-database.js';
import { type DedupWindow } from './dedup-store.js';
import { type IdReader } from './message-id.js';
import { type SqlClaim, type SqlDedupStore } from './sql-dedup-store.js';

// Ids that are written in the handler's own SQL transaction.

/** How many records of a partition are handled between two looks for ids beyond the window. */
const PRUNE_EVERY = 1_000;

export interface SqlIdsOptions {
  readonly listener: string;
  readonly store: SqlDedupStore;
  readonly idOf: IdReader;
  readonly scopeOf: (record: KafkaRecord) => string;
  readonly window: DedupWindow;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class SqlIds {
  readonly #options: SqlIdsOptions;
  /** Records handled since the last look, by scope and partition; not there before the first one. */
  readonly #handled = new Map<string, number>();

  constructor(options: SqlIdsOptions) {
    this.#options = options;
  }

  /** Undefined: the store is ready. */
  ready(): Promise<void> | undefined {
    return this.#options.store.ready();
  }

  /** The claim on the ids of the records; throws what makes these fail. */
  claimOf(records: readonly KafkaRecord[]): SqlIdClaim {
    const { store, idOf, scopeOf, clock } = this.#options;
    return new SqlIdClaim(store, records.map(idOf), records.map(scopeOf), records, clock.now());
  }

  /** The transaction is committed: from time to time ids beyond the window are removed, beside the records' way. */
  committed(records: readonly KafkaRecord[]): void {
    const { scopeOf } = this.#options;
    const first = records[0]!;
    const scope = scopeOf(first);
    const key = `${scope} ${first.topic}-${first.partition}`;
    // The first look is at the start: a process that never lives for a thousand records forgets ids as well.
    const handled = (this.#handled.get(key) ?? PRUNE_EVERY) + records.length;
    this.#handled.set(key, handled < PRUNE_EVERY ? handled : 0);
    if (handled >= PRUNE_EVERY) void this.#prune(scope, first);
  }

  async #prune(scope: string, { topic, partition }: KafkaRecord): Promise<void> {
    const { store, window, clock, logger, listener } = this.#options;
    try {
      await store.prune(scope, topic, partition, window, clock.now());
    } catch (error) {
      logger.warn(
        `listener '${listener}': old message ids could not be removed: ${messageOf(error)}; tried again later`,
      );
    }
  }
}

/** The ids of records, to be written in the transaction in which these are handled. */
export class SqlIdClaim {
  readonly #store: SqlDedupStore;
  readonly #ids: ReadonlyArray<string | undefined>;
  readonly #scopes: readonly string[];
  readonly #groups: readonly SqlClaim[];
  readonly #now: number;
  /** What the transaction may begin with. */
  readonly opening: SqlStatement | undefined;

  constructor(
    store: SqlDedupStore,
    ids: ReadonlyArray<string | undefined>,
    scopes: readonly string[],
    records: readonly KafkaRecord[],
    now: number,
  ) {
    this.#store = store;
    this.#ids = ids;
    this.#scopes = scopes;
    this.#groups = groupsOf(ids, scopes, records);
    this.#now = now;
    this.opening = store.opening(this.#groups, now);
  }

  /** Writes the ids, unless the transaction has begun with that, and says which records are new. */
  async write(transaction: SqlTransaction, opened?: SqlResult): Promise<boolean[]> {
    const fresh = await this.#store.claim(transaction, this.#groups, this.#now, opened);
    const isFresh = new Set(this.#groups.flatMap(({ scope }, at) => [...fresh[at]!].map((id) => `${scope} ${id}`)));
    // Deleting: twice in one batch is handled once.
    return this.#ids.map((id, index) => id === undefined || isFresh.delete(`${this.#scopes[index]} ${id}`));
  }
}

/** By scope and partition, no id twice. */
function groupsOf(
  ids: ReadonlyArray<string | undefined>,
  scopes: readonly string[],
  records: readonly KafkaRecord[],
): SqlClaim[] {
  const groups = new Map<string, Mutable<SqlClaim>>();
  const seen = new Set<string>();
  records.forEach(({ topic, partition, offset }, index) => {
    const [id, scope] = [ids[index], scopes[index]!];
    if (id === undefined || seen.has(`${scope} ${id}`)) return;
    seen.add(`${scope} ${id}`);
    const key = `${scope} ${topic}-${partition}`;
    const group = groups.get(key);
    if (group) {
      group.ids.push(id);
      group.offsets.push(offset);
    } else groups.set(key, { scope, topic, partition, ids: [id], offsets: [offset] });
  });
  return [...groups.values()];
}

type Mutable<T> = { -readonly [P in keyof T]: T[P] extends readonly (infer E)[] ? E[] : T[P] };
