import { type Backoff, exponentialBackoff } from '../../common/backoff.js';
import { type Clock, every, type Timer } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type OutgoingRecord } from '../../common/record.js';
import { Wakeup } from '../../common/wakeup.js';
import { BlockedLanes } from './blocked-lanes.js';
import { type OrderedSender } from './ordered-sender.js';
import { type StoredMessage } from './outbox-message.js';
import { type OutboxStore } from './outbox-store.js';

// Moves messages from the outbox to their topics: the oldest first, those of one key behind each other, and none is
// forgotten before its broker acknowledged it. Many applications may share an outbox; the one that holds the office
// relays, and another takes over when its lease has run out.

export interface OutboxRelayOptions {
  readonly store: OutboxStore;
  readonly sender: OrderedSender;
  /** Header that carries the message's id. */
  readonly messageIdHeader: string;
  /** Distinguishes relays that share a store. */
  readonly owner: string;
  /** Read when they are used: they are known once the application's connections are. */
  readonly tools: { readonly clock: Clock; readonly logger: Logger };
  /** Messages of one round. Default 500. */
  readonly batchSize?: number;
  /** How long to wait when there is nothing to do, in ms. Default 100. */
  readonly pollIntervalMs?: number;
  /** How long the office is kept without a sign of life, in ms. Default 10,000. */
  readonly leaseMs?: number;
  /** Delays after failures. Default 100 ms, doubled up to 30 s. */
  readonly backoff?: Backoff;
}

/** What a relay is doing, for health checks and metrics. */
export interface OutboxRelayState {
  /** Whether this one has the office. */
  readonly isLeading: boolean;
  /** Messages acknowledged and forgotten since the start. */
  readonly relayed: number;
  /** Sends that failed since the start; each is tried again. */
  readonly failed: number;
  /** Keys that wait because their oldest message failed. */
  readonly blockedKeys: number;
  /** Ms between writing and acknowledgment of the messages relayed since the start, on average; 0 before the first. */
  readonly meanDelayMs: number;
  /** The longest of these. */
  readonly worstDelayMs: number;
}

/** Beyond this many the trouble is not the messages': the whole relay waits. */
const MOST_BLOCKED = 1_000;
/** Lanes that failed before, of one round: each is waited for. */
const MOST_AGAIN = 10;

export class OutboxRelay {
  readonly #options: Required<OutboxRelayOptions>;
  readonly #blocked: BlockedLanes;
  /** Acknowledged, but the store did not take their removal yet. */
  #unremoved: StoredMessage[] = [];
  #leadsUntil = Number.NEGATIVE_INFINITY;
  #renewal: Timer | undefined;
  #running: Promise<void> | undefined;
  readonly #ending = new AbortController();
  readonly #wakeup = new Wakeup();
  #isWoken = false;
  #relayed = 0;
  #failed = 0;
  #acknowledged = 0;
  #delayMs = 0;
  #worstDelayMs = 0;

  constructor(options: OutboxRelayOptions) {
    const backoff = exponentialBackoff({ initialMs: 100, maxMs: 30_000 });
    this.#options = { batchSize: 500, pollIntervalMs: 100, leaseMs: 10_000, backoff, ...options };
    this.#blocked = new BlockedLanes(this.#options.backoff);
  }

