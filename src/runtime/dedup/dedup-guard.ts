import { exponentialBackoff } from '../../common/backoff.js';
import { type Clock, sleep, type Timer } from '../../common/clock.js';
import { messageOf, NestdawError } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type KafkaRecord } from '../../common/record.js';
import { Claim } from './claim.js';
import { ClaimSaver } from './claim-saver.js';
import { ClaimTable, groupsOf } from './claim-table.js';
import { type ClaimAnswer, type Claimant, type DedupStore, type DedupWindow } from './dedup-store.js';
import { type IdReader } from './message-id.js';
import { StoreOutage } from './store-outage.js';

// The claims of one listener: asked for in bulk as records arrive, held while handlers run, finished in bulk.

export interface DedupGuardOptions {
  readonly listener: string;
  readonly store: DedupStore;
  /** Records without an id are handled unguarded; what the reader throws makes the record fail. */
  readonly idOf: IdReader;
  readonly scopeOf: (record: KafkaRecord) => string;
  readonly window: DedupWindow;
  readonly claimant: Claimant;
  /** What happens while the store does not answer: the record waits, or fails. */
  readonly whenDown: 'wait' | 'fail';
  readonly clock: Clock;
  readonly logger: Logger;
}

const ANSWERS: ReadonlySet<unknown> = new Set<ClaimAnswer>(['first', 'done', 'in-progress']);

/** How often an id that another process is at is asked for again. */
const LOOK_AGAIN_MS = 100;

/** Claims of records in their order; undefined for one without an id that is handled all the same. */
export type Claims = ReadonlyArray<Claim | undefined>;

export class DedupGuard {
  readonly #options: DedupGuardOptions;
  readonly #isLocal: boolean;
  readonly #table = new ClaimTable();
  readonly #saver: ClaimSaver;
  /** Asked for as their records arrived, not entered yet. */
  readonly #prepared = new Map<KafkaRecord, Claim>();
  readonly #backoff = exponentialBackoff({ initialMs: 100, maxMs: 5_000 });
  readonly #outage: StoreOutage;
  #renewal: Timer | undefined;

