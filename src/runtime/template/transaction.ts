import { messageOf, NestdawError } from '../../common/errors.js';
import { type CommitOffset, type GroupMetadata } from '../client/consumer-client.js';
import { type TransactionalProducerClient } from '../client/producer-client.js';

// One transaction, as the code that runs inside of it meets it.

/** Consumed offsets that become part of a transaction: the next ones to read. */
export type TransactionOffset = CommitOffset;
/** Whose offsets: a consumer's group metadata, which fences out consumers that lost their partitions; or a group. */
export type OffsetOwner = GroupMetadata | string;

/** A transaction that is open, or has ended. */
export class KafkaTransaction {
  readonly #producer: TransactionalProducerClient;
  #isOpen = true;
  #rollbackCause: unknown;
  #isRollbackOnly = false;

  constructor(producer: TransactionalProducerClient) {
    this.#producer = producer;
  }

  /** False once it is committed or aborted. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Its end will be an abort. */
  get isRollbackOnly(): boolean {
    return this.#isRollbackOnly;
  }

  /** What `setRollbackOnly` was called with. */
  get rollbackCause(): unknown {
    return this.#rollbackCause;
  }

  /** Makes its end an abort, whatever its code returns. */
  setRollbackOnly(cause?: unknown): void {
    if (this.#isRollbackOnly) return;
    this.#isRollbackOnly = true;
    this.#rollbackCause = cause;
  }

  /** Makes consumed offsets part of it: they count when it commits. */
  async sendOffsets(offsets: readonly TransactionOffset[], owner: OffsetOwner): Promise<void> {
    const group = typeof owner === 'string' ? { groupId: owner, generationId: -1, memberId: '' } : owner;
    await this.producer.sendOffsets(offsets, group);
  }

  /** @internal The producer that its sends go through. Throws KAFKA_TRANSACTION_STATE after its end. */
  get producer(): TransactionalProducerClient {
    if (this.#isOpen) return this.#producer;
    throw new NestdawError(
      'KAFKA_TRANSACTION_STATE',
      'the transaction that this code runs in has ended: await its sends before its function returns, or run what ' +
        'outlives it with transactions.outside(() => …)',
    );
  }

  /** @internal Throws KAFKA_TRANSACTION_ABORTED when its end has to be an abort. */
  requireCommittable(): void {
    if (!this.#isRollbackOnly) return;
    const cause = this.#rollbackCause;
    const why = cause === undefined ? 'setRollbackOnly was called' : messageOf(cause);
    throw new NestdawError('KAFKA_TRANSACTION_ABORTED', `the transaction was aborted: ${why}`, { cause });
  }

  /** @internal */
  close(): void {
    this.#isOpen = false;
  }
}
