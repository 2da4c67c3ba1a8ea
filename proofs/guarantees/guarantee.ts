import { type Arena } from './arena.js';

// The form of one guarantee: an application that promises something, and how its effects are counted.

/** What a message did, once for each time it did it. */
export interface Effect {
  readonly id: string;
  /** Ms since the epoch. */
  readonly at: number;
}

export interface Guarantee {
  readonly name: string;
  /** `exactly once`: no message takes effect twice, whatever dies. `at least once`: only what was in work at a kill may. */
  readonly promise: 'exactly once' | 'at least once';
  /** The server that is killed as well, beside application and broker. */
  readonly store?: 'redis' | 'postgres';
  /** Whether the load sends some messages twice, as a producer without idempotence might. */
  readonly sendsTwice: boolean;
  /** The compiled application below `proofs/guarantees/applications`; gets the environment below. */
  readonly application: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Before the first start of the application. */
  prepare?(arena: Arena): Promise<void>;
  effects(arena: Arena): Promise<readonly Effect[]>;
  /** How long around a kill a message may have been in work; default 1,000 ms. */
  readonly inWorkMs?: number;
  /** What else is wrong with the effects, in their order. */
  readonly examine?: (effects: readonly Effect[]) => readonly string[];
}
