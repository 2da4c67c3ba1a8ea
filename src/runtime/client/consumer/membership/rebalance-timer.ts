import { type Clock } from '../../../../common/clock.js';

// What a rebalance has cost a member, from the moment it heard of it to its new assignment. Pure but for the clock.

/** One rebalance as one member lived it. Times in ms. */
export interface RebalanceTimes {
  /** What it was for, as far as the member knows. */
  readonly reason: string;
  /** Waiting for running handlers, and the commit after them. */
  readonly drainMs: number;
  /** From the first JoinGroup to the answer of SyncGroup: waiting for the other members and the leader. */
  readonly joinMs: number;
  /** From hearing of it to the end of `onAssigned`. */
  readonly totalMs: number;
}

export class RebalanceTimer {
  #reason = 'the consumer starts';
  #beganAt: number | undefined;
  #joiningAt: number | undefined;
  #drainMs = 0;
  #joinMs = 0;

  constructor(readonly clock: Clock) {}

  /** A generation ends. */
  begin(reason: string): void {
    this.#reason = reason;
    this.#beganAt = this.clock.monotonic();
    this.#joiningAt = undefined;
    this.#drainMs = 0;
  }

  drained(ms: number): void {
    this.#drainMs += ms;
  }

  joining(): void {
    this.#joiningAt = this.clock.monotonic();
    this.#beganAt ??= this.#joiningAt;
  }

  joined(): void {
    this.#joinMs = this.clock.monotonic() - (this.#joiningAt ?? this.clock.monotonic());
  }

  /** The assignment is taken up. */
  end(): RebalanceTimes {
    const now = this.clock.monotonic();
    const times = {
      reason: this.#reason,
      drainMs: this.#drainMs,
      joinMs: this.#joinMs,
      totalMs: now - (this.#beganAt ?? now),
    };
    this.#beganAt = undefined;
    return times;
  }
}
