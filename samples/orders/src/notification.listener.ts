import { Injectable, Logger } from '@nestjs/common';
import { Ack, type Acknowledgment, KafkaListener, Key, Payload } from 'nestdaw';
import { OrderPaid } from './order.js';

/** Tells customers about their payments, and says itself when a message is done with. */
@Injectable()
export class NotificationListener {
  readonly #log = new Logger(NotificationListener.name);

  @KafkaListener({ topics: '${orders.paid-topic}', groupId: 'notifications', ackMode: 'MANUAL' })
  async notify(@Key() customer: string, @Payload() paid: OrderPaid, @Ack() ack: Acknowledgment): Promise<void> {
    this.#log.debug(`${customer}: order ${paid.orderId} over ${paid.amount} is paid`);
    await ack.acknowledge();
  }
}
