import { Injectable } from '@nestjs/common';
import { KafkaListener, Payload } from 'nestdaw';
import { Booking } from './transfer.js';

/**
 * What readers see: halves of transfers never, and none twice. It reads everything at each start: it has a memory only.
 */
@Injectable()
export class Audit {
  readonly #balances = new Map<string, number>();
  readonly #halves = new Map<string, number>();

  @KafkaListener({ id: 'audit', topics: 'bookings', broadcast: true })
  see(@Payload() { transferId, account, cents }: Booking): void {
    this.#balances.set(account, (this.#balances.get(account) ?? 0) + cents);
    this.#halves.set(transferId, (this.#halves.get(transferId) ?? 0) + 1);
  }

  report() {
    const balances = Object.fromEntries(this.#balances);
    const halves = [...this.#halves.values()];
    return {
      transfers: halves.filter((count) => count === 2).length,
      /** Seen by one half so far: two partitions are read one after the other. */
      underWay: halves.filter((count) => count === 1).length,
      bookedTwice: halves.filter((count) => count > 2).length,
      sum: Object.values(balances).reduce((sum, cents) => sum + cents, 0),
      balances,
    };
  }
}
