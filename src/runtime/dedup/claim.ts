import { type Deferred, deferred } from '../../common/lifecycle.js';
import { type KafkaRecord } from '../../common/record.js';

// One record's claim on its id, from the question to its end.

export type ClaimState =
  | 'open' // not asked yet, or to be asked again
  | 'asked' // the store has not answered yet
  | 'first' // ours: the record is to be handled
  | 'done' // somebody has handled it
  | 'in-progress' // somebody else is at it
  | 'finished' // we have handled it; the store may not know yet
  | 'released'; // we have not, and gave it back

export class Claim {
  state: ClaimState = 'open';
  /** While it is asked: settles with the answer. */
  answered: Promise<void> | undefined;
  /** What kept the store from answering. */
  error: unknown;
  #ended: Deferred<void> | undefined;

  constructor(
    readonly record: KafkaRecord,
    readonly scope: string,
    readonly id: string,
  ) {}

  /** The record is not to be handled: it was. */
  get isDuplicate(): boolean {
    return this.state === 'done';
  }

  /** Resolves when it is finished or released. */
  ended(): Promise<void> {
    if (this.state === 'finished' || this.state === 'released') return Promise.resolve();
    this.#ended ??= deferred();
    return this.#ended.promise;
  }

  end(state: 'finished' | 'released'): void {
    this.state = state;
    this.#ended?.resolve();
  }
}
