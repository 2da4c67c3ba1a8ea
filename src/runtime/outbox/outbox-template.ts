import { NestdawError } from '../../common/errors.js';
import { currentSqlTransaction, withSqlTransaction } from '../sql/current-transaction.js';
import { sqlRunner } from '../sql/sql-client.js';
import { type SqlDatabase, type SqlRunner, type SqlTransaction } from '../sql/sql-database.js';
import { type ProducerRecord } from '../template/producer-record.js';
import { type RecordWriter } from '../template/record-writer.js';
import { type RecordKey } from '../template/serializers.js';
import { type OutboxRelay, type OutboxRelayState } from './outbox-relay.js';
import { type OutboxBacklog, type OutboxStore } from './outbox-store.js';
import { type OutboxWriter } from './outbox-writer.js';

// OutboxTemplate: a template whose `send` resolves when the message is written to the outbox.

export interface OutboxTemplateOptions {
  readonly writer: OutboxWriter;
  readonly store: OutboxStore;
  readonly relay: OutboxRelay;
  /** Undefined for an outbox in a file. */
  readonly database: SqlDatabase | undefined;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** How values become bytes; asked at the first send, since the outbox may be injected before its connection is. */
  readonly records: () => RecordWriter;
}

/** What an outbox is doing, for health checks and metrics. */
export interface OutboxState extends OutboxRelayState, OutboxBacklog {}

/**
 * Sends by way of the outbox (the pattern's name: transactional outbox). `send` resolves when the message is written,
 * and a relay sends it when the transaction has committed: at least once, those of one key in order, each with a
 * `message-id` header that stays the same.
 *
 * With a database, `send` outside of a SQL transaction rejects with KAFKA_SQL_FAILED. With a file it resolves when the
 * message is on the disk, and rejects with KAFKA_BUFFER_FULL or KAFKA_STORAGE_FAILED.
 */
export class OutboxTemplate<T = any> {
  readonly #options: OutboxTemplateOptions;

  constructor(options: OutboxTemplateOptions) {
    this.#options = options;
  }

  /** Writes a message without a key: it has no order towards others. */
  send(topic: string, value: T | null): Promise<void>;
  /** Writes a message with a key: those with equal keys reach the topic in the order in which they were written. */
  send(topic: string, key: RecordKey, value: T | null): Promise<void>;
  /** Writes a message with headers, a partition or a timestamp of its own. A `message-id` header becomes its id. */
  send(record: ProducerRecord<T>): Promise<void>;
  send(first: string | ProducerRecord<T>, ...rest: [(RecordKey | T)?, (T | null)?]): Promise<void> {
    if (typeof first !== 'string') return this.#write(first);
    const [key, value] = rest.length > 1 ? [rest[0] as RecordKey, rest[1]] : [null, rest[0]];
    return this.#write({ topic: first, key, value: value as T | null });
  }

  async #write({ topic, partition, key, value, headers, timestamp }: ProducerRecord<T>): Promise<void> {
    const { writer, records } = this.#options;
    await writer.write(topic, partition, records().write(topic, key, value, headers, timestamp, false));
  }

  /**
   * The same, in a transaction of yours: what `runInTransaction` of a `SqlDatabase` gives, or a connection of your own
   * kind on which you have begun one (a `PoolClient` of pg, a connection of mysql2, an `EntityManager`).
   */
  within(transaction: SqlRunner | object): OutboxTemplate<T> {
    const runner = isRunner(transaction) ? transaction : sqlRunner(transaction);
    return new OutboxTemplate({ ...this.#options, writer: this.#options.writer.within(runner) });
  }

  /**
   * Runs `work` in a SQL transaction that all sends in it belong to; joins the one that is open already. Committed
   * when `work` resolves, rolled back when it rejects.
   *
   * @throws {NestdawError} KAFKA_CONFIG_INVALID for an outbox without a database
   */
  async inTransaction<R, C = any>(work: (transaction: SqlTransaction<C>) => Promise<R>): Promise<R> {
    const { database, relay } = this.#options;
    const open = currentSqlTransaction<C>();
    if (open) return work(open);
    if (!database) {
      const message = 'this outbox is a file, which has no transactions: call send(…), it is safe when it resolves';
      throw new NestdawError('KAFKA_CONFIG_INVALID', message);
    }
    const result = await database.runInTransaction((transaction) =>
      withSqlTransaction(transaction, () => work(transaction as SqlTransaction<C>)),
    );
    relay.wake();
    return result;
  }

  /** Whether it has a database; one in a file has no transactions. */
  get hasTransactions(): boolean {
    return this.#options.database !== undefined;
  }

  /** How much waits, and what the relay of this process does. */
  async state(): Promise<OutboxState> {
    return { ...this.#options.relay.state, ...(await this.#options.store.backlog()) };
  }

  /**
   * The same as numbers by name, as a template's `metrics()` gives them: `outbox-messages`, `outbox-oldest-age-ms`,
   * `outbox-relayed-total`, `outbox-failed-total`, `outbox-blocked-keys`, `outbox-leading` (1 where this process
   * relays), `outbox-delay-avg-ms` and `outbox-delay-max-ms`, from writing to acknowledgment.
   *
   * @throws what the store says when it cannot be asked
   */
  async metrics(): Promise<Readonly<Record<string, number>>> {
    const { now, store, relay } = this.#options;
    const { messages, oldest } = await store.backlog();
    const { relayed, failed, blockedKeys, isLeading, meanDelayMs, worstDelayMs } = relay.state;
    return {
      'outbox-messages': messages,
      'outbox-oldest-age-ms': oldest === undefined ? 0 : Math.max(0, now() - oldest),
      'outbox-relayed-total': relayed,
      'outbox-failed-total': failed,
      'outbox-blocked-keys': blockedKeys,
      'outbox-leading': isLeading ? 1 : 0,
      'outbox-delay-avg-ms': meanDelayMs,
      'outbox-delay-max-ms': worstDelayMs,
    };
  }
}

function isRunner(value: object): value is SqlRunner {
  return typeof (value as Partial<SqlRunner>).query === 'function' && 'dialect' in value;
}
