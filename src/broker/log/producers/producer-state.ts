import { ErrorCode } from '../../../protocol/error-codes.js';
import { decodeControlRecord } from '../../../protocol/record-batch.js';
import {
  baseOffset,
  baseSequence,
  hasProducerId,
  isControl,
  isTransactional,
  lastOffset,
  lastOffsetDelta,
  maxTimestamp,
  producerEpoch,
  producerId,
} from '../../../protocol/record-batch-header.js';
import { type AppendOrigin } from '../log-results.js';

// What a partition knows of the producers that write to it with an id: epochs, the last sequences, open
// transactions. Pure: batches and times in, decisions out.

/** Batches remembered per producer: as many as an idempotent producer may have in flight. */
export const REMEMBERED_BATCHES = 5;
const NONE = -1;

export interface AppendedBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
}

export interface ProducerState {
  readonly producerId: bigint;
  epoch: number;
  /** Oldest first, at most five, all of the current epoch. */
  readonly batches: AppendedBatch[];
  /** -1 when no transaction is open on this partition. */
  currentTxnFirstOffset: number;
  /** -1 before the first marker. */
  coordinatorEpoch: number;
  /** Timestamp of the last batch or marker, as it is stored. */
  lastTimestamp: number;
  /** When this broker last heard of the producer, by its own clock: what expiry goes by. */
  lastActivity: number;
}

export interface CompletedTxn {
  readonly producerId: bigint;
  readonly firstOffset: number;
  /** Offset of the marker. */
  readonly lastOffset: number;
  readonly isAborted: boolean;
}

export type SequenceVerdict =
  | { readonly kind: 'append' }
  | { readonly kind: 'duplicate'; readonly batch: AppendedBatch }
  | { readonly kind: 'refused'; readonly errorCode: number; readonly errorMessage: string };

const APPEND: SequenceVerdict = { kind: 'append' };
const refused = (errorCode: number, errorMessage: string): SequenceVerdict => ({
  kind: 'refused',
  errorCode,
  errorMessage,
});

/** The sequence that lies `by` behind: after 2147483647 comes 0. */
export function advanceSequence(sequence: number, by: number): number {
  return (sequence + by) % 0x8000_0000;
}

/** The sequence that lies `by` before: before 0 comes 2147483647. */
export function rewindSequence(sequence: number, by: number): number {
  return sequence >= by ? sequence - by : sequence - by + 0x8000_0000;
}

/** Most logs have no producers with an id: they share these, and must not pay for maps of their own. */
const NO_PRODUCERS: ReadonlyMap<bigint, ProducerState> = new Map();
const NONE_OPEN: ReadonlySet<ProducerState> = new Set();

export class ProducerStates {
  #producers: ReadonlyMap<bigint, ProducerState> = NO_PRODUCERS;
  /** Producers with an open transaction here. */
  #open: ReadonlySet<ProducerState> = NONE_OPEN;
  #firstUnstableOffset = NONE;

  #known(): Map<bigint, ProducerState> {
    if (this.#producers === NO_PRODUCERS) this.#producers = new Map();
    return this.#producers as Map<bigint, ProducerState>;
  }

  #opened(): Set<ProducerState> {
    if (this.#open === NONE_OPEN) this.#open = new Set();
    return this.#open as Set<ProducerState>;
  }

  get size(): number {
    return this.#producers.size;
  }

  /** First offset of the oldest open transaction; -1 when there is none. */
  get firstUnstableOffset(): number {
    return this.#firstUnstableOffset;
  }

  get(id: bigint): ProducerState | undefined {
    return this.#producers.get(id);
  }

  all(): IterableIterator<ProducerState> {
    return this.#producers.values();
  }

