import { messageOf, NestdawError } from '../../../common/errors.js';
import { type TopicPartition, TopicPartitionMap } from '../../../common/topic-partition.js';
import { type Identity } from './partition-queue.js';

// The transactional producer's life as a pure state machine (Kafka: TransactionManager). No requests, no clock: told
// what happened, it knows what is allowed and what has to follow.
//
//   uninitialized ─► ready ─► in-transaction ─► committing ─► ready
//                                │    ▲             │
//                                ▼    └ (next one)  ▼
//                           abortable-error ─► aborting ─► ready
//   any ─► fatal-error: the producer is of no use any more

export type TransactionPhase =
  | 'uninitialized' // no producer id yet
  | 'ready'
  | 'in-transaction'
  | 'committing'
  | 'aborting'
  | 'abortable-error' // something of the transaction was lost: it can only be aborted
  | 'fatal-error'; // fenced, or refused for good

/**
 * Level of the feature transaction.version: from 2 on brokers add partitions by themselves and each end has an epoch.
 */
export type TransactionVersion = 1 | 2;

/** Whether the coordinator has the transaction open: it may, from the first request on that could have opened it. */
export type Opened = 'no' | 'maybe' | 'yes';

type PartitionProgress = 'new' | 'asked' | 'added';

export class TransactionState {
  #phase: TransactionPhase = 'uninitialized';
  #identity: Identity | undefined;
  #version: TransactionVersion = 1;
  #opened: Opened = 'no';
  #error: Error | undefined;
  #needsNewEpoch = false;
  readonly #partitions = new TopicPartitionMap<PartitionProgress>();
  #number = 0;

  constructor(readonly transactionalId: string) {}

  get phase(): TransactionPhase {
    return this.#phase;
  }

  /** Producer id and epoch that are in force. */
  get identity(): Identity | undefined {
    return this.#identity;
  }

  get version(): TransactionVersion {
    return this.#version;
  }

  get opened(): Opened {
    return this.#opened;
  }

  /** What made the transaction, or the producer, unusable. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Counts the transactions, so that what belongs to an earlier one can be told. */
  get number(): number {
    return this.#number;
  }

  /** Batches may leave for the brokers. */
  get maySend(): boolean {
    return this.#phase === 'in-transaction' || this.#phase === 'committing';
  }

  /**
   * Sequence numbers have gaps: another epoch is needed before the next transaction. With version 2 each end gives one.
   */
  get needsNewEpoch(): boolean {
    return this.#needsNewEpoch;
  }

  initialized(identity: Identity, version: TransactionVersion): void {
    if (this.#phase === 'fatal-error') return;
    this.#expect('initialize', 'uninitialized', 'aborting');
    this.#identity = identity;
    this.#version = version;
    this.#needsNewEpoch = false;
    if (this.#phase === 'uninitialized') this.#phase = 'ready';
  }

  begin(): void {
    this.#expect('begin a transaction', 'ready');
    this.#phase = 'in-transaction';
    this.#number++;
  }

  /** Throws unless records and offsets may be added right now. */
  requireOpen(what: string): void {
    this.#expect(what, 'in-transaction');
  }

  /** Whether a batch of the partition may go. One that may not counts as asked for: see `newPartitions`. */
  admits(topic: string, partition: number): boolean {
    if (!this.maySend) return false;
    if (this.#version === 2) {
      this.mayHaveOpened();
      return true;
    }
    const progress = this.#partitions.getOrCreate(topic, partition, () => 'new');
    return progress === 'added';
  }

  /** Partitions that wait to be added, each handed out once. */
  newPartitions(): TopicPartition[] {
    if (!this.maySend) return [];
    const found: TopicPartition[] = [];
    for (const [tp, progress] of this.#partitions.entries()) if (progress === 'new') found.push(tp);
    for (const { topic, partition } of found) this.#partitions.set(topic, partition, 'asked');
    if (found.length > 0) this.mayHaveOpened();
    return found;
  }

  partitionsAdded(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#partitions.set(topic, partition, 'added');
    this.hasOpened();
  }

  /** A request leaves that opens the transaction when it arrives. */
  mayHaveOpened(): void {
    if (this.#opened === 'no') this.#opened = 'maybe';
  }

  hasOpened(): void {
    this.#opened = 'yes';
  }

  /** Something of the transaction is lost. `leavesGap`: a sequence number was used for it. */
  failed(error: Error, leavesGap: boolean): void {
    if (this.#phase === 'fatal-error') return;
    if (leavesGap) this.#needsNewEpoch = true;
    if (this.#phase !== 'in-transaction' && this.#phase !== 'committing') return;
    this.#phase = 'abortable-error';
    this.#error = error;
  }

  /** The producer is of no use any more. */
  fatal(error: Error): void {
    if (this.#phase === 'fatal-error') return;
    this.#phase = 'fatal-error';
    this.#error = error;
  }

  /** A commit that nobody answered may be asked for again; nothing else is allowed then. */
  beginCommit(): void {
    this.#expect('commit the transaction', 'in-transaction', 'committing');
    this.#phase = 'committing';
  }

  /** Also after an abort that nobody answered. */
  beginAbort(): void {
    this.#expect('abort the transaction', 'in-transaction', 'abortable-error', 'aborting');
    this.#phase = 'aborting';
  }

  /** The coordinator has ended the transaction; with version 2 under a new epoch, which is given then. */
  closed(next: Identity | undefined): void {
    if (this.#phase === 'fatal-error') return;
    this.#opened = 'no';
    this.#partitions.clear();
    if (!next) return;
    this.#identity = next;
    this.#needsNewEpoch = false;
  }

  /** After `closed`: the next transaction may begin. */
  ended(): void {
    if (this.#phase === 'fatal-error') return;
    this.#expect('end the transaction', 'committing', 'aborting');
    this.#phase = 'ready';
    this.#error = undefined;
    this.#opened = 'no';
    this.#partitions.clear();
  }

  #expect(what: string, ...phases: readonly TransactionPhase[]): void {
    if (phases.includes(this.#phase)) return;
    throw this.#refusal(what);
  }

  #refusal(what: string): Error {
    const name = `transactional id ${this.transactionalId}`;
    if (this.#phase === 'fatal-error') return this.#error!;
    if (this.#phase === 'abortable-error') {
      return new NestdawError(
        'KAFKA_TRANSACTION_ABORTED',
        `${name}: cannot ${what}, the transaction has failed and can only be aborted: ${messageOf(this.#error)}`,
        { cause: this.#error, retriable: true },
      );
    }
    const hint: Record<string, string> = {
      uninitialized: 'start the producer first',
      ready: 'no transaction is open: begin one first',
      'in-transaction': 'one is open: commit or abort it first',
      committing: 'its commit is under way: wait for it, or commit again',
      aborting: 'its abort is under way: wait for it',
    };
    return new NestdawError('KAFKA_TRANSACTION_STATE', `${name}: cannot ${what}: ${hint[this.#phase]}`);
  }
}
