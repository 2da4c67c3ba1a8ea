import { Injectable, Logger } from '@nestjs/common';
import { DltHandler, Header, KafkaHeaders, KafkaListener, Payload, RETRY_TOPIC_HEADERS, RetryableTopic } from 'nestdaw';

export interface Payment {
  readonly customer: string;
  readonly amount: number;
}

/** Amounts above 100 are refused while the bank is closed. */
@Injectable()
export class PaymentListener {
  isBankOpen = false;
  readonly paid: Payment[] = [];
  readonly refused: string[] = [];
  readonly #logger = new Logger(PaymentListener.name);

  @RetryableTopic({
    attempts: 3,
    backOff: { delay: '${payments.delay}', multiplier: 2 },
    delays: process.env.PAYMENTS_DELAYS ?? 'topics',
  })
  @KafkaListener({ topics: '${payments.topic}', groupId: 'bank' })
  pay(@Payload() payment: Payment, @Header(KafkaHeaders.RECEIVED_TOPIC) topic: string): void {
    if (payment.amount > 100 && !this.isBankOpen) throw new Error(`the bank is closed for ${payment.amount}`);
    this.#logger.log(`${payment.customer} paid ${payment.amount}, delivered from ${topic}`);
    this.paid.push(payment);
  }

  @DltHandler()
  refuse(@Payload() payment: Payment, @Header(RETRY_TOPIC_HEADERS.exceptionMessage) why: string): void {
    this.#logger.warn(`refused for good: ${payment.customer}, ${why}`);
    this.refused.push(payment.customer);
  }
}
