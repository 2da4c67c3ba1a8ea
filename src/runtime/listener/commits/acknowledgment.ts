import { NestdawError } from '../../../common/errors.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type Acknowledgment } from '../invocation.js';
import { type AckDesk, type PartitionState } from '../partitions/partition-state.js';

// A handler's acknowledgment of one delivery, under the manual ack modes.

/** What is acknowledged, or given back. */
interface Acknowledged {
  readonly partition: PartitionState;
  readonly record: KafkaRecord;
  readonly batch: readonly KafkaRecord[] | undefined;
  readonly isRunning: boolean;
}

export class DeliveryAcknowledgment implements Acknowledgment {
  readonly #delivery: Acknowledged;
  readonly #desk: AckDesk;
  // As they were at the call: what is left of a batch that failed is a delivery of its own.
  readonly #record: KafkaRecord;
  readonly #batch: readonly KafkaRecord[] | undefined;
  #acknowledged: Promise<void> | undefined;
  #finished = 0;
  #nackDelayMs: number | undefined;

  constructor(delivery: Acknowledged, desk: AckDesk) {
    this.#delivery = delivery;
    this.#desk = desk;
    this.#record = delivery.record;
    this.#batch = delivery.batch;
  }

  /** Asked for redelivery after this many ms. */
  get nackDelayMs(): number | undefined {
    return this.#nackDelayMs;
  }

  /** Records at the front that are finished: acknowledged, or before the one that was given back. */
  get finishedAhead(): number {
    return this.#finished;
  }

  acknowledge(index?: number): Promise<void> {
    if (this.#nackDelayMs !== undefined) {
      return handled(Promise.reject(this.#misuse('acknowledge() after nack(): the record is redelivered')));
    }
    const size = this.#batch?.length ?? 1;
    if (index === undefined) {
      this.#finished = size;
      this.#acknowledged ??= this.#finish(size);
      return this.#acknowledged;
    }
    const mistake = this.#indexMistake(index, `acknowledge(${index})`);
    if (mistake) return handled(Promise.reject(mistake));
    this.#finished = Math.max(this.#finished, index + 1);
    return this.#finish(index + 1);
  }

  nack(indexOrSleep: number, sleep?: number): void {
    const [index, sleepMs] = sleep === undefined ? [0, indexOrSleep] : [indexOrSleep, sleep];
    const call = `nack(${sleep === undefined ? indexOrSleep : `${index}, ${sleepMs}`})`;
    const mistake = sleep === undefined ? undefined : this.#indexMistake(index, call);
    if (mistake) throw mistake;
    if (this.#acknowledged) throw this.#misuse(`${call} after acknowledge(): the record is finished`);
    if (index < this.#finished && this.#finished > 0) {
      throw this.#misuse(`${call}: the records before ${this.#finished} are acknowledged already`);
    }
    if (!this.#delivery.isRunning) {
      throw this.#misuse(`${call} after the handler returned: records behind it may have run, call it before`);
    }
    if (!(sleepMs >= 0)) throw this.#misuse(`${call}: give a delay of 0 ms or more`);
    this.#finished = index;
    this.#nackDelayMs = sleepMs;
  }

  #finish(count: number): Promise<void> {
    return handled(this.#desk.acknowledge(this.#delivery.partition, this.#record, this.#batch, count));
  }

  #indexMistake(index: number, call: string): NestdawError | undefined {
    if (this.#batch === undefined) return this.#misuse(`${call}: only the records of a batch have an index`);
    if (Number.isInteger(index) && index >= 0 && index < this.#batch.length) return undefined;
    return this.#misuse(`${call}: the batch has ${this.#batch.length} records, give an index from 0`);
  }

  #misuse(what: string): NestdawError {
    const { topic, partition, offset } = this.#record;
    return new NestdawError('KAFKA_CONFIG_INVALID', `${topic}-${partition} offset ${offset}: ${what}`);
  }
}

/**
 * Most handlers do not await the acknowledgment: its failure is logged where it arises and must not end the process.
 */
function handled(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}
