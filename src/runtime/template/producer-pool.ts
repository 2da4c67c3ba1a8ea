import { type Clock, systemClock } from '../../common/clock.js';
import { messageOf, NestdawError } from '../../common/errors.js';
import { type Logger, silentLogger } from '../../common/logger.js';
import { type TransactionalProducerClient } from '../client/producer-client.js';

// The transactional producers of a connection: one for each transaction at the same time, kept for the next one
// (Spring: DefaultKafkaProducerFactory with a transaction id prefix). Ids are prefix + number, and the number of a
// producer that was given up is used again first: its successor then ends at once what was left undecided.

export interface ProducerPoolOptions {
  /** Beginning of the transactional ids. */
  readonly prefix: string;
  /** A producer that is not started yet. */
  readonly create: (transactionalId: string) => TransactionalProducerClient;
  /** Ms after which an idle producer is replaced, to stay below `transactional.id.expiration.ms`. Default: never. */
  readonly maxAgeMs?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

interface Idle {
  readonly producer: TransactionalProducerClient;
  readonly since: number;
}

export class ProducerPool {
  readonly #options: ProducerPoolOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** The one used last at the end, which is taken first: the others may grow old. */
  readonly #idle: Idle[] = [];
  readonly #numbers = new Map<TransactionalProducerClient, number>();
  readonly #free: number[] = [];
  #next = 0;
  #isStopped = false;
  readonly #ending = new Set<Promise<void>>();

  constructor(options: ProducerPoolOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
  }

  get prefix(): string {
    return this.#options.prefix;
  }

  /** Producers that are open, in use or idle. */
  get size(): number {
    return this.#numbers.size;
  }

  /** A producer that is ready to begin. Rejects with what keeps it from starting. */
  async acquire(): Promise<TransactionalProducerClient> {
    this.#refuseWhenStopped();
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (idle.producer.isReady && !this.#isOld(idle)) return idle.producer;
      this.#end(idle.producer, () => idle.producer.stop());
    }
    const number = this.#free.shift() ?? this.#next++;
    try {
      return await this.#open(number);
    } catch (error) {
      this.#free.push(number);
      throw error;
    }
  }

  /**
   * Another producer under the id of one that is of no use any more: by taking its place it ends what that one left
   * open or undecided. May be called again after a rejection.
   */
  async replace(producer: TransactionalProducerClient): Promise<TransactionalProducerClient> {
    this.#refuseWhenStopped();
    await producer.discard();
    const successor = await this.#open(this.#numbers.get(producer)!);
    this.#numbers.delete(producer);
    return successor;
  }

  async #open(number: number): Promise<TransactionalProducerClient> {
    const producer = this.#options.create(`${this.#options.prefix}${number}`);
    try {
      await producer.start();
      this.#refuseWhenStopped();
    } catch (error) {
      this.#track(producer.discard());
      throw error;
    }
    this.#numbers.set(producer, number);
    return producer;
  }

  /** Gives a producer back. One whose transaction is not ended is given up, whatever became of that. */
  release(producer: TransactionalProducerClient): void {
    if (!this.#numbers.has(producer)) return;
    if (producer.isReady && !this.#isStopped) this.#idle.push({ producer, since: this.#clock.monotonic() });
    else this.#end(producer, () => (producer.isReady ? producer.stop() : producer.discard()));
  }

  /** Ends all producers; those in use end when they are given back. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { producer } of this.#idle.splice(0)) this.#end(producer, () => producer.stop());
    await Promise.all(this.#ending);
  }

  #isOld({ since }: Idle): boolean {
    const { maxAgeMs } = this.#options;
    return maxAgeMs !== undefined && this.#clock.monotonic() - since > maxAgeMs;
  }

  #end(producer: TransactionalProducerClient, end: () => Promise<void>): void {
    const number = this.#numbers.get(producer);
    this.#numbers.delete(producer);
    // Free at once: whoever takes the number next fences this one, which is what has to happen to what it left open.
    if (number !== undefined) this.#free.push(number);
    this.#track(end());
  }

  #track(end: Promise<void>): void {
    const ending = end
      .catch((error: unknown) => this.#logger.warn(`ending a transactional producer: ${messageOf(error)}`))
      .finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  #refuseWhenStopped(): void {
    if (this.#isStopped) throw new NestdawError('KAFKA_STOPPED', 'the application closes: no transaction can begin');
  }
}
