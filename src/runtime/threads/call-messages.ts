import { type CallPack } from './call-codec.js';
import { type PlainError } from './plain-error.js';

// What crosses between a poll loop's thread and the threads that run its handlers.

export type ToCallThread =
  | { readonly type: 'calls'; readonly pack: CallPack }
  /** The signal of a call fires. */
  | { readonly type: 'abort'; readonly id: number; readonly reason: PlainError }
  /** An acknowledgment was carried out, or not. */
  | { readonly type: 'acknowledged'; readonly request: number; readonly error: PlainError | undefined };

export type FromCallThread =
  | CallResults
  /** The handler acknowledges, now or long after it returned. */
  | { readonly type: 'acknowledge'; readonly id: number; readonly index: number | undefined; readonly request: number }
  /** Nobody can acknowledge these calls any more. */
  | { readonly type: 'forgotten'; readonly ids: readonly number[] };

export interface CallResults {
  readonly type: 'results';
  /** Calls begun since the thread is there, and ms that the synchronous part of the latest ones took on average. */
  readonly begun: number;
  readonly callMs: number;
  /** Slots of calls that are simply done. */
  readonly done: readonly number[];
  readonly others: readonly CallResult[];
  /** Slots of calls that had been taken back when the thread came to them. */
  readonly passed: readonly number[];
}

export interface CallResult {
  readonly slot: number;
  readonly outcome: PlainOutcome;
  /** The handler gave the call back: what it said to `nack`. */
  readonly nack: { readonly index: number | undefined; readonly sleepMs: number } | undefined;
  /** The handler has its acknowledgment and may use it later. */
  readonly keepsAcknowledgment: boolean;
}

/** An outcome whose error can cross. */
export type PlainOutcome =
  | { readonly status: 'done' }
  | { readonly status: 'skipped'; readonly reason: string }
  | { readonly status: 'failed'; readonly error: PlainError }
  | {
      readonly status: 'failed-at';
      readonly index: number;
      readonly error: PlainError;
      readonly isOpenBefore: boolean;
    };
