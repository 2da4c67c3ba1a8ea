import { NestdawError } from '../../common/errors.js';
import { type KafkaRecord } from '../../common/record.js';
import { partitionName } from '../../common/topic-partition.js';
import { type SqlTransaction } from '../sql/sql-database.js';
import { type ExternalOffsets } from './external-offsets.js';
import { type SqlOffsetStore } from './sql-offset-store.js';

// Offsets that are written in the handler's own transaction: results and position become visible together.

export class OffsetsInTransaction {
  readonly #store: SqlOffsetStore;
  readonly #offsets: ExternalOffsets;

  constructor(store: SqlOffsetStore, offsets: ExternalOffsets) {
    this.#store = store;
    this.#offsets = offsets;
  }

  /** Throws KAFKA_REBALANCED when the partition has another owner: then nothing of the transaction may stay. */
  async save(transaction: SqlTransaction, records: readonly KafkaRecord[]): Promise<void> {
    const last = records.at(-1)!;
    const { topic, partition, offset } = last;
    const epoch = this.#offsets.epochOf(last) ?? 0;
    const next = { topic, partition, offset: offset + 1 - this.#offsets.shift, metadata: '', epoch };
    if (await this.#store.write(transaction, this.#offsets.group, next)) return;
    throw new NestdawError(
      'KAFKA_REBALANCED',
      `${partitionName(last)} offset ${offset}: the partition has another owner by now, so the transaction is rolled ` +
        'back; that owner handles the record',
    );
  }
}
