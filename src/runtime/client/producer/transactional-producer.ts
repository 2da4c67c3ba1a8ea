import { exponentialBackoff } from '../../../common/backoff.js';
import { type Clock, systemClock } from '../../../common/clock.js';
import { hasCode, NestdawError } from '../../../common/errors.js';
import { type Logger, silentLogger } from '../../../common/logger.js';
import { type Random, systemRandom } from '../../../common/random.js';
import { type OutgoingRecord } from '../../../common/record.js';
import { ErrorCode } from '../../../protocol/error-codes.js';
import { type Cluster } from '../cluster/cluster.js';
import { refusalOf } from '../cluster/coordinator.js';
import { type CommitOffset, type GroupMetadata } from '../consumer-client.js';
import {
  type DeliverySink,
  type ProducerMetricValues,
  type RecordMetadata,
  type StoppedDelivery,
  type TopicPartitionInfo,
  type TransactionalProducerClient,
} from '../producer-client.js';
import { KafkaProducer } from './kafka-producer.js';
import { type Identity } from './partition-queue.js';
import { type ProducerOptions, producerSettings } from './producer-options.js';
import { type TransactionGate } from './transaction-gate.js';
import { TransactionRequests } from './transaction-requests.js';
import { TransactionState, type TransactionVersion } from './transaction-state.js';
import { fatalError, fencedError, transactionVerdict } from './transaction-verdict.js';
import { WatchedSink } from './watched-sink.js';

// A producer with a transactional id: the plain producer's batches, sent under the epoch of the open transaction, and
// the requests around them. Under transaction version 2 (KIP-890) partitions join by being written to, and each end
// brings a new epoch; under version 1 partitions are added first, and a new epoch is asked for after a loss (KIP-360).

export interface TransactionalProducerInit {
  readonly transactionalId: string;
  /** Its own: connected by `start`, closed by `stop`. */
  readonly cluster: Cluster;
  readonly options?: ProducerOptions;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** As a plain producer's. */
  readonly isExpected?: (topic: string) => boolean;
}

/** How long an end waits for brokers that do not answer (as Spring's closeTimeout). */
const CLOSE_TIMEOUT_MS = 5_000;

/** From 12 on brokers add partitions by themselves. */
const PRODUCE_VERSION = { 1: 11, 2: 12 } as const;

export class TransactionalKafkaProducer implements TransactionalProducerClient, TransactionGate {
  readonly transactionalId: string;
  readonly #state: TransactionState;
  readonly #cluster: Cluster;
  readonly #producer: KafkaProducer;
  readonly #requests: TransactionRequests;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #adding: Promise<void> | undefined;
  /** The coordinator does not know the producer id any more, so there is no next epoch of it: it starts anew. */
  #isForgotten = false;
  #lastSink: WatchedSink | undefined;

