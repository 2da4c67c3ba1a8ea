import { type Clock } from '../../common/clock.js';
import { type ProducerClient } from '../client/producer-client.js';
import { PendingRequests } from './pending-requests.js';
import { type FromSendingThread, type ToSendingThread } from './producer-messages.js';
import { RemoteProducer } from './remote-producer.js';

// The producers of the application that a thread sends by, from inside the thread.

export type PostSending = (message: FromSendingThread, transfer?: readonly ArrayBuffer[]) => void;

export class ThreadProducers {
  readonly #post: PostSending;
  readonly #clock: Clock;
  readonly #producers: RemoteProducer[] = [];
  readonly #requests = new PendingRequests<unknown>();

  constructor(post: PostSending, clock: Clock) {
    this.#post = post;
    this.#clock = clock;
  }

  /** One more; whoever asks for it starts and stops it. */
  create(connection: string, name: string | undefined, closeTimeoutMs: number | undefined): ProducerClient {
    const producer = new RemoteProducer({
      connection,
      name,
      closeTimeoutMs,
      clock: this.#clock,
      number: this.#producers.length,
      post: this.#post,
      ask: (number, body) =>
        this.#requests.open((request) => this.#post({ type: 'ask producer', producer: number, request, body })),
    });
    this.#producers.push(producer);
    return producer;
  }

  hear(message: ToSendingThread): void {
    if (message.type === 'sent') this.#producers[message.producer]!.hear(message);
    else this.#requests.settle(message.request, message.error, message.value);
  }
}
