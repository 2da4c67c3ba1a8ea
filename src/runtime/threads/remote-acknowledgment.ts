import { NestdawError } from '../../common/errors.js';
import { type KafkaRecord } from '../../common/record.js';
import { type Acknowledgment } from '../listener/listener-endpoint.js';

// A handler's acknowledgment in a thread. What is finished is known beside the poll loop only, so `acknowledge` is
// asked there; `nack` counts for the call that is running, and travels with its result.

/** Asks the poll loop's thread; rejects as the acknowledgment there does. */
export type AskAcknowledge = (id: number, index: number | undefined) => Promise<void>;

export class RemoteAcknowledgment implements Acknowledgment {
  /** What the handler said to `nack`. */
  given: { readonly index: number | undefined; readonly sleepMs: number } | undefined;
  /** The handler has returned. */
  isOver = false;
  readonly #id: number;
  readonly #first: KafkaRecord;
  /** Records of the batch; undefined for a single record. */
  readonly #size: number | undefined;
  readonly #ask: AskAcknowledge;
  #whole: Promise<void> | undefined;
  #finished = 0;

  constructor(id: number, records: readonly KafkaRecord[], isBatch: boolean, ask: AskAcknowledge) {
    this.#id = id;
    this.#first = records[0]!;
    this.#size = isBatch ? records.length : undefined;
    this.#ask = ask;
  }

  acknowledge(index?: number): Promise<void> {
    if (this.given) return handled(Promise.reject(this.#misuse('acknowledge() after nack(): it is redelivered')));
    if (index !== undefined) {
      this.#finished = Math.max(this.#finished, index + 1);
      return handled(this.#ask(this.#id, index));
    }
    this.#whole ??= handled(this.#ask(this.#id, undefined));
    return this.#whole;
  }

  nack(indexOrSleep: number, sleep?: number): void {
    const index = sleep === undefined ? undefined : indexOrSleep;
    const sleepMs = sleep ?? indexOrSleep;
    const call = index === undefined ? `nack(${sleepMs})` : `nack(${index}, ${sleepMs})`;
    if (this.isOver) throw this.#misuse(`${call} after the handler returned: records behind it may have run`);
    if (this.#whole) throw this.#misuse(`${call} after acknowledge(): the record is finished`);
    if (!(sleepMs >= 0)) throw this.#misuse(`${call}: give a delay of 0 ms or more`);
    if (index !== undefined && !(Number.isInteger(index) && index >= 0 && index < (this.#size ?? 0))) {
      throw this.#misuse(
        `${call}: ${this.#size === undefined ? 'only the records of a batch have an index' : `the batch has ${this.#size} records, give an index from 0`}`,
      );
    }
    if ((index ?? 0) < this.#finished) {
      throw this.#misuse(`${call}: the records before ${this.#finished} are acknowledged already`);
    }
    this.given = { index, sleepMs };
  }

  #misuse(what: string): NestdawError {
    const { topic, partition, offset } = this.#first;
    return new NestdawError('KAFKA_CONFIG_INVALID', `${topic}-${partition} offset ${offset}: ${what}`);
  }
}

/** Most handlers do not await the acknowledgment: its failure is logged beside the poll loop, and ends nothing here. */
function handled(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}
