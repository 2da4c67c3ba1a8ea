import { type KafkaRecord } from '../../common/record.js';
import { type PartitionQueue } from '../dispatch/partition-queue.js';
import { WorkItem } from '../dispatch/work-item.js';
import { DeliveryAcknowledgment } from './acknowledgment.js';
import { type Acknowledgment, type InvocationContext, type RemoteWork } from './invocation.js';
import { type ListenerConsumer } from './listener-consumer.js';
import { type PartitionState } from './partition-state.js';

// One record (or one batch) on its way through a container: the unit that the dispatcher orders and, at the same
// time, the context that the handler gets, so that a record costs one object. What few handlers ask for (a signal, an
// acknowledgment) is made when asked for.

/** The records of one poll that have not been handled yet. */
export interface PollBatch {
  remaining: number;
}

/** Why a handler's signal fired. */
export type AbortCause = 'slow' | 'rebalance' | 'stop';

/** Header, batch and object overhead of a record, for the budget in bytes. */
const RECORD_OVERHEAD = 100;

export class Delivery extends WorkItem<PartitionQueue> implements InvocationContext {
  readonly partition: PartitionState;
  readonly poll: PollBatch;
  /** The record; the first one that is not finished, of a batch. */
  record: KafkaRecord;
  /** Undefined for a record listener. */
  batch: readonly KafkaRecord[] | undefined;
  attempt = 1;
  /** Monotonic time at which the handler was called. */
  startedAt = 0;
  /** @internal Links of the in-flight table. */
  older: Delivery | undefined = undefined;
  /** @internal */
  newer: Delivery | undefined = undefined;
  /** The call, when it runs outside of this event loop. */
  remote: RemoteWork | undefined = undefined;
  /** Received when the budget was used up: it fails instead of running, once. */
  isRejected = false;
  /** What the watchdog has said about it. */
  slowness: 'none' | 'warned' | 'expired' = 'none';
  #aborted: AbortCause | undefined = undefined;
  #reason: unknown = undefined;
  #controller: AbortController | undefined = undefined;
  #acknowledgment: DeliveryAcknowledgment | undefined = undefined;

  constructor(
    partition: PartitionState,
    poll: PollBatch,
    record: KafkaRecord,
    batch: readonly KafkaRecord[] | undefined,
    bytes: number,
  ) {
    super(partition.queue, record.key, batch === undefined ? 1 : batch.length, bytes);
    this.partition = partition;
    this.poll = poll;
    this.record = record;
    this.batch = batch;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get acknowledgment(): Acknowledgment | undefined {
    const desk = this.partition.ackDesk;
    if (desk === undefined) return undefined;
    this.#acknowledgment ??= new DeliveryAcknowledgment(this, desk);
    return this.#acknowledgment;
  }

  get consumer(): ListenerConsumer {
    return this.partition.consumer;
  }

  /** The handler gave the record back, to be run again after this many ms. */
  get nackDelayMs(): number | undefined {
    return this.#acknowledgment?.nackDelayMs;
  }

  /** Records at the front of the batch that are finished all the same when the handler gave it back, or failed. */
  get finishedAhead(): number {
    return this.#acknowledgment?.finishedAhead ?? 0;
  }

  get isRunning(): boolean {
    return this.state === 'running';
  }

  get abortCause(): AbortCause | undefined {
    return this.#aborted;
  }

  /** What the signal fired with. */
  get abortReason(): unknown {
    return this.#reason;
  }

  /** The handler is about to be called. */
  begin(now: number): void {
    this.startedAt = now;
    this.remote = undefined;
    if (this.attempt === 1 && this.#aborted === undefined && this.#acknowledgment === undefined) return;
    this.slowness = 'none';
    this.#aborted = this.#reason = this.#controller = this.#acknowledgment = undefined;
  }

  /** Fires the handler's signal; the first cause stays. */
  abort(cause: AbortCause, reason: unknown): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = cause;
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.remote?.abort(reason);
  }

  /** The first `count` records of the batch are finished: the rest is a delivery of its own, its first one. */
  trim(count: number): void {
    this.batch = this.batch!.slice(count);
    this.record = this.batch[0]!;
    this.attempt = 1;
  }
}

/** What a record weighs in a budget. */
export function weightOf(record: KafkaRecord): number {
  let bytes = RECORD_OVERHEAD + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const header of record.headers) bytes += header.key.length + (header.value?.length ?? 0);
  return bytes;
}