  /** Whether the batch of a producer with an id may be appended, as it comes and before it gets its offset. */
  check(batch: Buffer, origin: AppendOrigin, startsAtZero = false): SequenceVerdict {
    const state = this.#producers.get(producerId(batch));
    const epoch = producerEpoch(batch);
    if (isControl(batch)) return checkMarker(batch, epoch, state);
    if (!state) {
      if (!startsAtZero || baseSequence(batch) === 0) return APPEND; // new, expired, or all its data deleted
      const what = `producer ${producerId(batch)} is new here: sequence ${baseSequence(batch)} where 0 must come first`;
      return refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, what);
    }
    if (origin === 'client' && epoch === state.epoch) {
      const duplicate = findDuplicate(batch, state);
      if (duplicate) return { kind: 'duplicate', batch: duplicate };
    }
    if (epoch < state.epoch) return refused(ErrorCode.INVALID_PRODUCER_EPOCH, staleEpoch(batch, epoch, state));
    if (origin === 'client') {
      const refusal = checkSequence(batch, epoch, state);
      if (refusal) return refusal;
    }
    if (state.currentTxnFirstOffset !== NONE && !isTransactional(batch)) {
      return refused(
        ErrorCode.INVALID_TXN_STATE,
        `producer ${state.producerId} has an open transaction here: end it before writing outside of one`,
      );
    }
    return APPEND;
  }

  /**
   * Takes in the batch at `at`, which is in the log with its offsets. A marker that ends a transaction with data on
   * this partition is returned as such.
   */
  apply(buffer: Buffer, at: number, now: number): CompletedTxn | undefined {
    if (!hasProducerId(buffer, at)) return undefined;
    const id = producerId(buffer, at);
    let state = this.#producers.get(id);
    if (!state) {
      state = newState(id, producerEpoch(buffer, at));
      this.#known().set(id, state);
    }
    const epoch = producerEpoch(buffer, at);
    if (epoch > state.epoch) {
      state.epoch = epoch;
      state.batches.length = 0;
    }
    state.lastTimestamp = maxTimestamp(buffer, at);
    state.lastActivity = now;
    if (isControl(buffer, at)) return this.#applyMarker(buffer, at, state);
    rememberBatch(buffer, at, state);
    if (isTransactional(buffer, at) && state.currentTxnFirstOffset === NONE) {
      this.#openTransaction(state, baseOffset(buffer, at));
    }
    return undefined;
  }

  /**
   * Takes in a batch from before a snapshot, which keeps only the newest of each producer: a retry of it is known as
   * one again. Batches must come in the order of the log.
   */
  recall(buffer: Buffer, at: number): void {
    const state = this.#producers.get(producerId(buffer, at));
    const newest = state?.batches.at(-1);
    if (!state || !newest || isControl(buffer, at) || producerEpoch(buffer, at) !== state.epoch) return;
    if (lastOffset(buffer, at) >= newest.firstOffset) return;
    state.batches.pop();
    rememberBatch(buffer, at, state);
    if (state.batches.length === REMEMBERED_BATCHES) state.batches.shift();
    state.batches.push(newest);
  }

  #applyMarker(buffer: Buffer, at: number, state: ProducerState): CompletedTxn | undefined {
    const { type, coordinatorEpoch } = decodeControlRecord(buffer, at);
    if (type === 'other') return undefined;
    state.coordinatorEpoch = Math.max(state.coordinatorEpoch, coordinatorEpoch);
    const firstOffset = state.currentTxnFirstOffset;
    if (firstOffset === NONE) return undefined;
    state.currentTxnFirstOffset = NONE;
    this.#opened().delete(state);
    if (firstOffset === this.#firstUnstableOffset) this.#findFirstUnstable();
    const { producerId: id } = state;
    return { producerId: id, firstOffset, lastOffset: lastOffset(buffer, at), isAborted: type === 'abort' };
  }

  #openTransaction(state: ProducerState, firstOffset: number): void {
    state.currentTxnFirstOffset = firstOffset;
    this.#opened().add(state);
    if (this.#firstUnstableOffset === NONE || firstOffset < this.#firstUnstableOffset) {
      this.#firstUnstableOffset = firstOffset;
    }
  }

  #findFirstUnstable(): void {
    let first = NONE;
    for (const { currentTxnFirstOffset } of this.#open) {
      if (first === NONE || currentTxnFirstOffset < first) first = currentTxnFirstOffset;
    }
    this.#firstUnstableOffset = first;
  }

  /** Takes over the states of a snapshot; what was known before is forgotten. */
  restore(states: Iterable<ProducerState>): void {
    this.#producers = NO_PRODUCERS;
    this.#open = NONE_OPEN;
    for (const state of states) {
      this.#known().set(state.producerId, state);
      if (state.currentTxnFirstOffset !== NONE) this.#opened().add(state);
    }
    this.#findFirstUnstable();
  }

  /** Forgets producers that were silent for `expirationMs`; never one whose transaction is open. */
  expire(now: number, expirationMs: number): void {
    for (const [id, state] of this.#producers) {
      if (state.currentTxnFirstOffset === NONE && now - state.lastActivity >= expirationMs) this.#known().delete(id);
    }
  }
}

function newState(id: bigint, epoch: number): ProducerState {
  return {
    producerId: id,
    epoch,
    batches: [],
    currentTxnFirstOffset: NONE,
    coordinatorEpoch: NONE,
    lastTimestamp: NONE,
    lastActivity: 0,
  };
}

function rememberBatch(buffer: Buffer, at: number, state: ProducerState): void {
  const first = baseSequence(buffer, at);
  // Coordinators write with an id but without sequences.
  const last = first < 0 ? NONE : advanceSequence(first, lastOffsetDelta(buffer, at));
  if (state.batches.length === REMEMBERED_BATCHES) state.batches.shift();
  state.batches.push({
    firstSequence: first,
    lastSequence: last,
    firstOffset: baseOffset(buffer, at),
    lastOffset: lastOffset(buffer, at),
    timestamp: maxTimestamp(buffer, at),
  });
}

function findDuplicate(batch: Buffer, state: ProducerState): AppendedBatch | undefined {
  const first = baseSequence(batch);
  const last = advanceSequence(first, lastOffsetDelta(batch));
  return state.batches.find((known) => known.firstSequence === first && known.lastSequence === last);
}

function checkSequence(batch: Buffer, epoch: number, state: ProducerState): SequenceVerdict | undefined {
  const first = baseSequence(batch);
  // A new epoch starts at 0, and so does one that has only been seen in a marker.
  const last = epoch > state.epoch ? undefined : state.batches.at(-1);
  const expected = last ? advanceSequence(last.lastSequence, 1) : 0;
  if (first === expected) return undefined;
  return refused(
    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    `producer ${state.producerId} epoch ${epoch}: sequence ${first} where ${expected} must come next`,
  );
}

function checkMarker(batch: Buffer, epoch: number, state: ProducerState | undefined): SequenceVerdict {
  const { coordinatorEpoch } = decodeControlRecord(batch); // first: a malformed marker must not reach the log
  if (!state) return APPEND;
  if (epoch < state.epoch) return refused(ErrorCode.INVALID_PRODUCER_EPOCH, staleEpoch(batch, epoch, state));
  if (coordinatorEpoch >= state.coordinatorEpoch) return APPEND;
  return refused(
    ErrorCode.TRANSACTION_COORDINATOR_FENCED,
    `marker of coordinator epoch ${coordinatorEpoch} after one of epoch ${state.coordinatorEpoch}`,
  );
}

function staleEpoch(batch: Buffer, epoch: number, state: ProducerState): string {
  return `producer ${producerId(batch)} comes with epoch ${epoch}, a newer instance has epoch ${state.epoch}`;
}