  constructor(options: DedupGuardOptions) {
    const { listener, store, claimant, window, whenDown, logger } = options;
    this.#options = options;
    const consequence =
      whenDown === 'wait' ? 'its records wait, none passes unguarded' : 'its records fail until it is back';
    this.#outage = new StoreOutage({ listener, store: 'the store of message ids', consequence, logger });
    this.#isLocal = store.isLocal === true;
    this.#saver = new ClaimSaver({
      store,
      table: this.#table,
      claimant,
      window,
      onSaved: () => this.#outage.up(),
      onFailed: (error) => this.#outage.down(error),
    });
  }

  /** Records that will be handled one by one: their ids are claimed in one round trip, while they wait. */
  received(records: readonly KafkaRecord[]): void {
    if (this.#isLocal) return;
    const fresh: Claim[] = [];
    for (const record of records) {
      const claim = this.#tryCreate(record);
      if (claim === undefined) continue;
      this.#prepared.set(record, claim);
      if (this.#take(claim)) fresh.push(claim);
    }
    if (fresh.length > 0) this.#ask(fresh);
  }

  /** A partition was given up: what was claimed for records that will not be handled here is given back. */
  forgotten(topic: string, partition: number): void {
    for (const [record, claim] of this.#prepared) {
      if (record.topic !== topic || record.partition !== partition) continue;
      this.#prepared.delete(record);
      this.#giveUp(claim);
    }
  }

  /**
   * Claims the ids of records: each claim is then `first`, to be handled and finished or released, or a duplicate.
   * Waits for ids that somebody else is at, until `signal` fires. Throws, or rejects with, what makes the records fail.
   */
  enter(records: readonly KafkaRecord[], waiter: { readonly signal: AbortSignal }): Claims | Promise<Claims> {
    const claims: Array<Claim | undefined> = [];
    const fresh: Claim[] = [];
    for (const record of records) {
      const claim = this.#entered(record, claims);
      claims.push(claim);
      if (claim !== undefined && claim.state === 'open' && this.#take(claim)) fresh.push(claim);
    }
    if (fresh.length > 0) this.#ask(fresh);
    return claims.every((claim) => claim === undefined || this.#isSettled(claim))
      ? claims
      : this.#settle(claims, waiter.signal);
  }

  /** The record is handled. */
  finish(claim: Claim): void {
    if (claim.state !== 'first') return;
    claim.end('finished');
    this.#saver.finished(claim);
  }

  /** The record is not handled: its id is free again. */
  release(claim: Claim): void {
    if (claim.state !== 'first') return;
    claim.end('released');
    this.#saver.released(claim);
  }

  /** Resolves when the store knows everything finished so far, rejects when it is down. Undefined: it does already. */
  saved(): Promise<void> | undefined {
    return this.#saver.isIdle ? undefined : this.#saver.saved();
  }

  /** Index of the first record that has no id, or none that can be read; -1 when all have one. */
  indexWithoutId(records: readonly KafkaRecord[]): number {
    return records.findIndex((record) => {
      try {
        this.#create(record);
        return false;
      } catch {
        return true;
      }
    });
  }

  #entered(record: KafkaRecord, before: Claims): Claim | undefined {
    const claim = this.#prepared.get(record) ?? this.#create(record);
    this.#prepared.delete(record);
    if (claim === undefined) return undefined;
    const holder = this.#table.holderOf(claim);
    if (holder === undefined || holder === claim) return claim;
    if (before.includes(holder)) {
      // Twice in one batch: if the batch fails both come again.
      claim.state = 'done';
      return claim;
    }
    if (this.#prepared.get(holder.record) !== holder) return claim;
    // Claimed for a record that has not begun: this one takes its place, for waiting could mean waiting for itself.
    this.#prepared.set(holder.record, new Claim(holder.record, holder.scope, holder.id));
    return holder;
  }

  #tryCreate(record: KafkaRecord): Claim | undefined {
    try {
      return this.#create(record);
    } catch {
      return undefined; // found again, and reported, when the record is handled
    }
  }

  #create(record: KafkaRecord): Claim | undefined {
    const id = this.#options.idOf(record);
    return id === undefined ? undefined : new Claim(record, this.#options.scopeOf(record), id);
  }

  /** Makes it the claim on its id, unless somebody here has one. */
  #take(claim: Claim): boolean {
    const holder = this.#table.holderOf(claim);
    if (holder !== undefined && holder !== claim) {
      if (holder.state !== 'released') return false;
      this.#saver.reclaimed(holder);
    }
    this.#table.set(claim);
    return true;
  }

  /** A duplicate of one that was finished here is known before the store knows. */
  #isSettled(claim: Claim): boolean {
    if (claim.state === 'first' || claim.state === 'done') return true;
    const holder = this.#table.holderOf(claim);
    if (holder === undefined || holder === claim || holder.state !== 'finished') return false;
    claim.state = 'done';
    return true;
  }

  async #settle(claims: Claims, signal: AbortSignal): Promise<Claims> {
    try {
      for (const claim of claims) {
        for (let tries = 1; claim !== undefined && !this.#isSettled(claim); tries++) {
          if (signal.aborted) throw signal.reason as Error;
          await this.#goOn(claim, tries, signal);
        }
      }
      return claims;
    } catch (error) {
      for (const claim of claims) if (claim !== undefined) this.#giveUp(claim);
      throw error;
    }
  }

  /** One step towards an answer. */
  async #goOn(claim: Claim, tries: number, signal: AbortSignal): Promise<void> {
    const { clock, whenDown } = this.#options;
    const holder = this.#table.holderOf(claim);
    if (holder !== undefined && holder !== claim && holder.state !== 'released') {
      await untilAborted(holder.ended(), signal);
    } else if (claim.answered !== undefined) {
      await untilAborted(claim.answered, signal);
    } else {
      const { error, state } = claim;
      claim.error = undefined;
      if (error !== undefined && whenDown === 'fail') throw error;
      if (error !== undefined) await sleep(clock, this.#backoff(tries), signal);
      else if (state === 'in-progress') await sleep(clock, LOOK_AGAIN_MS, signal);
      if (!signal.aborted && this.#take(claim)) this.#ask([claim]);
    }
  }

  /** Asks the store; in the end each claim has its answer, or an error. */
  #ask(claims: readonly Claim[]): void {
    const { store, claimant } = this.#options;
    const groups = groupsOf(claims);
    // In the order of the groups, as the answers come.
    const order = groups.length === 1 ? claims : groups.flatMap((group) => group.claims);
    this.#watchLeases();
    let answers: ReturnType<DedupStore['claim']>;
    try {
      answers = store.claim(groups, claimant);
    } catch (error) {
      this.#unanswered(order, error);
      return;
    }
    if (!(answers instanceof Promise)) {
      this.#heard(order, answers);
      return;
    }
    const answered = answers.then(
      (known) => this.#heard(order, known),
      (error: unknown) => this.#unanswered(order, error),
    );
    for (const claim of claims) {
      claim.state = 'asked';
      claim.answered = answered;
    }
  }

  /** Stores may be anybody's: one that leaves ids out has not answered. */
  #heard(claims: readonly Claim[], answers: readonly ClaimAnswer[]): void {
    if (answers.length === claims.length && answers.every((answer) => ANSWERS.has(answer))) {
      this.#answered(claims, answers);
      return;
    }
    const said = JSON.stringify(answers)?.slice(0, 100);
    this.#unanswered(claims, new Error(`it was asked for ${claims.length} ids and says ${said}`));
  }

  #answered(claims: readonly Claim[], answers: readonly ClaimAnswer[]): void {
    for (let at = 0; at < claims.length; at++) {
      const claim = claims[at]!;
      claim.answered = undefined;
      const isGivenUp = claim.state === 'released';
      claim.state = answers[at]!;
      // Nothing is held for it: whoever has the same id asks for itself.
      if (claim.state !== 'first') this.#table.delete(claim);
      else if (isGivenUp && this.#table.holderOf(claim) === claim) this.release(claim);
    }
    this.#outage.up();
  }

  #unanswered(claims: readonly Claim[], cause: unknown): void {
    this.#outage.down(cause);
    const { listener } = this.#options;
    const message = `the store of message ids of listener '${listener}' does not answer: ${messageOf(cause)}`;
    const error = new NestdawError('KAFKA_STORE_FAILED', message, { cause, retriable: true });
    for (const claim of claims) {
      this.#table.delete(claim);
      claim.answered = undefined;
      if (claim.state === 'released') continue;
      claim.state = 'open';
      claim.error = error;
    }
  }

  /** Nobody waits for it any more, whatever the store will say. */
  #giveUp(claim: Claim): void {
    if (claim.state === 'first') this.release(claim);
    else if (claim.state === 'asked') claim.end('released');
    else if (claim.state === 'open' || claim.state === 'in-progress') this.#table.delete(claim);
  }

  /** Claims that are held for longer than a part of their lease are prolonged. */
  #watchLeases(): void {
    if (this.#isLocal || this.#renewal !== undefined) return;
    const { clock, claimant } = this.#options;
    this.#renewal = clock.schedule(claimant.leaseMs / 3, () => {
      this.#renewal = undefined;
      if (this.#table.isEmpty) return;
      this.#watchLeases();
      const held = this.#table.held();
      if (held.length > 0) void this.#renew(held);
    });
  }

  async #renew(held: readonly Claim[]): Promise<void> {
    const { store, claimant } = this.#options;
    try {
      await store.renew(groupsOf(held), claimant);
    } catch (error) {
      this.#outage.down(error);
    }
  }
}

/** Resolves with the promise, or when the signal fires. */
function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      signal.removeEventListener('abort', end);
      resolve();
    };
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    void promise.then(end);
  });
}
