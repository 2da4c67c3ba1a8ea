import { Injectable } from '@nestjs/common';
import { KafkaListener, KafkaTemplate, Payload } from 'nestdaw';
import { keyOf, rate, sendUnawaited } from './send-rates.js';

// A listener in threads that sends as much as a record of it asks for.

export const ORDER_TOPIC = 'bench-send-orders';

export interface SendOrder {
  readonly topic: string;
  readonly count: number;
  readonly bytes: number;
  /** Sends at once; 0: none is waited for. */
  readonly outstanding: number;
}

@Injectable()
export class SendWork {
  constructor(private readonly template: KafkaTemplate<string>) {}

  @KafkaListener({
    id: 'senders',
    topics: ORDER_TOPIC,
    groupId: '${bench.group}',
    pool: 'threads',
    threads: '${bench.threads}',
    order: 'none',
  })
  async send(@Payload() { topic, count, bytes, outstanding }: SendOrder): Promise<void> {
    const value = 'x'.repeat(bytes);
    if (outstanding === 0) await sendUnawaited(this.template, topic, value, count);
    else await rate((i) => this.template.send(topic, keyOf(i), value), outstanding, count);
  }
}
