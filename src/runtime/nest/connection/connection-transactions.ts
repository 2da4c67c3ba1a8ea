import { type Clock } from '../../../common/clock.js';
import { type Logger } from '../../../common/logger.js';
import { type TransactionalProducerClient } from '../../client/producer-client.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { ProducerPool } from '../../template/producer-pool.js';
import { TemplateTransactions } from '../../template/template-transactions.js';
import { KafkaTransactionManager } from '../../template/transaction-manager.js';

// Transactions of one connection, from its properties: pools of producers, the manager, what the template gets.

export interface ConnectionTransactionsOptions {
  readonly connection: string;
  readonly properties: KafkaProperties;
  readonly createProducer: (transactionalId: string) => TransactionalProducerClient;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the properties say about transactions. */
export function transactionOptions(properties: KafkaProperties) {
  // As Spring reads a plain transactional.id: several transactions at once need several ids, so it is their beginning.
  const prefix =
    properties.get('producer.transaction-id-prefix') ?? properties.get('producer.properties.transactional.id');
  return {
    prefix: prefix === '' ? undefined : prefix,
    templatePrefix: properties.get('template.transaction-id-prefix') ?? prefix,
    allowNonTransactional: properties.get('template.allow-non-transactional'),
    maxAgeMs: properties.get('producer.transaction-producer-max-age'),
  };
}

export class ConnectionTransactions {
  readonly manager: KafkaTransactionManager;
  readonly template: TemplateTransactions;
  /** For transactions that a listener or the manager begins; undefined when there are none. */
  readonly pool: ProducerPool | undefined;
  readonly #pools: readonly ProducerPool[];

  constructor({ connection, properties, createProducer, clock, logger }: ConnectionTransactionsOptions) {
    const { prefix, templatePrefix, allowNonTransactional, maxAgeMs } = transactionOptions(properties);
    const pools = new Map<string, ProducerPool>();
    for (const one of [prefix, templatePrefix]) {
      if (one === undefined || pools.has(one)) continue;
      const age = maxAgeMs > 0 ? { maxAgeMs } : {};
      pools.set(one, new ProducerPool({ prefix: one, create: createProducer, clock, logger, ...age }));
    }
    this.#pools = [...pools.values()];
    const ofTemplate = templatePrefix === undefined ? undefined : pools.get(templatePrefix);
    this.pool = prefix === undefined ? ofTemplate : pools.get(prefix);
    this.manager = new KafkaTransactionManager({ connection, pool: this.pool, logger });
    this.template = new TemplateTransactions({ manager: this.manager, pool: ofTemplate, allowNonTransactional });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.stop()));
  }
}
