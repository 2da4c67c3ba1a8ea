import { type Clock, sleep, systemClock } from '../../common/clock.js';
import { NestdawError } from '../../common/errors.js';
import { type Random, randomUuid, systemRandom } from '../../common/random.js';
import { type KafkaRecord, type OutgoingRecord } from '../../common/record.js';
import { type TopicPartition } from '../../common/topic-partition.js';
import { type RecordMetadata } from '../client/producer-client.js';
import {
  DEAD_LETTER_STATES,
  type DeadLetter,
  type DeadLetterState,
  deadLetterOf,
  idOf,
  ownHeaders,
  placeOf,
} from './dead-letter.js';
import { type DeadLetterFilter, matchesFilter } from './dead-letter-filter.js';
import { LEDGER_TOPIC, Ledger, type LedgerEntry } from './dead-letter-ledger.js';
import { DLT_SUFFIX } from './dead-letter-publishing-recoverer.js';
import { intBytes, shortestBytes } from './header-bytes.js';

// Dead letters as something to work with: looked through, shown, replayed, dropped.

/** What dead letters need of a cluster. */
export interface DeadLetterStore {
  /** Every topic, with its number of partitions. */
  topics(): Promise<ReadonlyMap<string, number>>;
  /** Calls `visit` for all that is there now, from an offset or a time on, until it returns false. */
  readLogs(
    ranges: ReadonlyArray<TopicPartition & { readonly from?: number | { readonly timestamp: number } }>,
    visit: (record: KafkaRecord) => unknown,
  ): Promise<void>;
  send(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<RecordMetadata>;
  /** Makes the topic of the ledger where it is missing. */
  makeLedger(topic: string): Promise<void>;
}

/**
 * Where replayed records go: `topic`, the one that they first failed in, where every group reads them again; or
 * `listener`, the first retry topic of the group that could not handle them, which nobody else reads.
 */
export type ReplayTarget = 'topic' | 'listener' | { readonly topic: string };

export interface ReplayOptions {
  /** Default `topic`. */
  readonly to?: ReplayTarget;
  /** Records a second, at most. Default: as fast as they are acknowledged. */
  readonly rate?: number;
  /** Also those that were replayed or dropped before, and those of a replay that did not end. Default false. */
  readonly again?: boolean;
  /** Told about each. */
  readonly onReplayed?: (letter: DeadLetter, to: RecordMetadata) => void;
  readonly signal?: AbortSignal;
}

export interface ReplayReport {
  readonly replayed: number;
  /** Somebody else had them first, or they had been replayed or dropped before. */
  readonly skipped: number;
}

export interface DeadLettersOptions {
  readonly store: DeadLetterStore;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Letters held beside those that are asked for. */
const MOST_BESIDE = 1_000;

/** Letters that are claimed together: after a crash so many may show as `replaying`. */
const CHUNK = 100;

interface ReplayOrder {
  readonly letter: DeadLetter;
  readonly topic: string;
}

/** Ids of letters, or a filter. */
export type DeadLetterSelection = readonly string[] | DeadLetterFilter;

/** The dead letters of a connection: injectable in an application, `nestdaw dlt` in the terminal. */
export class DeadLetters {
  readonly #store: DeadLetterStore;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor({ store, clock = systemClock, random = systemRandom }: DeadLettersOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#random = random;
  }

