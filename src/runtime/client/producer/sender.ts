import { exponentialBackoff } from '../../../common/backoff.js';
import { type Clock, type Timer } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { type Random } from '../../../common/random.js';
import { type ResponseOf } from '../../../protocol/api.js';
import { brokerError, ErrorCode } from '../../../protocol/error-codes.js';
import { Produce } from '../../../protocol/messages/00-produce.js';
import { type Cluster } from '../cluster/cluster.js';
import { BatchOutcomes } from './batch-outcomes.js';
import { type PartitionQueue } from './partition-queue.js';
import { ProduceCall } from './produce-call.js';
import { type ProduceNode, ProduceNodes } from './produce-nodes.js';
import { type ProducerBatch } from './producer-batch.js';
import { ProducerIds } from './producer-id.js';
import { ProducerMetrics } from './producer-metrics.js';
import { type ProducerSettings } from './producer-options.js';
import { type RecordAccumulator } from './record-accumulator.js';
import { type TransactionGate } from './transaction-gate.js';

// The one retry loop of the producer: takes what the accumulator says is ready to its leaders, and hands every
// answer, error and silence to the outcomes, until each batch has one.

export interface SenderOptions {
  readonly cluster: Cluster;
  readonly accumulator: RecordAccumulator;
  readonly settings: ProducerSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Called after memory was given back. */
  readonly onReleased: () => void;
  /** All that is sent belongs to transactions. */
  readonly transaction?: TransactionGate | undefined;
  /** Records are lost: their batch failed for good. */
  readonly onLost: (batch: ProducerBatch, error: Error) => void;
}

export class Sender {
  readonly #options: SenderOptions;
  readonly #cluster: Cluster;
  readonly #accumulator: RecordAccumulator;
  readonly #settings: ProducerSettings;
  readonly #clock: Clock;
  readonly #producerIds: ProducerIds;
  readonly #nodes: ProduceNodes;
  readonly #outcomes: BatchOutcomes;
  #isWoken = false;
  #isClosed = false;
  #isRefreshing = false;
  #requests = 0;
  #quietWaiters: Array<() => void> = [];
  #lingerTimer: Timer | undefined;
  #expiryTimer: Timer | undefined;
  /** What last kept batches from being sent, for the message of those that never were. */
  #problem: Error | undefined;
  readonly metrics = new ProducerMetrics();

