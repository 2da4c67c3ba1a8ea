import { AsyncLocalStorage } from 'node:async_hooks';
import { NestdawError } from '../../common/errors.js';
import { type ProducerClient } from '../client/producer-client.js';
import { type ProducerPool } from './producer-pool.js';
import { type OffsetOwner, type TransactionOffset } from './transaction.js';
import { type KafkaTransactionManager } from './transaction-manager.js';

// What a template has to do with transactions: which producer a send goes through, and transactions of its own.

export interface TemplateTransactionsOptions {
  readonly manager: KafkaTransactionManager;
  /** Where the template's own transactions get their producers. Undefined: transactions are not configured. */
  readonly pool: ProducerPool | undefined;
  /** Whether sends outside of transactions are allowed where transactions are configured. */
  readonly allowNonTransactional: boolean;
}

export class TemplateTransactions {
  readonly #options: TemplateTransactionsOptions;
  /** Set in the callback of `execute`. */
  readonly #executing = new AsyncLocalStorage<true>();

  constructor(options: TemplateTransactionsOptions) {
    this.#options = options;
  }

  get isEnabled(): boolean {
    return this.#options.pool !== undefined;
  }

  get allowNonTransactional(): boolean {
    return this.#options.allowNonTransactional;
  }

  get isOpen(): boolean {
    return this.isEnabled && this.#options.manager.current?.isOpen === true;
  }

  /** The producer of the transaction that the caller runs in, or `plain`. */
  producer(plain: () => ProducerClient): ProducerClient {
    const { manager, pool, allowNonTransactional } = this.#options;
    if (pool === undefined) return plain();
    const transaction = manager.current;
    if (transaction) return transaction.producer;
    if (allowNonTransactional) return plain();
    throw new NestdawError(
      'KAFKA_TRANSACTION_STATE',
      'no transaction is open, and kafka.producer.transaction-id-prefix makes the template transactional: send inside ' +
        "of template.executeInTransaction(…), KafkaTransactionManager.run(…) or a method with @Transactional('kafka'), " +
        'or set kafka.template.allow-non-transactional=true',
    );
  }

  /** The same for what is no send of the application: outside of transactions `plain` serves, whatever the settings. */
  passing(plain: () => ProducerClient): ProducerClient {
    const transaction = this.isEnabled ? this.#options.manager.current : undefined;
    return transaction?.isOpen ? transaction.producer : plain();
  }

  /** Runs `work` in a transaction of its own, whatever the caller runs in. */
  async execute<R>(work: () => R | Promise<R>): Promise<R> {
    const { manager, pool } = this.#options;
    if (!pool) {
      throw new NestdawError(
        'KAFKA_CONFIG_INVALID',
        'executeInTransaction needs kafka.producer.transaction-id-prefix, unique for each process',
      );
    }
    if (this.#executing.getStore()) {
      throw new NestdawError(
        'KAFKA_TRANSACTION_STATE',
        'executeInTransaction inside of executeInTransaction of the same template: its sends would not know where ' +
          'they belong',
      );
    }
    return await manager.runWith(pool, () => this.#executing.run(true, work));
  }

  async sendOffsets(offsets: readonly TransactionOffset[], owner: OffsetOwner): Promise<void> {
    const transaction = this.#options.manager.current;
    if (transaction) return transaction.sendOffsets(offsets, owner);
    throw new NestdawError(
      'KAFKA_TRANSACTION_STATE',
      'sendOffsetsToTransaction outside of a transaction: call it in executeInTransaction, or commit the offsets',
    );
  }
}
