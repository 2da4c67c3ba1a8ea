// The port of stores that remember message ids. An id is claimed before its record is handled and finished after it:
// a look-up alone would let two processes find the same id unknown at the same time.

/** What a claim finds: nobody has handled it · it was handled · somebody else is at it. */
export type ClaimAnswer = 'first' | 'done' | 'in-progress';

/** Ids of one partition, within the scope in which they are unique. */
export interface IdGroup {
  /** Ids of different scopes have nothing to do with each other. */
  readonly scope: string;
  readonly topic: string;
  readonly partition: number;
  /** No id twice. */
  readonly ids: readonly string[];
}

/** How long a finished id is known: as long as any of the two says so. */
export interface DedupWindow {
  /** The last so many ids of each partition; undefined: the number plays no part. */
  readonly count: number | undefined;
  /** Ms since it was finished; undefined: time plays no part. */
  readonly timeMs: number | undefined;
}

/** Who claims, for how long. */
export interface Claimant {
  /** Unique to one listener in one process: what it has claimed itself is `first` again. */
  readonly owner: string;
  /** A claim that is not renewed for so many ms is free again. */
  readonly leaseMs: number;
}

/**
 * Remembers message ids for `@Idempotent`. Each call is one round trip however many ids it brings; calls may be
 * repeated after an unknown outcome. A rejected call means that the store is down.
 */
export interface DedupStore {
  /** True: it lives in this process and answers at once. Claims then need neither leases nor batching. */
  readonly isLocal?: boolean;
  /** Claims every id that is free; one answer per id, in the order of groups and ids. */
  claim(groups: readonly IdGroup[], claimant: Claimant): readonly ClaimAnswer[] | Promise<readonly ClaimAnswer[]>;
  /** The records of these ids are handled: remembered from now on, and older ids beyond the window forgotten. */
  finish(groups: readonly IdGroup[], claimant: Claimant, window: DedupWindow): void | Promise<void>;
  /** Gives claims back: their records failed, or were not handled. */
  release(groups: readonly IdGroup[], claimant: Claimant): void | Promise<void>;
  /** Prolongs claims for another lease. */
  renew(groups: readonly IdGroup[], claimant: Claimant): void | Promise<void>;
}
