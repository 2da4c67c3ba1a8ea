import { type KafkaRecord } from '../../common/record.js';
import { type BatchOutcome, type InvocationContext, type RemoteWork } from '../listener/listener-endpoint.js';

// One call of a handler that runs in a thread, as the poll loop's side knows it.

/** What a call asks of its pool. */
export interface CallKeeper {
  abort(call: PoolCall, reason: unknown): void;
  runningFor(call: PoolCall): number | undefined;
}

/** Place of a call that no thread has. */
export const NOWHERE = -1;

export class PoolCall implements RemoteWork {
  thread: number = NOWHERE;
  slot = 0;
  /** Threads that died while it was running in them, and it could have been the reason. */
  deaths = 0;
  /** Its time is over, for this reason: a thread that does not let go of it is killed. */
  overdue: { readonly reason: unknown } | undefined;
  isOver = false;
  readonly #keeper: CallKeeper;
  #resolve!: (outcome: BatchOutcome) => void;
  readonly outcome: Promise<BatchOutcome>;

  constructor(
    readonly id: number,
    readonly records: readonly KafkaRecord[],
    readonly context: InvocationContext,
    keeper: CallKeeper,
  ) {
    this.#keeper = keeper;
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  settle(outcome: BatchOutcome): void {
    this.isOver = true;
    this.#resolve(outcome);
  }

  abort(reason: unknown): void {
    if (!this.isOver) this.#keeper.abort(this, reason);
  }

  runningForMs(): number | undefined {
    return this.#keeper.runningFor(this);
  }
}
