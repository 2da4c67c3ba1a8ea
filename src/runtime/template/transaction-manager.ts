import { AsyncLocalStorage } from 'node:async_hooks';
import { prefixOf } from '../../common/connection-name.js';
import { hasCode, messageOf, NestdawError } from '../../common/errors.js';
import { type Logger, silentLogger } from '../../common/logger.js';
import { type ProducerPool } from './producer-pool.js';
import { KafkaTransaction } from './transaction.js';

// Runs code in transactions. Which one a send belongs to follows the call, through every await, as a thread's
// transaction does in Spring.

/** What happens to code that asks for a transaction inside of one. */
export type Propagation =
  | 'required' // it joins the one it runs in; a failure of it aborts that one
  | 'requires-new'; // it gets one of its own

export interface TransactionOptions {
  /** Default `required`. */
  readonly propagation?: Propagation;
}

export interface KafkaTransactionManagerOptions {
  /** Name of the connection, for messages. */
  readonly connection: string;
  /** Undefined: transactions are not configured. */
  readonly pool: ProducerPool | undefined;
  readonly logger?: Logger;
}

/**
 * Transactions of one connection (Spring: `KafkaTransactionManager`). Injectable by class for the default connection.
 * Everything sent between begin and commit becomes visible together to readers with `isolation.level=read_committed`,
 * or not at all. Needs `kafka.producer.transaction-id-prefix`.
 */
export class KafkaTransactionManager {
  readonly #options: KafkaTransactionManagerOptions;
  readonly #logger: Logger;
  readonly #scope = new AsyncLocalStorage<KafkaTransaction | undefined>();

  constructor(options: KafkaTransactionManagerOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  /** Whether a transaction-id-prefix is configured. */
  get isEnabled(): boolean {
    return this.#options.pool !== undefined;
  }

  /** The transaction that the calling code runs in. */
  get current(): KafkaTransaction | undefined {
    return this.#scope.getStore();
  }

  /**
   * Runs `work` in a transaction and commits it; what `work` throws aborts it and is thrown on. Sends of the
   * connection's templates inside of `work`, and in what it calls, belong to it.
   *
   * Rejects with KAFKA_TRANSACTION_ABORTED when something of it was lost (nothing is visible then, and the work may be
   * done again), KAFKA_PRODUCER_FENCED when its id was taken over or it ran longer than `transaction.timeout.ms`, and
   * KAFKA_TRANSACTION_UNDECIDED when the commit got no answer within `max.block.ms`.
   */
  async run<R>(
    work: (transaction: KafkaTransaction) => R | Promise<R>,
    { propagation = 'required' }: TransactionOptions = {},
  ): Promise<R> {
    const outer = this.current;
    if (propagation === 'required' && outer?.isOpen) return await joined(outer, work);
    return await this.runWith(this.#pool(), work);
  }

  /** Runs `work` outside of the transaction that the caller is in: for what outlives it, such as timers. */
  outside<R>(work: () => R): R {
    return this.#scope.run(undefined, work);
  }

  /** @internal Runs `work` with sends joining a transaction whose begin and end are the caller's business. */
  inside<R>(transaction: KafkaTransaction, work: () => R): R {
    return this.#scope.run(transaction, work);
  }

  /** @internal A transaction of its own, with a producer of `pool`. */
  async runWith<R>(pool: ProducerPool, work: (transaction: KafkaTransaction) => R | Promise<R>): Promise<R> {
    const producer = await pool.acquire();
    const transaction = new KafkaTransaction(producer);
    try {
      await producer.begin();
      const result = await this.#scope.run(transaction, work, transaction);
      transaction.requireCommittable();
      transaction.close();
      await producer.commit();
      return result;
    } catch (error) {
      transaction.close();
      // After a commit that nobody answered an abort would be a lie: its producer's successor finds out and ends it.
      if (!producer.isReady && !hasCode(error, 'KAFKA_TRANSACTION_UNDECIDED')) {
        await producer.abort().catch((second: unknown) => {
          if (second !== error) this.#logger.warn(`aborting a transaction failed: ${messageOf(second)}`);
        });
      }
      throw error;
    } finally {
      pool.release(producer);
    }
  }

  #pool(): ProducerPool {
    const { pool, connection } = this.#options;
    if (pool) return pool;
    throw new NestdawError(
      'KAFKA_CONFIG_INVALID',
      `there are no transactions on connection ${connection}: set ${prefixOf(connection)}.producer.transaction-id-prefix, unique for each process`,
    );
  }
}

/** A part of the outer transaction: where it fails, all of it does, even if somebody catches what it throws. */
async function joined<R>(outer: KafkaTransaction, work: (transaction: KafkaTransaction) => R | Promise<R>): Promise<R> {
  try {
    return await work(outer);
  } catch (error) {
    outer.setRollbackOnly(error);
    throw error;
  }
}
