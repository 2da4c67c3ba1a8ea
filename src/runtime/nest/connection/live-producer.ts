import { type Clock, type Timer } from '../../../common/clock.js';
import { hasCode, messageOf, NestdawError } from '../../../common/errors.js';
import { type Logger } from '../../../common/logger.js';
import { type ProducerClient } from '../../client/producer-client.js';

// A producer of a connection while the application lives: made at the start, connected when its cluster is there, ended
// at the end.

export interface LiveProducerOptions {
  /** `the producer`, `producer bulk`. */
  readonly what: string;
  readonly connection: string;
  readonly create: () => ProducerClient;
  readonly clock: Clock;
  readonly logger: Logger;
}

const RECONNECT_MS = 1_000;

export class LiveProducer {
  readonly #options: LiveProducerOptions;
  #client: ProducerClient | undefined;
  #reconnect: Timer | undefined;
  #isEnding = false;

  constructor(options: LiveProducerOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#client !== undefined;
  }

  /** Throws KAFKA_STOPPED before the start. */
  get client(): ProducerClient {
    if (this.#client) return this.#client;
    throw new NestdawError(
      'KAFKA_STOPPED',
      `connection ${this.#options.connection} is not open yet: send from onModuleInit on, not from a constructor`,
    );
  }

  async start(): Promise<void> {
    this.#client = this.#options.create();
    await this.#connect(this.#client, 1);
  }

  async stop(): Promise<void> {
    this.#isEnding = true;
    this.#reconnect?.cancel();
    await this.#client?.stop();
  }

  /** An application may start before its cluster: sends wait their time, and the producer goes on trying. */
  async #connect(client: ProducerClient, tries: number): Promise<void> {
    const { what, logger, clock } = this.#options;
    try {
      await client.start();
      if (tries > 1) logger.log(`${what} is connected, after ${tries} tries`);
    } catch (error) {
      if (this.#isEnding) return;
      if (!hasCode(error, 'KAFKA_CONNECTION_FAILED') && !hasCode(error, 'KAFKA_REQUEST_TIMEOUT')) throw error;
      if (tries % 10 === 1) logger.warn(`${what} is not connected: ${messageOf(error)}; it goes on trying`);
      this.#reconnect = clock.schedule(RECONNECT_MS, () => {
        this.#connect(client, tries + 1).catch((fatal: unknown) => {
          logger.error(`${what} cannot be connected: ${messageOf(fatal)}`, fatal);
        });
      });
    }
  }
}
