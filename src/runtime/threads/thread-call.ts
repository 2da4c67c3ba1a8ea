import { type KafkaRecord } from '../../common/record.js';
import { type Acknowledgment, type InvocationContext } from '../listener/listener-endpoint.js';
import { type PackedCall } from './call-codec.js';
import { fromPlainError, type PlainError } from './plain-error.js';
import { type AskAcknowledge, RemoteAcknowledgment } from './remote-acknowledgment.js';

// One call in the thread that runs it, and the context that its handler gets. What few handlers ask for is made when
// asked for.

export class ThreadCall implements InvocationContext {
  readonly id: number;
  readonly slot: number;
  readonly attempt: number;
  readonly records: readonly KafkaRecord[];
  readonly #isBatch: boolean;
  readonly #ask: AskAcknowledge | undefined;
  #controller: AbortController | undefined;
  #aborted: PlainError | undefined;
  #acknowledgment: RemoteAcknowledgment | undefined;

  /** @param ask Present under the manual ack modes. */
  constructor({ id, slot, attempt, records }: PackedCall, isBatch: boolean, ask: AskAcknowledge | undefined) {
    this.id = id;
    this.slot = slot;
    this.attempt = attempt;
    this.records = records;
    this.#isBatch = isBatch;
    this.#ask = ask;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(fromPlainError(this.#aborted));
    }
    return this.#controller.signal;
  }

  get acknowledgment(): Acknowledgment | undefined {
    if (this.#ask === undefined) return undefined;
    this.#acknowledgment ??= new RemoteAcknowledgment(this.id, this.records, this.#isBatch, this.#ask);
    return this.#acknowledgment;
  }

  /** The acknowledgment if the handler asked for it. */
  get usedAcknowledgment(): RemoteAcknowledgment | undefined {
    return this.#acknowledgment;
  }

  /** Fires the handler's signal. */
  abort(reason: PlainError): void {
    this.#aborted ??= reason;
    this.#controller?.abort(fromPlainError(reason));
  }
}