  constructor(options: SenderOptions) {
    const { cluster, accumulator, settings, clock, random, logger } = options;
    const { retryBackoffMs: initialMs, retryBackoffMaxMs: maxMs, requestTimeoutMs } = settings;
    const backoff = exponentialBackoff({ initialMs, maxMs, random });
    const wake = () => this.wake();
    this.#options = options;
    this.#cluster = cluster;
    this.#accumulator = accumulator;
    this.#settings = settings;
    this.#clock = clock;
    const isWanted = () => accumulator.incomplete.size > 0;
    this.#producerIds = new ProducerIds({ cluster, clock, logger, backoff, requestTimeoutMs, isWanted });
    this.#nodes = new ProduceNodes({
      cluster,
      clock,
      backoff,
      maxInFlight: settings.maxInFlightRequestsPerConnection,
      onChange: wake,
      onUnreachable: (error) => {
        this.#noteProblem(error);
        this.#refreshMetadata();
      },
    });
    this.#outcomes = new BatchOutcomes({
      accumulator,
      settings,
      clock,
      backoff,
      onReady: wake,
      onStaleMetadata: () => this.#refreshMetadata(),
      transaction: options.transaction,
      onLost: options.onLost,
      metrics: this.metrics,
    });
  }

  /** What last kept batches from being sent; undefined when nothing did. */
  get problem(): Error | undefined {
    return this.#producerIds.lastError ?? this.#problem;
  }

  /** Requests without an answer. */
  get inFlight(): number {
    return this.#requests;
  }

  /** Whether the leader of a partition has taken nothing for longer than `partitioner.availability.timeout.ms`. */
  isStuck(topic: string, partition: number): boolean {
    const { partitionerAvailabilityTimeoutMs: ms } = this.#settings;
    if (ms === 0) return false;
    const nodeId = this.#cluster.leaderOf(topic, partition);
    return this.#nodes.refusesLongerThan(ms, nodeId, this.#clock.monotonic());
  }

  /** Ends what waits behind a lost record of this partition. */
  stopBehind(batch: ProducerBatch, reason: Error): void {
    this.#outcomes.stop(this.#accumulator.queueOf(batch), reason);
  }

  /** To be called after appending: sends what is ready once the calling turn has given all it has. */
  appended(): void {
    if (this.#isWoken) return;
    if (this.#accumulator.ready.size > 0) this.wake();
    else if (!this.#lingerTimer) this.#setTimers(this.#clock.monotonic());
  }

  wake(): void {
    if (this.#isWoken || this.#isClosed) return;
    this.#isWoken = true;
    queueMicrotask(() => this.#pump());
  }

  /** Ends at once; what is not acknowledged yet is rejected. */
  close(reason: Error): void {
    this.#isClosed = true;
    this.#producerIds.stop();
    this.#lingerTimer?.cancel();
    this.#expiryTimer?.cancel();
    this.#outcomes.rejectAll(reason);
  }

  /** Rejects every record that is not acknowledged; what is in a request keeps its place until that is answered. */
  rejectAll(reason: Error): void {
    this.#outcomes.rejectAll(reason);
    this.#options.onReleased();
  }

  /** Resolves when no request is on its way. */
  whenQuiet(): Promise<void> {
    if (this.#requests === 0) return Promise.resolve();
    return new Promise((resolve) => this.#quietWaiters.push(resolve));
  }

  #pump(): void {
    this.#isWoken = false;
    if (this.#isClosed) return;
    const now = this.#clock.monotonic();
    this.#accumulator.promote(now);
    while (this.#sendRound(now));
    this.#setTimers(now);
  }

  /** One request to each node that takes one, with at most one batch of each partition. False when none was sent. */
  #sendRound(now: number): boolean {
    const { ready } = this.#accumulator;
    const calls = new Map<ProduceNode, ProduceCall>();
    for (const queue of Array.from(ready)) {
      const batch = this.#accumulator.next(queue, now);
      if (!batch) {
        ready.delete(queue);
        continue;
      }
      const node = this.#leaderOf(queue, now);
      if (!node || !this.#hasIdentity(queue)) continue;
      let call = calls.get(node);
      if (call && call.bytes + batch.sizeInBytes > this.#settings.maxRequestSize) continue;
      if (!this.#take(queue, batch)) continue;
      if (!call) {
        call = new ProduceCall();
        calls.set(node, call);
      }
      call.add(batch);
      // Behind the others, so that every partition gets its turn.
      ready.delete(queue);
      ready.add(queue);
    }
    for (const [node, call] of calls) this.#send(node, call);
    return calls.size > 0;
  }

  #take(queue: PartitionQueue, batch: ProducerBatch): boolean {
    try {
      const { transaction } = this.#options;
      const plainBytes = batch.sizeInBytes;
      queue.take(batch, (state) => batch.encode(state, this.#settings, transaction !== undefined));
      this.#accumulator.taken(queue);
      if (batch.attempts > 1) this.metrics.laterAttempt(batch);
      else this.metrics.firstAttempt(batch, plainBytes, this.#clock.monotonic());
      return true;
    } catch (error) {
      // The codec is missing, or refuses: no later attempt would do better.
      this.#outcomes.reject(batch, error as Error);
      return false;
    }
  }

  #leaderOf(queue: PartitionQueue, now: number): ProduceNode | undefined {
    const { topic, partition } = queue;
    const nodeId = this.#cluster.leaderOf(topic, partition);
    if (nodeId >= 0) return this.#nodes.available(nodeId, now);
    this.#noteProblem(brokerError(ErrorCode.LEADER_NOT_AVAILABLE, `${topic}-${partition}`));
    this.#outcomes.backOff(queue);
    this.#cluster.partitionsOf(topic, { refresh: true }).catch((error: unknown) => this.#noteProblem(error));
    return undefined;
  }

  /** Whether the transaction is open for the partition's next batch; a batch that goes again is part of it already. */
  #isAdmitted(queue: PartitionQueue, transaction: TransactionGate): boolean {
    const { identity } = transaction;
    if (!identity) return false;
    if (queue.unsettled.length > 0 && queue.isUnder(identity)) return true;
    if (!transaction.admits(queue.topic, queue.partition)) return false;
    if (!queue.isUnder(identity)) queue.adopt(identity, transaction.startsAtZero);
    return true;
  }

  #hasIdentity(queue: PartitionQueue): boolean {
    const { transaction } = this.#options;
    if (transaction) return this.#isAdmitted(queue, transaction);
    if (!queue.needsIdentity()) return true;
    const { current } = this.#producerIds;
    if (current && current.producerId !== queue.spentProducerId) {
      queue.adopt(current);
      return true;
    }
    this.#producerIds.drop(queue.spentProducerId);
    this.#producerIds.acquire().then(
      () => this.wake(),
      (error: unknown) => {
        this.#outcomes.rejectAll(error as Error);
        this.#options.onReleased();
      },
    );
    return false;
  }

  #send(node: ProduceNode, call: ProduceCall): void {
    const { acks, requestTimeoutMs: timeoutMs } = this.#settings;
    const { transaction } = this.#options;
    const transactionalId = transaction?.transactionalId ?? null;
    const request = { transactionalId, acks, timeoutMs, topicData: call.topicData() };
    const version = Math.min(node.version!, transaction?.produceVersion ?? node.version!);
    const sentAt = this.#clock.monotonic();
    this.metrics.sent(call.bytes);
    node.inFlight++;
    this.#requests++;
    this.#cluster
      .send(node.nodeId, Produce, version, request, { timeoutMs, expectResponse: acks !== 0 })
      .then(
        (answer: ResponseOf<typeof Produce> | undefined) => {
          this.metrics.answered(this.#clock.monotonic() - sentAt, answer?.throttleTimeMs ?? 0);
          this.#problem = undefined;
          this.#answered(node, call, answer);
        },
        (error: unknown) => this.#broken(node, call, error as Error),
      )
      .finally(() => {
        node.inFlight--;
        if (--this.#requests === 0) this.#tellQuiet();
        this.#options.onReleased();
        this.wake();
      })
      // Only a bug of ours gets here.
      .catch((error: unknown) => this.#options.logger.error(`producer: ${messageOf(error)}`));
  }

  #answered(node: ProduceNode, call: ProduceCall, answer: ResponseOf<typeof Produce> | undefined): void {
    if (answer === undefined) {
      for (const batch of call.batches()) this.#outcomes.stored(batch, -1, -1);
      return;
    }
    if (answer.throttleTimeMs > 0) this.#nodes.mute(node.nodeId, answer.throttleTimeMs);
    for (const { name, partitionResponses } of answer.responses) {
      for (const partition of partitionResponses) {
        const batch = call.claim(name, partition.index);
        if (batch) this.#outcomes.settle(batch, partition);
      }
    }
    for (const batch of call.batches()) {
      this.#outcomes.tryAgain(batch, new Error('the answer did not mention the partition'));
    }
  }

  #broken(node: ProduceNode, call: ProduceCall, error: Error): void {
    node.version = undefined;
    this.#noteProblem(error);
    for (const batch of call.batches()) this.#outcomes.tryAgain(batch, error);
    this.#refreshMetadata();
  }

  #tellQuiet(): void {
    const waiters = this.#quietWaiters;
    this.#quietWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #refreshMetadata(): void {
    if (this.#isRefreshing || this.#isClosed) return;
    this.#isRefreshing = true;
    this.#cluster
      .refreshMetadata()
      .catch((error: unknown) => this.#noteProblem(error))
      .finally(() => {
        this.#isRefreshing = false;
        this.wake();
      });
  }

  #noteProblem(error: unknown): void {
    this.#problem = error as Error;
    this.#options.logger.debug?.(`producer: ${messageOf(error)}`);
  }

  #setTimers(now: number): void {
    const dueAt = this.#accumulator.nextDueAt();
    this.#lingerTimer?.cancel();
    this.#lingerTimer = undefined;
    if (dueAt !== undefined) {
      this.#lingerTimer = this.#clock.schedule(dueAt - now, () => {
        this.#lingerTimer = undefined;
        this.#pump();
      });
    }
    this.#watchExpiry(now);
  }

  /** One timer for all batches, due at or before the first of them; it alone keeps the process alive. */
  #watchExpiry(now: number): void {
    if (this.#accumulator.incomplete.size === 0) {
      this.#expiryTimer?.cancel();
      this.#expiryTimer = undefined;
    } else if (!this.#expiryTimer) {
      const expiresAt = this.#accumulator.oldestBegunAt()! + this.#settings.deliveryTimeoutMs;
      this.#expiryTimer = this.#clock.schedule(expiresAt - now, () => this.#expire(), { keepAlive: true });
    }
  }

  #expire(): void {
    this.#expiryTimer = undefined;
    this.#outcomes.expire(this.problem);
    this.#options.onReleased();
    this.wake();
  }
}
