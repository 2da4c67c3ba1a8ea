import { type Backoff, exponentialBackoff } from '../../common/backoff.js';
import { type Clock, every, type Timer } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type OutgoingRecord } from '../../common/record.js';
import { Wakeup } from '../../common/wakeup.js';
import { BlockedLanes } from './blocked-lanes.js';
import { type StoredMessage } from './outbox-message.js';
import { type OutboxStore } from './outbox-store.js';

// Moves messages from the outbox to their topics: the oldest first, those of one key one after another, and none is
// forgotten before its broker acknowledged it. Many applications may share an outbox; the one that holds the office
// relays, and another takes over when its lease has run out.

export interface OutboxRelayOptions {
  readonly store: OutboxStore;
  readonly send: (topic: string, partition: number | undefined, record: OutgoingRecord) => Promise<unknown>;
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
}

/** Beyond this many the trouble is not the messages': the whole relay waits. */
const MOST_BLOCKED = 100;

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
    const blocked = this.#blocked.at(this.#clock.monotonic());
    if (blocked.length > MOST_BLOCKED) return false;
    const lanes = byLane(await store.read(batchSize, blocked), blocked);
    const before = this.#failed;
    await Promise.all([...lanes].map(([lane, own]) => this.#relayLane(lane, own)));
    await this.#forget();
    return lanes.size > 0 && this.#failed === before;
  }

  async #forget(): Promise<void> {
    if (this.#unremoved.length === 0) return;
    const removed = this.#unremoved;
    await this.#options.store.remove(removed);
    this.#unremoved = [];
    this.#relayed += removed.length;
  }

  /** One after another: a later message must not overtake one whose send failed. */
  async #relayLane(lane: string, messages: readonly StoredMessage[]): Promise<void> {
    const { send, messageIdHeader } = this.#options;
    for (const message of messages) {
      if (this.#ending.signal.aborted || !this.#isLeading()) return;
      const { topic, partition, messageId } = message;
      try {
        await send(topic, partition, recordOf(message, messageIdHeader));
      } catch (error) {
        this.#failed += 1;
        const { failures, delayMs } = this.#blocked.failed(lane, this.#clock.monotonic());
        const waiting = `tried again in ${Math.round(delayMs)} ms, later messages of its key wait`;
        this.#logger.warn(
          `outbox: message ${messageId} for ${topic} failed ${failures} times: ${messageOf(error)}; ${waiting}`,
        );
        return;
      }
      this.#blocked.succeeded(lane);
      this.#unremoved.push(message);
    }
  }

  async #wait(delayMs: number): Promise<void> {
    if (!this.#isWoken) await this.#wakeup.wait(this.#clock, delayMs, this.#ending.signal);
    this.#isWoken = false;
  }
}

/** Messages in the order of their lanes. One without a lane is alone in its own, which the store cannot leave out. */
function byLane(messages: readonly StoredMessage[], blocked: readonly string[]): Map<string, StoredMessage[]> {
  const lanes = new Map<string, StoredMessage[]>();
  for (const message of messages) {
    const lane = message.lane ?? `single ${message.sequence}`;
    const others = lanes.get(lane);
    if (others) others.push(message);
    else if (!blocked.includes(lane)) lanes.set(lane, [message]);
  }
  return lanes;
}

function recordOf({ key, value, headers, messageId, timestamp }: StoredMessage, idHeader: string): OutgoingRecord {
  const id = { key: idHeader, value: Buffer.from(messageId) };
  return { key, value, headers: [...headers, id], timestamp };
}
