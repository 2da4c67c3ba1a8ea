import { type CommitOffset, type GroupMetadata } from '../../client/consumer-client.js';
import { type TransactionalProducerClient } from '../../client/producer-client.js';
import { type OpenSpanProducer, type SpanProducer } from '../../listener/spans/span-producer.js';
import { type ProducerPool } from '../../template/producer-pool.js';
import { KafkaTransaction } from '../../template/transaction.js';
import { type KafkaTransactionManager } from '../../template/transaction-manager.js';

// The transactions of a listener's consumer: a producer of the connection's pool, and the scope that makes templates
// and `@Transactional` methods join them.

class PooledSpanProducer implements SpanProducer {
  #transaction: KafkaTransaction | undefined;

  constructor(
    readonly pool: ProducerPool,
    readonly manager: KafkaTransactionManager,
    readonly timeoutMs: number,
    private producer: TransactionalProducerClient,
  ) {}

  async begin(): Promise<void> {
    await this.producer.begin();
    this.#transaction = new KafkaTransaction(this.producer);
  }

  run<R>(work: () => R): R {
    return this.manager.inside(this.#transaction!, work);
  }

  async commit(offsets: readonly CommitOffset[], group: GroupMetadata): Promise<void> {
    const transaction = this.#transaction!;
    transaction.requireCommittable();
    transaction.close();
    // What waits for more records goes out while the offsets do.
    const flushed = this.producer.flush();
    await this.producer.sendOffsets(offsets, group);
    await flushed;
    await this.producer.commit();
    this.#transaction = undefined;
  }

  async abort(): Promise<void> {
    if (!this.#transaction) return;
    this.#transaction.close();
    await this.producer.abort();
    this.#transaction = undefined;
  }

  async replace(): Promise<void> {
    this.#transaction?.close();
    this.#transaction = undefined;
    this.producer = await this.pool.replace(this.producer);
  }

  close(): void {
    this.#transaction?.close();
    this.pool.release(this.producer);
  }
}

export function spanProducers(
  pool: ProducerPool,
  manager: KafkaTransactionManager,
  timeoutMs: number,
): OpenSpanProducer {
  return async () => new PooledSpanProducer(pool, manager, timeoutMs, await pool.acquire());
}