  get #clock(): Clock {
    return this.#options.tools.clock;
  }

  get #logger(): Logger {
    return this.#options.tools.logger;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Looks at the store at once: something was committed. */
  wake(): void {
    this.#isWoken = true;
    this.#wakeup.wake();
  }

  get state(): OutboxRelayState {
    return {
      isLeading: this.#isLeading(),
      relayed: this.#relayed,
      failed: this.#failed,
      blockedKeys: this.#blocked.count,
      meanDelayMs: this.#acknowledged === 0 ? 0 : this.#delayMs / this.#acknowledged,
      worstDelayMs: this.#worstDelayMs,
    };
  }

  /** Ends after the sends under way; what is left waits for the next relay. */
  async stop(): Promise<void> {
    this.#ending.abort();
    this.#wakeup.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { store, owner, leaseMs } = this.#options;
    this.#renewal = every(this.#clock, leaseMs / 3, () => (this.#isLeading() ? this.#lead() : undefined));
    let failures = 0;
    while (!this.#ending.signal.aborted) {
      try {
        const isBusy = (this.#isLeading() || (await this.#lead())) && (await this.#round());
        failures = 0;
        if (!isBusy) await this.#wait(this.#options.pollIntervalMs);
      } catch (error) {
        const delay = this.#options.backoff(++failures);
        this.#logger.warn(`outbox: the store failed: ${messageOf(error)}; tried again in ${Math.round(delay)} ms`);
        await this.#wait(delay);
      }
    }
    this.#renewal.cancel();
    await this.#forget().catch((error: unknown) => {
      this.#logger.warn(
        `outbox: ${this.#unremoved.length} relayed messages stay and will be sent again: ${messageOf(error)}`,
      );
    });
    if (this.#isLeading()) {
      this.#leadsUntil = Number.NEGATIVE_INFINITY;
      await store.resign(owner).catch((error: unknown) => {
        this.#logger.warn(`outbox: the office is not given back: ${messageOf(error)}; it ends with its lease`);
      });
    }
  }

  #isLeading(): boolean {
    return this.#clock.monotonic() < this.#leadsUntil;
  }

  async #lead(): Promise<boolean> {
    const { store, owner, leaseMs } = this.#options;
    // Counted from before the request, so that this side never believes longer than the store does.
    const from = this.#clock.monotonic();
    const wasLeading = this.#isLeading();
    const leads = await store.lead(owner, leaseMs).catch((error: unknown) => {
      if (!wasLeading) throw error;
      this.#logger.warn(`outbox: the lease is not renewed: ${messageOf(error)}`);
      return undefined;
    });
    if (leads === undefined) return this.#isLeading();
    this.#leadsUntil = leads ? from + leaseMs : Number.NEGATIVE_INFINITY;
    if (leads && !wasLeading) this.#logger.log('outbox: relaying');
    return leads;
  }

  /** True when there may be more to do at once. */
  async #round(): Promise<boolean> {
    const { store, batchSize } = this.#options;
    await this.#forget();
    const now = this.#clock.monotonic();
    const blocked = this.#blocked.at(now);
    if (blocked.length > MOST_BLOCKED) return false;
    const keyed = blocked.filter((lane) => !isSingle(lane));
    // The store cannot leave out those without a key: beside them there has to be room.
    const limit = batchSize + blocked.length - keyed.length;
    const messages = await store.read(limit, keyed);
    const lanes = byLane(messages, blocked);
    if (messages.length < limit) this.#blocked.onlyKeep(new Set(lanes.map(({ name }) => name)), now);
    const before = this.#failed;
    const failedBefore = lanes.filter(({ name }) => this.#blocked.has(name));
    let isWhole = await this.#send(lanes.filter((lane) => !failedBefore.includes(lane)));
    // These go one by one: if one fails again it holds up nobody else.
    for (const lane of failedBefore.slice(0, MOST_AGAIN)) isWhole = (await this.#send([lane])) && isWhole;
    await this.#forget();
    return lanes.length > 0 && isWhole && this.#failed === before;
  }

  /** All at once; false when something was not sent. */
  async #send(lanes: readonly Lane[]): Promise<boolean> {
    if (lanes.length === 0) return true;
    const ends = await Promise.all(lanes.map((lane) => this.#relayLane(lane)));
    if (ends.every((isWhole) => isWhole)) return true;
    // Nothing is under way any more that could overtake what is lost.
    this.#options.sender.resume();
    return false;
  }

  async #forget(): Promise<void> {
    if (this.#unremoved.length === 0) return;
    const removed = this.#unremoved;
    await this.#options.store.remove(removed);
    this.#unremoved = [];
    this.#relayed += removed.length;
  }

  /**
   * Sends the messages of a lane behind each other without waiting. Where one fails those behind it go again too, even
   * if they were stored: what is stored last of a key has to be what was written last.
   */
  async #relayLane({ name, messages }: Lane): Promise<boolean> {
    const { sender, messageIdHeader } = this.#options;
    if (this.#ending.signal.aborted || !this.#isLeading()) return false;
    const some = this.#blocked.has(name) ? messages.slice(0, 1) : messages;
    const sends = some.map((message) => {
      return sender.send(message.topic, message.partition, recordOf(message, messageIdHeader));
    });
    const ends = await Promise.allSettled(sends);
    const lost = ends.findIndex(({ status }) => status === 'rejected');
    const done = some.slice(0, lost === -1 ? some.length : lost);
    this.#unremoved.push(...done);
    this.#countDelays(done);
    if (lost !== 0) this.#blocked.succeeded(name);
    if (lost === -1) return some.length === messages.length;
    this.#hasFailed(name, some[lost]!, (ends[lost] as PromiseRejectedResult).reason);
    return false;
  }

  #countDelays(messages: readonly StoredMessage[]): void {
    const now = this.#clock.now();
    for (const { timestamp } of messages) {
      // Who wrote it may have had another clock.
      const delayMs = Math.max(0, now - timestamp);
      this.#acknowledged += 1;
      this.#delayMs += delayMs;
      this.#worstDelayMs = Math.max(this.#worstDelayMs, delayMs);
    }
  }

  #hasFailed(lane: string, { messageId, topic }: StoredMessage, error: unknown): void {
    // Behind a lost one of another key: no failure of its own.
    if (this.#options.sender.isRefused(error)) return;
    this.#failed += 1;
    const { failures, delayMs } = this.#blocked.failed(lane, this.#clock.monotonic());
    const waiting = `tried again in ${Math.round(delayMs)} ms, later messages of its key wait`;
    this.#logger.warn(
      `outbox: message ${messageId} for ${topic} failed ${failures} times: ${messageOf(error)}; ${waiting}`,
    );
  }

  async #wait(delayMs: number): Promise<void> {
    // Until it is stopped it may have to send something, whatever else the process does.
    const options = { keepAlive: true };
    if (!this.#isWoken) await this.#wakeup.wait(this.#clock, delayMs, this.#ending.signal, options);
    this.#isWoken = false;
  }
}

/** Messages whose order matters among themselves. */
interface Lane {
  readonly name: string;
  readonly messages: StoredMessage[];
}

/** No lane of a key begins like this: they are hashes. */
const SINGLE = 'single ';

function isSingle(lane: string): boolean {
  return lane.startsWith(SINGLE);
}

/** Messages in the order of their lanes. One without a lane is alone in its own, which the store cannot leave out. */
function byLane(messages: readonly StoredMessage[], blocked: readonly string[]): Lane[] {
  const lanes = new Map<string, Lane>();
  for (const message of messages) {
    const name = message.lane ?? `${SINGLE}${message.sequence}`;
    const others = lanes.get(name);
    if (others) others.messages.push(message);
    else if (!blocked.includes(name)) lanes.set(name, { name, messages: [message] });
  }
  return [...lanes.values()];
}

function recordOf({ key, value, headers, messageId, timestamp }: StoredMessage, idHeader: string): OutgoingRecord {
  const id = { key: idHeader, value: Buffer.from(messageId) };
  return { key, value, headers: [...headers, id], timestamp };
}
