import { type Arena, type Staging } from './arena.js';

// The form of one guarantee: an application that promises something, and how its effects are counted.

/** What a message did, once for each time it did it. */
export interface Effect {
  readonly id: string;
  /** Ms since the epoch. */
  readonly at: number;
}

export interface Guarantee extends Staging {
  /**
   * `exactly once`: no message takes effect twice, whatever dies. `at least once`: only what was in work at a kill may.
   */
  readonly promise: 'exactly once' | 'at least once';
  /** Whether the load sends some messages twice, as a producer without idempotence might. */
  readonly sendsTwice: boolean;
  /** Messages that it sends each 5 ms; default 1. */
  readonly atOnce?: number;
  effects(arena: Arena): Promise<readonly Effect[]>;
  /** How long around a kill a message may have been in work; default 1,000 ms. */
  readonly inWorkMs?: number;
  /**
   * How long after a kill comes again what had been taken then, and was perhaps sent: its lease. Default: no such
   * thing.
   */
  readonly leaseMs?: number;
  /** How long nothing may come before what is missing counts as lost; default 60,000 ms. */
  readonly patienceMs?: number;
  /** What else is wrong with the effects, in their order. */
  readonly examine?: (effects: readonly Effect[]) => readonly string[];
}
