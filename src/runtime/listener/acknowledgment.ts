import { NestdawError } from '../../common/errors.js';
import { type Delivery } from './delivery.js';
import { type Acknowledgment } from './listener-endpoint.js';

// A handler's acknowledgment of one delivery, under the manual ack modes.

/** Where acknowledgments go. */
export interface AckDesk {
  /** The delivery's records are finished; settles as the ack mode says. */
  acknowledge(delivery: Delivery): Promise<void>;
}

export class DeliveryAcknowledgment implements Acknowledgment {
  readonly #delivery: Delivery;
  readonly #desk: AckDesk;
  #acknowledged: Promise<void> | undefined;
  #nackDelayMs: number | undefined;

  constructor(delivery: Delivery, desk: AckDesk) {
    this.#delivery = delivery;
    this.#desk = desk;
  }

  /** Asked for redelivery after this many ms. */
  get nackDelayMs(): number | undefined {
    return this.#nackDelayMs;
  }

  acknowledge(): Promise<void> {
    if (this.#nackDelayMs !== undefined) {
      return handled(Promise.reject(this.#misuse('acknowledge() after nack(): the record is redelivered')));
    }
    this.#acknowledged ??= handled(this.#desk.acknowledge(this.#delivery));
    return this.#acknowledged;
  }

  nack(sleepMs: number): void {
    if (this.#acknowledged) throw this.#misuse('nack() after acknowledge(): the record is finished');
    if (!this.#delivery.isRunning) {
      throw this.#misuse('nack() after the handler returned: records behind it may have run, call it before');
    }
    if (!(sleepMs >= 0)) throw this.#misuse(`nack(${sleepMs}): give a delay of 0 ms or more`);
    this.#nackDelayMs = sleepMs;
  }

  #misuse(what: string): NestdawError {
    const { topic, partition, offset } = this.#delivery.record;
    return new NestdawError('KAFKA_CONFIG_INVALID', `${topic}-${partition} offset ${offset}: ${what}`);
  }
}

/** Most handlers do not await the acknowledgment: its failure is logged where it arises and must not end the process. */
function handled(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}
