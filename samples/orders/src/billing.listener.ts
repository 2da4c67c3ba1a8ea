import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Environment, KafkaListener, type KafkaRecord, KafkaTemplate, Payload, Record } from 'nestdaw';
import { Ledger } from './ledger.js';
import { Order, type OrderPaid } from './order.js';

/** One line of the payments file. */
export interface Payment {
  readonly orderId: string;
  readonly customerId: string;
  readonly partition: number;
  readonly offset: number;
  readonly paidAt: number;
}

@Injectable()
export class OrderListener implements OnModuleDestroy {
  readonly #payments: Ledger<Payment>;
  readonly #paymentMs: number;
  readonly #paidTopic: string;

  constructor(
    private readonly paid: KafkaTemplate<OrderPaid>,
    environment: Environment,
  ) {
    this.#payments = new Ledger(environment.getRequired('orders.payments-file'));
    this.#paymentMs = Number(environment.getRequired('orders.payment-ms'));
    this.#paidTopic = environment.getRequired('orders.paid-topic');
  }

  /** Sixteen payments at once, but those of one customer strictly one after another. */
  @KafkaListener({ topics: '${orders.topic}', groupId: 'billing', order: 'key', workers: 16 })
  async pay(@Payload() order: Order, @Record() record: KafkaRecord): Promise<void> {
    await delay(this.#paymentMs);
    this.#payments.append({
      orderId: order.id,
      customerId: order.customerId,
      partition: record.partition,
      offset: record.offset,
      paidAt: Date.now(),
    });
    await this.paid.send(this.#paidTopic, order.customerId, {
      orderId: order.id,
      customerId: order.customerId,
      amount: order.amount,
    });
  }

  onModuleDestroy(): void {
    this.#payments.close();
  }
}