  /** The letters that a filter lets through, oldest first, at most `limit`. */
  async list(filter: DeadLetterFilter = {}, limit = Number.POSITIVE_INFINITY): Promise<DeadLetter[]> {
    let found: DeadLetter[] = [];
    const oldest = () => found.sort((a, b) => a.timestamp - b.timestamp || a.offset - b.offset).slice(0, limit);
    await this.#visit(filter, (letter) => {
      found.push(letter);
      // No more is held than will be given, and as much again.
      if (found.length >= 2 * limit + MOST_BESIDE) found = oldest();
    });
    return oldest();
  }

  /** How many letters of each topic a filter lets through. */
  async count(filter: DeadLetterFilter = {}): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    await this.#visit(filter, ({ topic }) => counts.set(topic, (counts.get(topic) ?? 0) + 1));
    return counts;
  }

  async #visit(filter: DeadLetterFilter, visit: (letter: DeadLetter) => unknown): Promise<void> {
    const ledger = await this.#ledger();
    const from = filter.since === undefined ? {} : { from: { timestamp: filter.since } };
    const ranges = (await this.#partitions(filter.topics)).map((partition) => ({ ...partition, ...from }));
    await this.#store.readLogs(ranges, (record) => {
      const letter = deadLetterOf(record, ledger.stateOf(idOf(record)));
      if (matchesFilter(letter, filter)) visit(letter);
    });
  }

  /** One letter by its id. Rejects with KAFKA_CONFIG_INVALID for what is no id, or not there (any more). */
  async show(id: string): Promise<DeadLetter> {
    const [letter] = await this.#byIds([id]);
    return letter!;
  }

  /**
   * Letters by their ids, whatever was done about them, or those that a filter lets through, in these states where it
   * names none. Default: those that nobody has dealt with, which is what `drop` takes.
   */
  async select(selection: DeadLetterSelection, states?: readonly DeadLetterState[]): Promise<DeadLetter[]> {
    if (Array.isArray(selection)) return this.#byIds(selection as readonly string[]);
    return this.list({ ...(states === undefined ? {} : { states }), ...(selection as DeadLetterFilter) });
  }

  /**
   * Sends letters again, each once: a letter that somebody else replays at the same time is left to whoever was first.
   * They are claimed, sent, and marked as replayed, one after another and oldest first. Should this process die in
   * between, the letter shows as `replaying`: nobody knows whether it was sent, `again` takes it.
   */
  async replay(selection: DeadLetterSelection, options: ReplayOptions = {}): Promise<ReplayReport> {
    const { to = 'topic', again = false } = options;
    const topics = to === 'listener' ? await this.#store.topics() : new Map<string, number>();
    const letters = await this.select(selection, again ? DEAD_LETTER_STATES : ['waiting']);
    const orders = letters.map((letter) => ({ letter, topic: this.#targetOf(letter, to, topics) }));
    const pace = new Pace(this.#clock, options.rate);
    const report = { replayed: 0, skipped: 0 };
    for (let at = 0; at < orders.length && !options.signal?.aborted; at += CHUNK) {
      const chunk = orders.slice(at, at + CHUNK);
      const { token, owned } = await this.#claim(chunk, again);
      report.skipped += chunk.length - owned.length;
      report.replayed += await this.#replayChunk(owned, token, pace, options);
    }
    return report;
  }

  /** Marks letters as dealt with, so that they are not listed and not replayed any more; their topic keeps them. */
  async drop(selection: DeadLetterSelection): Promise<number> {
    const letters = await this.select(selection);
    await this.#store.makeLedger(LEDGER_TOPIC);
    const token = randomUuid(this.#random);
    for (const { id } of letters) {
      await this.#write(id, { action: 'dropped', token, at: this.#clock.now(), again: true });
    }
    return letters.length;
  }

  async #byIds(ids: readonly string[]): Promise<DeadLetter[]> {
    const ledger = await this.#ledger();
    const letters: DeadLetter[] = [];
    const topics = await this.#store.topics();
    for (const id of ids) {
      const place = placeOf(id);
      if (place === undefined)
        throw new NestdawError(
          'KAFKA_CONFIG_INVALID',
          `'${id}' is no id of a dead letter; they look like orders-dlt-0@15`,
        );
      const { topic, partition, offset } = place;
      if ((topics.get(topic) ?? 0) <= partition) throw gone(id, `there is no ${topic}-${partition}`);
      let found: KafkaRecord | undefined;
      await this.#store.readLogs([{ topic, partition, from: offset }], (record) => {
        found = record;
        return false;
      });
      if (found?.offset !== offset) throw gone(id, 'its topic does not hold it (any more)');
      letters.push(deadLetterOf(found, ledger.stateOf(id)));
    }
    return letters;
  }

  /** Sends what was claimed. Claims that are not used are given back, but for one whose send may have happened. */
  async #replayChunk(owned: ReplayOrder[], token: string, pace: Pace, options: ReplayOptions): Promise<number> {
    const { to = 'topic', again = false, onReplayed, signal } = options;
    let done = 0;
    let begun = 0;
    try {
      for (const { letter, topic } of owned) {
        await pace.next(signal);
        if (signal?.aborted) break;
        begun++;
        const sent = await this.#send(letter, topic, to);
        await this.#write(letter.id, { action: 'replayed', token, at: this.#clock.now(), again });
        done++;
        onReplayed?.(letter, sent);
      }
    } finally {
      for (const { letter } of owned.slice(begun)) {
        await this.#store.send(LEDGER_TOPIC, 0, { key: Buffer.from(letter.id), value: null });
      }
    }
    return done;
  }

  /** Those of them that are ours to send: whose claim stands first in the ledger. */
  async #claim(orders: readonly ReplayOrder[], again: boolean): Promise<{ token: string; owned: ReplayOrder[] }> {
    const token = randomUuid(this.#random);
    const free = orders.filter(({ letter }) => again || letter.state === 'waiting');
    if (free.length === 0) return { token, owned: [] };
    await this.#store.makeLedger(LEDGER_TOPIC);
    const entry = { action: 'replaying', token, at: this.#clock.now(), again } as const;
    await Promise.all(free.map(({ letter }) => this.#write(letter.id, entry)));
    const ledger = await this.#ledger();
    return { token, owned: free.filter(({ letter }) => ledger.ownerOf(letter.id) === token) };
  }

  #write(id: string, entry: LedgerEntry): Promise<RecordMetadata> {
    return this.#store.send(LEDGER_TOPIC, 0, { key: Buffer.from(id), value: Buffer.from(JSON.stringify(entry)) });
  }

  #send(letter: DeadLetter, topic: string, to: ReplayTarget): Promise<RecordMetadata> {
    const headers = [...ownHeaders(letter.headers), { key: 'nestdaw_replay-of', value: Buffer.from(letter.id) }];
    if (to === 'listener') {
      const { timestamp } = letter.original;
      headers.push(
        { key: 'retry_topic-original-timestamp', value: shortestBytes(timestamp ?? letter.timestamp) },
        { key: 'retry_topic-attempts', value: intBytes(2) },
        { key: 'retry_topic-backoff-timestamp', value: shortestBytes(this.#clock.now()) },
      );
    }
    // Another topic may have fewer partitions.
    const partition = typeof to === 'object' ? undefined : letter.original.partition;
    return this.#store.send(topic, partition, { key: letter.key, value: letter.value, headers });
  }

  #targetOf({ id, original }: DeadLetter, to: ReplayTarget, topics: ReadonlyMap<string, number>): string {
    if (typeof to === 'object') return to.topic;
    const { topic } = original;
    if (topic === undefined) {
      throw new NestdawError(
        'KAFKA_CONFIG_INVALID',
        `${id} does not say where it came from; name a topic to replay it to`,
      );
    }
    if (to === 'topic') return topic;
    const retry = firstRetryTopic(topic, topics.keys());
    if (retry !== undefined) return retry;
    throw new NestdawError(
      'KAFKA_CONFIG_INVALID',
      `${topic} has no retry topic, so there is no way to its listener alone; replay ${id} to its topic`,
    );
  }

  async #ledger(): Promise<Ledger> {
    const ledger = new Ledger();
    if (!(await this.#store.topics()).has(LEDGER_TOPIC)) return ledger;
    await this.#store.readLogs([{ topic: LEDGER_TOPIC, partition: 0 }], (record) => ledger.read(record));
    return ledger;
  }

  async #partitions(wanted: readonly string[] | undefined): Promise<TopicPartition[]> {
    const topics = await this.#store.topics();
    const missing = wanted?.filter((topic) => !topics.has(topic)) ?? [];
    if (missing.length > 0) throw new NestdawError('KAFKA_CONFIG_INVALID', `there is no topic ${missing.join(', ')}`);
    const named = wanted ?? [...topics.keys()].filter((topic) => topic.endsWith(DLT_SUFFIX)).sort();
    return named.flatMap((topic) =>
      Array.from({ length: topics.get(topic)! }, (_, partition) => ({ topic, partition })),
    );
  }
}

/** Lets so many pass a second, evenly. */
class Pace {
  readonly #clock: Clock;
  readonly #periodMs: number;
  #next: number;

  constructor(clock: Clock, rate: number | undefined) {
    this.#clock = clock;
    this.#periodMs = rate === undefined ? 0 : 1_000 / rate;
    this.#next = clock.monotonic();
  }

  async next(signal: AbortSignal | undefined): Promise<void> {
    if (this.#periodMs === 0) return;
    const waitMs = this.#next - this.#clock.monotonic();
    if (waitMs > 0) await sleep(this.#clock, waitMs, signal);
    this.#next = Math.max(this.#next, this.#clock.monotonic()) + this.#periodMs;
  }
}

/** The topic that a record of this one goes to after its first failure, by the names that retry topics have. */
export function firstRetryTopic(topic: string, all: Iterable<string>): string | undefined {
  const prefix = `${topic}-retry`;
  const found = [...all].filter(
    (name) => name === prefix || /^-\d+$/.test(name.startsWith(prefix) ? name.slice(prefix.length) : ''),
  );
  return found.sort((a, b) => Number(a.slice(prefix.length + 1)) - Number(b.slice(prefix.length + 1)))[0];
}

function gone(id: string, why: string): NestdawError {
  return new NestdawError('KAFKA_CONFIG_INVALID', `there is no dead letter ${id}: ${why}`);
}
