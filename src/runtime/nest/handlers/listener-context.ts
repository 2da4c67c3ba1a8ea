import { AsyncLocalStorage } from 'node:async_hooks';
import { type KafkaRecord } from '../../../common/record.js';
import { type ListenerConsumer } from '../../listener/listener-consumer.js';
import { type Acknowledgment, type InvocationContext } from '../../listener/listener-endpoint.js';
import { type SqlTransaction } from '../../sql/sql-database.js';

// What guards, interceptors, filters and `@Ctx()` see of a call: in `ExecutionContext` of type `kafka`, the first
// argument is the payload (`switchToRpc().getData()`), the second is this (`switchToRpc().getContext()`).

/** The listener that a call belongs to. */
export interface ListenerIdentity {
  readonly listenerId: string;
  readonly groupId: string;
  readonly info: string | undefined;
}

const calls = new AsyncLocalStorage<KafkaListenerContext>();

/** Runs `action` with `context` as the current one. */
export function inContext<T>(context: KafkaListenerContext, action: () => T): T {
  return calls.run(context, action);
}

/** One call of a listener: its record or records, and what the container gives with them. */
export class KafkaListenerContext implements InvocationContext {
  readonly #batch: readonly KafkaRecord[] | undefined;
  readonly #invocation: InvocationContext;
  readonly #listener: ListenerIdentity;

  /**
   * The context of the call that this code runs for, of a listener with `asyncContext: true`, however deep and however
   * many awaits later; undefined elsewhere.
   */
  static current(): KafkaListenerContext | undefined {
    return calls.getStore();
  }

  constructor(
    /** The record; in a batch the first one. */
    readonly record: KafkaRecord,
    batch: readonly KafkaRecord[] | undefined,
    invocation: InvocationContext,
    listener: ListenerIdentity,
  ) {
    this.#batch = batch;
    this.#invocation = invocation;
    this.#listener = listener;
  }

  /** The records of a batch; of a single call the one. */
  get records(): readonly KafkaRecord[] {
    return this.#batch ?? [this.record];
  }

  get topic(): string {
    return this.record.topic;
  }

  get partition(): number {
    return this.record.partition;
  }

  get offset(): number {
    return this.record.offset;
  }

  get signal(): AbortSignal {
    return this.#invocation.signal;
  }

  get acknowledgment(): Acknowledgment | undefined {
    return this.#invocation.acknowledgment;
  }

  get attempt(): number {
    return this.#invocation.attempt;
  }

  /** Positions, pauses and commits of the consumer that the record came from. */
  get consumer(): ListenerConsumer | undefined {
    return this.#invocation.consumer;
  }

  /** The SQL transaction that the record is handled in; see `@Sql()`. */
  get sql(): SqlTransaction | undefined {
    return this.#invocation.sql;
  }

  get listenerId(): string {
    return this.#listener.listenerId;
  }

  /** Consumer group; empty when the listener has none. */
  get groupId(): string {
    return this.#listener.groupId;
  }

  /** The listener's `info`. */
  get info(): string | undefined {
    return this.#listener.info;
  }
}
