import { type Clock, sleep } from '../../../common/clock.js';
import { messageOf } from '../../../common/errors.js';
import { type Startable } from '../../../common/lifecycle.js';
import { type Logger } from '../../../common/logger.js';
import { type OutgoingRecord } from '../../../common/record.js';
import { Wakeup } from '../../../common/wakeup.js';
import { type DelayedMessage, type DelayStore } from './delay-store.js';

// Sends delayed messages when they are due. Any number of processes may do so over one store: each message is leased
// to one of them. Should that one die after the send and before it said so, the message is sent a second time. A send
// that takes long holds up no other.

/** Messages under way at a time: so many may be sent twice after a kill. */
const LIMIT = 200;
/** A send that takes longer keeps no room from others, */
const HANGS_MS = 1_000;
/** until so many are under way: a kill keeps them until their lease ends. */
const MOST_UNDER_WAY = 400;
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

interface UnderWay {
  readonly since: number;
  readonly ended: Promise<void>;
}

export class DelayRelay implements Startable {
  readonly #options: DelayRelayOptions;
  readonly #stop = new AbortController();
  readonly #wakeup = new Wakeup();
  /** By id: taken here, and the store does not know yet that it was sent. Should its lease end it is not sent twice. */
  readonly #underWay = new Map<string, UnderWay>();
  /** Those of them that are acknowledged. */
  #sent: string[] = [];
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
        const isBusy = await this.#pass();
        const pauseMs = isBusy ? 0 : await this.#pauseMs();
        if (failures > 0) logger.log('delayed messages: the store answers again');
        failures = 0;
        // What is acknowledged is told at once, in one call for all of a turn.
        if (!isBusy && this.#sent.length === 0) {
          await this.#wakeup.wait(clock, pauseMs, signal, { keepAlive: true });
        }
      } catch (error) {
        if (failures++ === 0) logger.warn(`delayed messages wait, their store fails: ${messageOf(error)}`, error);
        await sleep(clock, TROUBLE_MS, signal);
      }
    }
    await Promise.all(Array.from(this.#underWay.values(), ({ ended }) => ended));
    await this.#tell().catch((error: unknown) => {
      logger.warn(`${this.#sent.length} delayed messages will be sent a second time: ${messageOf(error)}`, error);
    });
  }

  async #pauseMs(): Promise<number> {
    const { store, clock } = this.#options;
    if (this.#room() <= 0) return LOOK_MS;
    const due = await store.nextDue();
    return due === undefined ? LOOK_MS : Math.max(1, Math.min(LOOK_MS, due - clock.now()));
  }

  /** Whether there was something to send. */
  async #pass(): Promise<boolean> {
    const { store, clock } = this.#options;
    await this.#tell();
    const room = this.#room();
    if (room <= 0) return false;
    const messages = await store.take(clock.now(), room, LEASE_MS);
    const since = clock.monotonic();
    for (const message of messages) {
      if (!this.#underWay.has(message.id)) this.#underWay.set(message.id, { since, ended: this.#send(message) });
    }
    return messages.length > 0;
  }

  #room(): number {
    const hangs = this.#options.clock.monotonic() - HANGS_MS;
    let quick = 0;
    for (const { since } of this.#underWay.values()) if (since > hangs) quick++;
    return Math.min(LIMIT - quick, MOST_UNDER_WAY - this.#underWay.size);
  }

  /** Tells the store what was sent; kept and told again when it does not take it. */
  async #tell(): Promise<void> {
    if (this.#sent.length === 0) return;
    const told = this.#sent;
    this.#sent = [];
    try {
      await this.#options.store.done(told);
    } catch (error) {
      this.#sent = [...told, ...this.#sent];
      throw error;
    }
    for (const id of told) this.#underWay.delete(id);
  }

  /** What was not sent comes again when its lease has run out. */
  async #send({ id, topic, partition, record }: DelayedMessage): Promise<void> {
    // In a later turn: it is noted as under way before it can end.
    await Promise.resolve();
    try {
      await this.#options.send(topic, partition, record);
      this.#sent.push(id);
    } catch (error) {
      this.#underWay.delete(id);
      this.#options.logger.error(`delayed message ${id} for ${topic} could not be sent: ${messageOf(error)}`, error);
    }
    this.#wakeup.wake();
  }
}
