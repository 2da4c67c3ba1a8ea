import { Injectable } from '@nestjs/common';
import { KafkaListener, Key, Payload } from 'nestdaw';

/** What every process knows by heart. */
@Injectable()
export class PriceCache {
  readonly #prices = new Map<string, number>();

  /**
   * Every process reads every record, without a group: no partitions are shared out, and no dead group is left behind.
   */
  @KafkaListener({ id: 'price-cache', topics: '${prices.topic}', broadcast: true })
  changed(@Key() product: string, @Payload() price: { cents: number } | null): void {
    if (price === null) this.#prices.delete(product);
    else this.#prices.set(product, price.cents);
  }

  get(product: string): number | undefined {
    return this.#prices.get(product);
  }

  all(): Record<string, number> {
    return Object.fromEntries(this.#prices);
  }
}
