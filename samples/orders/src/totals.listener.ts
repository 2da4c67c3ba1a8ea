import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Environment, KafkaListener, Payload } from 'nestdaw';
import { Ledger } from './ledger.js';
import { Order } from './order.js';

/** Totals per customer. An order that is delivered twice counts once: its id is remembered with the total. */
@Injectable()
export class Totals implements OnModuleDestroy {
  readonly #ledger: Ledger<Order>;
  readonly #counted = new Set<string>();
  readonly #totals = new Map<string, { orders: number; total: number }>();

  constructor(environment: Environment) {
    this.#ledger = new Ledger(environment.getRequired('orders.totals-file'));
    for (const order of this.#ledger.found) this.#count(order);
  }

  /** Two consumers share the partitions; each handles its records one after another. */
  @KafkaListener({ topics: '${orders.topic}', groupId: 'totals', concurrency: 2 })
  add(@Payload() order: Order): void {
    if (this.#counted.has(order.id)) return;
    this.#ledger.append(order);
    this.#count(order);
  }

  of(customer: string): { orders: number; total: number } {
    return this.#totals.get(customer) ?? { orders: 0, total: 0 };
  }

  #count(order: Order): void {
    this.#counted.add(order.id);
    const { orders, total } = this.of(order.customerId);
    this.#totals.set(order.customerId, { orders: orders + 1, total: Math.round((total + order.amount) * 100) / 100 });
  }

  onModuleDestroy(): void {
    this.#ledger.close();
  }
}
