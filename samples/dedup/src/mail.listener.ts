import { Injectable, Logger } from '@nestjs/common';
import { Idempotent, KafkaListener, type ListenerEvent, OnContainerEvent, Payload } from 'nestdaw';
import { Payment } from './payment.js';

// An effect that no transaction holds. Its ids are claimed in the store that the properties name.

@Injectable()
export class MailListener {
  readonly #log = new Logger(MailListener.name);
  sent = 0;

  @KafkaListener({ id: 'mails', topics: 'incoming-payments', groupId: 'mails' })
  @Idempotent({ store: '${mails.store}' })
  thank(@Payload() payment: Payment): void {
    this.sent++;
    this.#log.log(`thank you for payment ${payment.id}`);
  }

  @OnContainerEvent('duplicates', { listener: 'mails' })
  passedOver(event: ListenerEvent): void {
    if (event.type !== 'duplicates') return;
    for (const { key } of event.records) this.#log.log(`payment ${key?.toString()} came again, no second mail`);
  }
}
