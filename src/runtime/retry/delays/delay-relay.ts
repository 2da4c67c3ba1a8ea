import { type Clock, sleep } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import { type Startable } from '../../../common/lifecycle.js';
import { type Logger } from '../../../common/logger.js';
import { type OutgoingRecord } from '../../../common/record.js';
import { type DelayedMessage, type DelayStore } from './delay-store.js';

// Sends delayed messages when they are due. Any number of processes may do so over one store: each message is leased
// to one of them. Should that one die after the send and before it said so, the message is sent a second time.

/** Messages taken at once. */
const LIMIT = 200;
/** Longer than a send takes that succeeds in the end (delivery.timeout.ms is two minutes). */
const LEASE_MS = 150_000;
/** How soon it looks again when another process may have stored something that is due earlier. */
const LOOK_MS = 200;
const TROUBLE_MS = 1_000;

export interface DelayRelayOptions {
  readonly store: DelayStore;
  readonly send: (topic: string, partition: number | undefined, record: OutgoingRecord) => Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class DelayRelay implements Startable {
  readonly #options: DelayRelayOptions;
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(options: DelayRelayOptions) {
    this.#options = options;
  }

  start(): Promise<void> {
    this.#loop ??= this.#run();
    return Promise.resolve();
  }

  /** What is being sent is finished. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const sent = await this.#pass();
        if (failures > 0) logger.log('delayed messages: the store answers again');
        failures = 0;
        if (!sent) await sleep(clock, await this.#pauseMs(), signal);
      } catch (error) {
        if (failures++ === 0) logger.warn(`delayed messages wait, their store fails: ${messageOf(error)}`, error);
        await sleep(clock, TROUBLE_MS, signal);
      }
    }
  }

  async #pauseMs(): Promise<number> {
    const { store, clock } = this.#options;
    const due = await store.nextDue();
    return due === undefined ? LOOK_MS : Math.max(1, Math.min(LOOK_MS, due - clock.now()));
  }

  /** Whether there was something to send. */
  async #pass(): Promise<boolean> {
    const { store, clock } = this.#options;
    const messages = await store.take(clock.now(), LIMIT, LEASE_MS);
    const sent = await Promise.all(messages.map((message) => this.#send(message)));
    await store.done(sent.flatMap((id) => id ?? []));
    return messages.length > 0;
  }

  /** Its id when it was sent; what was not comes again when its lease has run out. */
  async #send({ id, topic, partition, record }: DelayedMessage): Promise<string | undefined> {
    try {
      await this.#options.send(topic, partition, record);
      return id;
    } catch (error) {
      this.#options.logger.error(`delayed message ${id} for ${topic} could not be sent: ${messageOf(error)}`, error);
      return undefined;
    }
  }
}