  constructor(init: TransactionalProducerInit) {
    const { transactionalId, cluster, options = {}, clock = systemClock, random = systemRandom } = init;
    if (options.enableIdempotence === false) {
      throw new NestdawError('KAFKA_CONFIG_INVALID', 'transactions need enable.idempotence=true: remove the setting');
    }
    const settings = producerSettings({ ...options, enableIdempotence: true });
    this.transactionalId = transactionalId;
    this.#state = new TransactionState(transactionalId);
    this.#cluster = cluster;
    this.#clock = clock;
    this.#logger = init.logger ?? silentLogger;
    const { retryBackoffMs: initialMs, retryBackoffMaxMs: maxMs } = settings;
    const backoff = exponentialBackoff({ initialMs, maxMs, random });
    const logger = this.#logger;
    this.#requests = new TransactionRequests({ ...settings, cluster, transactionalId, clock, backoff, logger });
    const expected = init.isExpected ? { isExpected: init.isExpected } : {};
    this.#producer = new KafkaProducer({
      cluster,
      options: settings,
      clock,
      random,
      logger,
      transaction: this,
      ...expected,
    });
  }

  /** Ready for `begin`; false in a transaction, before the start, and when the producer is of no use any more. */
  get isReady(): boolean {
    return this.#state.phase === 'ready';
  }

  /** What made it useless for good: it must be stopped, and another one takes its place. */
  get fatalError(): Error | undefined {
    return this.#state.phase === 'fatal-error' ? this.#state.error : undefined;
  }

  get failure(): Error | undefined {
    return this.#state.error;
  }

  start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(): Promise<void> {
    if (this.#state.phase !== 'uninitialized') return;
    await this.#producer.start();
    await this.#initialize(false);
  }

  begin(): Promise<void> {
    try {
      this.#state.begin();
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  send(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<RecordMetadata> {
    try {
      this.#state.requireOpen(`send to ${topic}`);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return this.#watched(this.#producer.send(topic, partition, record));
  }

  enqueue(topic: string, partition: number | undefined, record: OutgoingRecord, sink: DeliverySink): void {
    try {
      this.#state.requireOpen(`send to ${topic}`);
    } catch (error) {
      sink.failed(error as Error, 1);
      return;
    }
    this.#producer.enqueue(topic, partition, record, this.#watching(sink));
  }

  /** The same one for records in a row that have the same sink: they are then told together. */
  #watching(sink: DeliverySink): WatchedSink {
    const { number } = this.#state;
    const last = this.#lastSink;
    if (last?.sink === sink && last.number === number) return last;
    this.#lastSink = new WatchedSink(sink, number, this.#noteLost);
    return this.#lastSink;
  }

  readonly #noteLost = (error: Error, number: number): void => {
    if (this.#state.number === number) this.failed(error, false);
  };

  get wantsGiven(): boolean {
    return this.#producer.wantsGiven;
  }

  get hasRoom(): boolean {
    return this.#producer.hasRoom;
  }

  whenRoom(): Promise<void> {
    return this.#producer.whenRoom();
  }

  /** Nothing: a lost record takes its whole transaction with it. */
  stopped(): readonly StoppedDelivery[] {
    return [];
  }

  resume(): void {}

  metrics(): ProducerMetricValues {
    return this.#producer.metrics();
  }

  partitionInfo(topic: string): Promise<readonly TopicPartitionInfo[]> {
    return this.#producer.partitionInfo(topic);
  }

  /** A record that fails before it is in a batch is lost to the transaction all the same. */
  #watched(sent: Promise<RecordMetadata>): Promise<RecordMetadata> {
    const { number } = this.#state;
    sent.catch((error: unknown) => this.#noteLost(error as Error, number));
    return sent;
  }

  async sendOffsets(offsets: readonly CommitOffset[], group: GroupMetadata): Promise<void> {
    this.#state.requireOpen(`add offsets of group ${group.groupId}`);
    if (offsets.length === 0) return;
    const { identity, version } = this.#state;
    await this.#asked('adding offsets', async () => {
      this.#state.mayHaveOpened();
      if (version === 1) await this.#requests.addOffsets(identity!, group.groupId);
      await this.#requests.commitOffsets(identity!, version, offsets, group);
      this.#state.hasOpened();
    });
  }

  async commit(): Promise<void> {
    this.#state.beginCommit();
    await this.#producer.flush();
    await this.#adding;
    // A record that could not be stored, looked at by its sender or not, takes the whole transaction with it.
    if (this.#state.phase !== 'committing') this.#state.beginCommit();
    const { identity, version, opened } = this.#state;
    if (opened !== 'no') {
      this.#state.closed(await this.#endCommitted(identity!, version));
    }
    this.#state.ended();
  }

  async #endCommitted(identity: Identity, version: TransactionVersion): Promise<Identity | undefined> {
    try {
      return await this.#requests.end(identity, version, true);
    } catch (error) {
      // It may be committed: the only thing to do is to ask again.
      throw hasCode(error, 'KAFKA_TRANSACTION_UNDECIDED') ? error : this.#lost(error, 'the commit');
    }
  }

  async abort(): Promise<void> {
    this.#state.beginAbort();
    const reason = this.#state.error ?? undefined;
    await this.#producer.abandon(abortedError(this.transactionalId, reason));
    await this.#adding;
    await this.#endAborted();
    if (this.#state.needsNewEpoch) await this.#initialize(true);
    this.#state.ended();
  }

  async #endAborted(): Promise<void> {
    const { identity, version, opened } = this.#state;
    if (opened === 'no') return;
    try {
      const next = await this.#requests.end(identity!, version, false);
      this.#state.closed(next);
    } catch (error) {
      const code = refusalOf(error);
      const isNothingOpen = opened === 'maybe' && code === ErrorCode.INVALID_TXN_STATE;
      if (!isNothingOpen && transactionVerdict(error) !== 'abortable') throw this.#endOf(error, 'the abort');
      // What was to open it never arrived, or the coordinator has forgotten the id: another epoch makes sure of it.
      this.#isForgotten ||= isForgottenId(code);
      this.#state.failed(error as Error, true);
      this.#state.closed(undefined);
    }
  }

  flush(): Promise<void> {
    return this.#producer.flush();
  }

  partitionsFor(topic: string): Promise<number> {
    return this.#producer.partitionsFor(topic);
  }

  /** Aborts what is open, if the coordinator answers in time, then ends. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const { phase } = this.#state;
    const late = this.#clock.schedule(CLOSE_TIMEOUT_MS, () => {
      this.#requests.stop();
      void this.#cluster.close();
    });
    try {
      if (phase === 'in-transaction' || phase === 'abortable-error') await this.abort();
    } catch (error) {
      this.#logger.warn(`${this.transactionalId}: its open transaction ends by time-out: ${(error as Error).message}`);
    } finally {
      this.#requests.stop();
      await this.#producer.abandon(
        new NestdawError('KAFKA_STOPPED', `${this.transactionalId}: the producer was stopped`),
      );
      await this.#producer.stop();
      late.cancel();
    }
  }

  /** Ends without waiting for anybody: of a producer that is of no use any more, or whose outcome nobody knows. */
  async discard(): Promise<void> {
    this.#state.fatal(new NestdawError('KAFKA_STOPPED', `${this.transactionalId}: the producer was discarded`));
    this.#requests.stop();
    await this.#cluster.close();
    await this.stop();
  }

  // What the sender asks (TransactionGate).

  get produceVersion(): number {
    return PRODUCE_VERSION[this.#state.version];
  }

  get startsAtZero(): boolean {
    return this.#state.version === 2;
  }

  get identity() {
    return this.#state.maySend ? this.#state.identity : undefined;
  }

  admits(topic: string, partition: number): boolean {
    if (this.#state.admits(topic, partition)) return true;
    this.#adding ??= this.#addPartitions();
    return false;
  }

  stored(): void {
    this.#state.hasOpened();
  }

  failed(error: Error, wasSent: boolean): void {
    const { phase } = this.#state;
    this.#state.failed(error, wasSent);
    if (phase === this.#state.phase || this.#state.phase !== 'abortable-error') return;
    // The rest cannot be committed either: whoever waits for it hears so now.
    void this.#producer.abandon(abortedError(this.transactionalId, error));
  }

  /** Partitions that batches wait for, in one request; those that come meanwhile go in the next. */
  async #addPartitions(): Promise<void> {
    try {
      await Promise.resolve(); // all of this turn's
      for (let found = this.#state.newPartitions(); found.length > 0; found = this.#state.newPartitions()) {
        const { identity } = this.#state;
        await this.#requests.addPartitions(identity!, found);
        this.#state.partitionsAdded(found);
        this.#producer.wake();
      }
    } catch (error) {
      this.#lost(error, 'adding partitions');
    } finally {
      this.#adding = undefined;
    }
  }

  /** Under another epoch; `isNext`: of the same producer id, which then must not have been taken over. */
  async #initialize(isNext: boolean): Promise<void> {
    const { identity } = this.#state;
    try {
      const found = await this.#requests.init(isNext && !this.#isForgotten ? identity : undefined);
      this.#isForgotten = false;
      this.#state.initialized(found.identity, found.version);
    } catch (error) {
      throw this.#endOf(error, 'InitProducerId');
    }
  }

  /** Carries out a request of the open transaction; what it throws has changed the state accordingly. */
  async #asked<T>(what: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw this.#lost(error, what);
    }
  }

  #lost(error: unknown, what: string): Error {
    if (transactionVerdict(error) !== 'abortable') return this.#endOf(error, what);
    this.failed(error as Error, false);
    return abortedError(this.transactionalId, error as Error);
  }

  /** What is not a matter of the transaction alone. An answer that did not come changes nothing: ask again. */
  #endOf(error: unknown, what: string): Error {
    if (hasCode(error, 'KAFKA_TRANSACTION_UNDECIDED')) {
      // Offsets or partitions that may be missing: the transaction cannot be committed. An abort can be asked for
      // again.
      this.#state.failed(error as Error, false);
      return error as Error;
    }
    if (hasCode(error, 'KAFKA_STOPPED')) return error as Error;
    const isFenced = transactionVerdict(error) === 'fenced';
    const fatal = isFenced ? fencedError(this.transactionalId, error) : fatalError(this.transactionalId, what, error);
    this.#state.fatal(fatal);
    void this.#producer.abandon(fatal);
    return fatal;
  }
}

function isForgottenId(code: number | undefined): boolean {
  return code === ErrorCode.INVALID_PRODUCER_ID_MAPPING || code === ErrorCode.UNKNOWN_PRODUCER_ID;
}

function abortedError(transactionalId: string, cause: Error | undefined): NestdawError {
  const why = cause ? ` has failed and must be aborted: ${cause.message}` : ' was aborted';
  return new NestdawError('KAFKA_TRANSACTION_ABORTED', `the transaction of ${transactionalId}${why}`, {
    cause,
    retriable: cause !== undefined,
  });
}
