import { type Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type KafkaRecord } from '../../common/record.js';
import { type SqlTransaction } from '../sql/sql-database.js';
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
  /** Records handled since the last look, by scope and partition. */
  readonly #handled = new Map<string, number>();

  constructor(options: SqlIdsOptions) {
    this.#options = options;
  }

  ready(): Promise<void> {
    return this.#options.store.ready();
  }

  /** Writes the ids of the records, and says which of these are new. */
  async claim(transaction: SqlTransaction, records: readonly KafkaRecord[]): Promise<boolean[]> {
    const { store, idOf, scopeOf, clock } = this.#options;
    const ids = records.map(idOf);
    const claims = new Map<string, Mutable<SqlClaim>>();
    const seen = new Set<string>();
    records.forEach((record, index) => {
      const id = ids[index];
      if (id === undefined) return;
      const { topic, partition, offset } = record;
      const scope = scopeOf(record);
      if (seen.has(`${scope} ${id}`)) return;
      seen.add(`${scope} ${id}`);
      const key = `${scope} ${topic}-${partition}`;
      const claim = claims.get(key);
      if (claim) {
        claim.ids.push(id);
        claim.offsets.push(offset);
      } else claims.set(key, { scope, topic, partition, ids: [id], offsets: [offset] });
    });
    const groups = [...claims.values()];
    const fresh = await store.claim(transaction, groups, clock.now());
    const isFresh = new Set(groups.flatMap(({ scope }, at) => [...fresh[at]!].map((id) => `${scope} ${id}`)));
    return records.map((record, index) => {
      const id = ids[index];
      // Deleting: twice in one batch is handled once.
      return id === undefined || isFresh.delete(`${scopeOf(record)} ${id}`);
    });
  }

  /** The transaction is committed: from time to time ids beyond the window are removed, beside the records' way. */
  committed(records: readonly KafkaRecord[]): void {
    const { scopeOf } = this.#options;
    const first = records[0]!;
    const scope = scopeOf(first);
    const key = `${scope} ${first.topic}-${first.partition}`;
    const handled = (this.#handled.get(key) ?? 0) + records.length;
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

type Mutable<T> = { -readonly [P in keyof T]: T[P] extends readonly (infer E)[] ? E[] : T[P] };
