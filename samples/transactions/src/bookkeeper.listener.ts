// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of properties, not of templates
import { Injectable, Logger } from '@nestjs/common';
import { Environment, KafkaListener, KafkaTemplate, Payload, Transactional } from 'nestdaw';
import { type Booking, Transfer } from './transfer.js';

/**
 * Consume, transform, produce: each transfer becomes two bookings, on partitions of their own. Both of them and the
 * transfer's offset are one transaction: a reader with isolation.level=read_committed sees both or none, and once,
 * whatever fails or is killed in between.
 */
@Injectable()
export class Bookkeeper {
  readonly #log = new Logger(Bookkeeper.name);
  readonly #failEvery: number;
  readonly #seen = new Set<string>();

  constructor(
    private readonly template: KafkaTemplate<Booking>,
    environment: Environment,
  ) {
    this.#failEvery = Number(environment.get('bookkeeper.fail-every') ?? 0);
  }

  @KafkaListener({ id: 'bookkeeper', topics: '${transfers.topic}', workers: 8, order: 'key' })
  @Transactional('kafka')
  async book(@Payload() transfer: Transfer): Promise<void> {
    const { id, from, to, cents } = transfer;
    await this.template.send('bookings', from, { transferId: id, account: from, cents: -cents });
    this.#failNowAndThen(id);
    await this.template.send('bookings', to, { transferId: id, account: to, cents });
  }

  /** Between the two halves, where it would hurt without a transaction. */
  #failNowAndThen(id: string): void {
    if (this.#failEvery === 0 || this.#seen.has(id)) return;
    this.#seen.add(id);
    if (this.#seen.size % this.#failEvery !== 0) return;
    this.#log.warn(`${id} fails after its first booking, once`);
    throw new Error('the power is out');
  }
}
