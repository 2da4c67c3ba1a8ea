import { type Clock } from '../../common/clock.js';
import { toPlainError } from './plain-error.js';
import { type FromSendingThread, type ProducerRequest, type ToSendingThread } from './producer-messages.js';
import { ServedProducer } from './served-producer.js';
import { type FindSharedProducer } from './shared-producer.js';

// The application's side of one thread that sends by its producers.

export interface ProducerServerOptions {
  /** Of the thread. */
  readonly thread: string;
  readonly find: FindSharedProducer;
  readonly clock: Clock;
  readonly post: (message: ToSendingThread, transfer?: readonly ArrayBuffer[]) => void;
}

export class ProducerServer {
  readonly #options: ProducerServerOptions;
  readonly #served = new Map<number, ServedProducer>();
  #isGone = false;

  constructor(options: ProducerServerOptions) {
    this.#options = options;
  }

  receive(message: FromSendingThread): void {
    switch (message.type) {
      case 'send':
        this.#served.get(message.producer)?.take(message);
        break;
      case 'ask producer':
        void this.#answer(message.producer, message.request, message.body);
        break;
      case 'resume producer':
        this.#served.get(message.producer)?.resume(message.topic, message.partition);
    }
  }

  /** The thread is gone. What it has sent goes on. */
  leave(): void {
    this.#isGone = true;
    for (const served of this.#served.values()) served.leave();
  }

  async #answer(producer: number, request: number, body: ProducerRequest): Promise<void> {
    let answer: Pick<Extract<ToSendingThread, { type: 'producer answers' }>, 'error' | 'value'>;
    try {
      answer = { error: undefined, value: await this.#carryOut(producer, body) };
    } catch (error) {
      answer = { error: toPlainError(error), value: undefined };
    }
    if (this.#isGone) return;
    // How things stand, and how its records ended, comes before the end of the question about them.
    this.#served.get(producer)?.tell();
    this.#options.post({ type: 'producer answers', request, ...answer });
  }

  #carryOut(producer: number, body: ProducerRequest): unknown {
    if (body.do === 'open') return this.#open(producer, body.connection, body.name);
    const { client } = this.#served.get(producer)!;
    switch (body.do) {
      case 'flush':
        return client.flush();
      case 'count partitions':
        return client.partitionsFor(body.topic);
      case 'describe partitions':
        return client.partitionInfo(body.topic);
    }
  }

  #open(number: number, connection: string, name: string | undefined): void {
    const { find, thread, clock, post } = this.#options;
    const served = new ServedProducer({ number, producer: find(connection, name), thread, clock, post });
    this.#served.set(number, served);
  }
}
