import { deferred } from '../../../../common/lifecycle.js';

// One generation as this member lives it: from the assignment until something ends it. Callbacks only note the end
// here; the owner loop acts on it.

/** Who this member is in its current generation. */
export interface Generation {
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly protocolName: string;
  readonly isLeader: boolean;
}

export type TermEnd =
  | { readonly kind: 'rejoin'; readonly reason: string }
  /**
   * The membership is gone: the group answered with `code`, or, without one, was not heard of. With `error` for good:
   * it must not be sought again.
   */
  | { readonly kind: 'lost'; readonly reason: string; readonly code?: number; readonly error?: unknown }
  | { readonly kind: 'stop'; readonly reason: string }
  /** It goes by its own wish and comes back later. */
  | { readonly kind: 'away'; readonly reason: string; readonly prepare: () => Promise<() => Promise<unknown>> };

export class GroupTerm {
  readonly #over = deferred<TermEnd>();
  readonly #ended = new AbortController();
  readonly #lost = new AbortController();
  #loss: (TermEnd & { kind: 'lost' }) | undefined;

  constructor(readonly generation: Generation) {}

  /** Settles with what ended the term first. */
  get over(): Promise<TermEnd> {
    return this.#over.promise;
  }

  /** Aborts when the term ends, whatever the reason. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Aborts when the membership is lost, which may come while a rejoin is being prepared. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  get loss(): (TermEnd & { kind: 'lost' }) | undefined {
    return this.#loss;
  }

  end(end: TermEnd): void {
    if (end.kind === 'lost' && !this.#loss) {
      this.#loss = end;
      this.#lost.abort();
    }
    this.#over.resolve(end);
    this.#ended.abort();
  }
}
