import { type KafkaRecord } from '../../../common/record.js';
import { type PartitionQueue } from '../../dispatch/partition-queue.js';
import { WorkItem } from '../../dispatch/work-item.js';
import { DeliveryAcknowledgment } from '../commits/acknowledgment.js';
import { type Acknowledgment, type InvocationContext, type Outcome, type RemoteWork } from '../invocation.js';
import { type ListenerConsumer } from '../listener-consumer.js';
import { type PartitionState } from '../partitions/partition-state.js';

// One record (or one batch) on its way through a container: the unit that the dispatcher orders and, at the same
// time, the context that the handler gets, so that a record costs one object. What few handlers ask for (a signal, an
// acknowledgment) is made when asked for.

/** The records of one poll that have not been handled yet. */
export interface PollBatch {
  remaining: number;
}

/** Why a handler's signal fired. */
export type AbortCause = 'slow' | 'rebalance' | 'stop';

/** What few deliveries need, made when one does. */
interface Rarities {
  remote: RemoteWork | undefined;
  isRejected: boolean;
  slowness: Slowness;
  aborted: AbortCause | undefined;
  reason: unknown;
  controller: AbortController | undefined;
  acknowledgment: DeliveryAcknowledgment | undefined;
  failure: FailedOutcome | undefined;
}

export type FailedOutcome = Extract<Outcome, { readonly status: 'failed' }>;

/** What the watchdog has said about a call. */
export type Slowness = 'none' | 'warned' | 'expired';

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
  /** @internal Ended after it; their book-keeping waits. */
  nextEnded: Delivery | undefined = undefined;
  #rare: Rarities | undefined = undefined;

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
    const rare = this.#rarities();
    if (rare.controller === undefined) {
      rare.controller = new AbortController();
      if (rare.aborted !== undefined) rare.controller.abort(rare.reason);
    }
    return rare.controller.signal;
  }

  get acknowledgment(): Acknowledgment | undefined {
    const desk = this.partition.ackDesk;
    if (desk === undefined) return undefined;
    const rare = this.#rarities();
    rare.acknowledgment ??= new DeliveryAcknowledgment(this, desk);
    return rare.acknowledgment;
  }

  get consumer(): ListenerConsumer {
    return this.partition.consumer.inCall(this);
  }

  /** The call, when it runs outside of this event loop. */
  get remote(): RemoteWork | undefined {
    return this.#rare?.remote;
  }

  set remote(work: RemoteWork | undefined) {
    this.#rarities().remote = work;
  }

  /** Received when the budget was used up: it fails instead of running, once. */
  get isRejected(): boolean {
    return this.#rare?.isRejected ?? false;
  }

  set isRejected(isRejected: boolean) {
    this.#rarities().isRejected = isRejected;
  }

  /** What the watchdog has said about it. */
  get slowness(): Slowness {
    return this.#rare?.slowness ?? 'none';
  }

  set slowness(slowness: Slowness) {
    this.#rarities().slowness = slowness;
  }

  /** What its handler ended with that nobody has looked at yet; undefined: with nothing special. */
  get failure(): FailedOutcome | undefined {
    return this.#rare?.failure;
  }

  set failure(failure: FailedOutcome) {
    this.#rarities().failure = failure;
  }

  /** Nobody aborted it or asked for its acknowledgment: it ends with what its handler answers. */
  get isPlain(): boolean {
    const rare = this.#rare;
    return rare === undefined || (rare.aborted === undefined && rare.acknowledgment === undefined);
  }

  /** The handler gave the record back, to be run again after this many ms. */
  get nackDelayMs(): number | undefined {
    return this.#rare?.acknowledgment?.nackDelayMs;
  }

  /** Records at the front of the batch that are finished all the same when the handler gave it back, or failed. */
  get finishedAhead(): number {
    return this.#rare?.acknowledgment?.finishedAhead ?? 0;
  }

  get isRunning(): boolean {
    return this.state === 'running';
  }

  get abortCause(): AbortCause | undefined {
    return this.#rare?.aborted;
  }

  /** What the signal fired with. */
  get abortReason(): unknown {
    return this.#rare?.reason;
  }

  /** The handler is about to be called. */
  begin(now: number): void {
    this.startedAt = now;
    if (this.#rare === undefined) return;
    const { isRejected } = this.#rare;
    this.#rare = undefined;
    if (isRejected) this.isRejected = true;
  }

  /** Fires the handler's signal; the first cause stays. */
  abort(cause: AbortCause, reason: unknown): void {
    const rare = this.#rarities();
    if (rare.aborted !== undefined) return;
    rare.aborted = cause;
    rare.reason = reason;
    rare.controller?.abort(reason);
    rare.remote?.abort(reason);
  }

  /** The first `count` records of the batch are finished: the rest is a delivery of its own, its first one. */
  trim(count: number): void {
    this.batch = this.batch!.slice(count);
    this.record = this.batch[0]!;
    this.attempt = 1;
  }

  #rarities(): Rarities {
    this.#rare ??= {
      remote: undefined,
      isRejected: false,
      slowness: 'none',
      aborted: undefined,
      reason: undefined,
      controller: undefined,
      acknowledgment: undefined,
      failure: undefined,
    };
    return this.#rare;
  }
}

/** What a record weighs in a budget. */
export function weightOf({ key, value, headers }: KafkaRecord): number {
  let bytes = RECORD_OVERHEAD + (key?.length ?? 0) + (value?.length ?? 0);
  // Most have none: an iterator over nothing would be made for each of them all the same.
  if (headers.length === 0) return bytes;
  for (const header of headers) bytes += header.key.length + (header.value?.length ?? 0);
  return bytes;
}
