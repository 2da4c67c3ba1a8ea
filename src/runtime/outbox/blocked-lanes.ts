import { type Backoff } from '../../common/backoff.js';

// Lanes whose oldest message failed: nothing of them may be sent before that one, so they wait, and the others go on.
// Pure: times come in.

interface Blocked {
  readonly failures: number;
  readonly until: number;
}

export class BlockedLanes {
  readonly #lanes = new Map<string, Blocked>();

  constructor(private readonly backoff: Backoff) {}

  /** Lanes that wait at this time. */
  at(now: number): string[] {
    return [...this.#lanes].flatMap(([lane, { until }]) => (until > now ? [lane] : []));
  }

  /** One more failure of a lane's oldest message. Returns how often it failed in a row, and for how long it waits. */
  failed(lane: string, now: number): { readonly failures: number; readonly delayMs: number } {
    const failures = (this.#lanes.get(lane)?.failures ?? 0) + 1;
    const delayMs = this.backoff(failures);
    this.#lanes.set(lane, { failures, until: now + delayMs });
    return { failures, delayMs };
  }

  /** Whether its oldest message failed last time, waiting or not. */
  has(lane: string): boolean {
    return this.#lanes.has(lane);
  }

  succeeded(lane: string): void {
    this.#lanes.delete(lane);
  }

  /** Lanes whose turn it was and that had no message any more: somebody else sent it, or took it out. */
  onlyKeep(found: ReadonlySet<string>, now: number): void {
    for (const [lane, { until }] of this.#lanes) if (until <= now && !found.has(lane)) this.#lanes.delete(lane);
  }

  get count(): number {
    return this.#lanes.size;
  }
}
