import { type KafkaRecord } from '../../common/record.js';
import { type Acknowledgment, type InvocationContext } from '../listener/listener-endpoint.js';

// What guards, interceptors, filters and `@Ctx()` see of a call: in `ExecutionContext` of type `kafka`, the first
// argument is the payload (`switchToRpc().getData()`), the second is this (`switchToRpc().getContext()`).

/** One call of a listener: its record or records, and what the container gives with them. */
export class KafkaListenerContext implements InvocationContext {
  readonly #batch: readonly KafkaRecord[] | undefined;
  readonly #invocation: InvocationContext;

  constructor(
    /** The record; in a batch the first one. */
    readonly record: KafkaRecord,
    batch: readonly KafkaRecord[] | undefined,
    invocation: InvocationContext,
  ) {
    this.#batch = batch;
    this.#invocation = invocation;
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
}
