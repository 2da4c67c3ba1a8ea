import { nextTurn, processTime } from '../../common/clock.js';
import { type BatchOutcome, type ListenerEndpoint } from '../listener/listener-endpoint.js';
import { unpackCalls } from './call-codec.js';
import { type CallResult, type FromCallThread, type ToCallThread } from './call-messages.js';
import { PendingRequests } from './pending-requests.js';
import { toPlainOutcome } from './plain-outcome.js';
import { type AskAcknowledge, type RemoteAcknowledgment } from './remote-acknowledgment.js';
import { type ThreadBoard } from './thread-board.js';
import { ThreadCall } from './thread-call.js';

// The thread's side of a pool: takes calls, runs the handler, answers. Quick results travel together; a slow one is
// told at once, for the next record waits for it.

/** Calls run this long before timers and sockets of the thread get their turn. */
const SLICE_MS = 10;
/** No result waits longer than this for the next one. */
const FLUSH_MS = 1;

export interface CallServerOptions {
  readonly handler: ListenerEndpoint['handler'];
  /** The handler acknowledges. */
  readonly isManual: boolean;
  readonly board: ThreadBoard;
  readonly post: (message: FromCallThread) => void;
}

export class CallServer {
  readonly #options: CallServerOptions;
  readonly #ask: AskAcknowledge | undefined;
  readonly #queue: ThreadCall[] = [];
  #head = 0;
  readonly #calls = new Map<number, ThreadCall>();
  readonly #requests = new PendingRequests();
  #isScheduled = false;
  #begun = 0;
  #toldBegun = 0;
  #spentMs = 0;
  #spentOn = 0;
  #done: number[] = [];
  #others: CallResult[] = [];
  #passed: number[] = [];
  #flushed = 0;
  readonly #kept = new FinalizationRegistry<number>((id) => this.#forget(id));
  #forgotten: number[] = [];

  constructor(options: CallServerOptions) {
    this.#options = options;
    this.#ask = options.isManual ? (id, index) => this.#acknowledge(id, index) : undefined;
  }

  /** Calls that are not over. */
  get size(): number {
    return this.#calls.size;
  }

  receive(message: ToCallThread): void {
    switch (message.type) {
      case 'calls':
        for (const packed of unpackCalls(message.pack)) {
          const call = new ThreadCall(packed, this.#options.handler.kind === 'batch', this.#ask);
          this.#calls.set(call.id, call);
          this.#queue.push(call);
        }
        this.#schedule();
        break;
      case 'abort':
        this.#calls.get(message.id)?.abort(message.reason);
        break;
      case 'acknowledged':
        this.#requests.settle(message.request, message.error);
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    nextTurn(() => {
      this.#isScheduled = false;
      this.#run();
    });
  }

  #run(): void {
    const start = processTime();
    let now = start;
    this.#flushed = start;
    while (this.#head < this.#queue.length && now - start < SLICE_MS) {
      const call = this.#queue[this.#head++]!;
      this.#begin(call);
      const ended = processTime();
      this.#spentMs += ended - now;
      this.#spentOn++;
      now = ended;
      if (now - this.#flushed >= FLUSH_MS) this.#flush(now);
    }
    if (this.#head === this.#queue.length) this.#queue.length = this.#head = 0;
    else this.#schedule();
    this.#flush(now);
  }

  #begin(call: ThreadCall): void {
    const { board } = this.#options;
    this.#begun++;
    if (!board.enter(call.slot)) {
      this.#calls.delete(call.id); // taken back: it runs elsewhere
      this.#passed.push(call.slot);
      return;
    }
    let outcome: BatchOutcome | Promise<BatchOutcome>;
    try {
      const { handler } = this.#options;
      outcome = handler.kind === 'record' ? handler.invoke(call.records[0]!, call) : handler.invoke(call.records, call);
    } catch (error) {
      outcome = { status: 'failed', error };
    }
    board.leave();
    if (!(outcome instanceof Promise)) {
      this.#settle(call, outcome);
      return;
    }
    const settle = (value: BatchOutcome): void => {
      this.#settle(call, value);
      this.#flushSoon();
    };
    outcome.then(settle, (error: unknown) => settle({ status: 'failed', error }));
  }

  #settle(call: ThreadCall, outcome: BatchOutcome): void {
    this.#calls.delete(call.id);
    const ack = call.usedAcknowledgment;
    if (ack === undefined && outcome.status === 'done') {
      this.#done.push(call.slot);
      return;
    }
    if (ack) {
      ack.isOver = true;
      this.#kept.register(ack satisfies RemoteAcknowledgment, call.id);
    }
    const plain = toPlainOutcome(outcome);
    this.#others.push({ slot: call.slot, outcome: plain, nack: ack?.given, keepsAcknowledgment: ack !== undefined });
  }

  /** Handlers that end in one turn are told together. */
  #flushSoon(): void {
    if (this.#done.length + this.#others.length === 1) queueMicrotask(() => queueMicrotask(() => this.#flush(0)));
  }

  #flush(now: number): void {
    this.#flushed = now;
    const begun = this.#begun;
    if (this.#done.length === 0 && this.#others.length === 0 && begun === this.#toldBegun) return;
    const callMs = this.#spentOn === 0 ? 0 : this.#spentMs / this.#spentOn;
    const results = {
      type: 'results',
      begun,
      callMs,
      done: this.#done,
      others: this.#others,
      passed: this.#passed,
    } as const;
    this.#done = [];
    this.#others = [];
    this.#passed = [];
    this.#toldBegun = begun;
    // The latest calls count most, so that a change of pace is seen soon.
    this.#spentMs /= 2;
    this.#spentOn /= 2;
    this.#options.post(results);
  }

  #acknowledge(id: number, index: number | undefined): Promise<void> {
    return this.#requests.open((request) => this.#options.post({ type: 'acknowledge', id, index, request }));
  }

  #forget(id: number): void {
    this.#forgotten.push(id);
    if (this.#forgotten.length > 1) return;
    nextTurn(() => {
      const ids = this.#forgotten;
      this.#forgotten = [];
      this.#options.post({ type: 'forgotten', ids });
    });
  }
}
