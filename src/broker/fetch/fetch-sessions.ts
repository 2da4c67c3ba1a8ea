import { type Clock } from '../../common/clock.js';
import { type Random } from '../../common/random.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import { type FetchRequest, type FetchResponse } from '../../protocol/messages/01-fetch.js';
import { type FetchAnswer, type FetchItem, grouped, itemsOf } from './fetch-item.js';
import { FetchSession } from './fetch-session.js';

// The sessions of all clients, in a bounded number of slots, and what a request means to them: none, a new one, one
// that goes on, or an error. They belong to the broker, not to a connection: a client that reconnects goes on.

export interface FetchSessionsOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** max.incremental.fetch.session.cache.slots; 0 keeps none. */
  readonly slots: number;
}

/** One fetch on its way: what to read, and the answer made of what was read. */
export interface FetchContext {
  readonly errorCode: number;
  readonly items: readonly FetchItem[];
  /** `answers` in the order of `items`. */
  respond(answers: readonly FetchAnswer[]): FetchResponse;
}

/** A session without use for so long gives its slot away, and one so old gives it to a larger one. */
const EVICTION_MS = 120_000;
const FINAL_EPOCH = -1;
const INITIAL_EPOCH = 0;
const IDS_FROM = 13;
const NO_SESSION = 0;

export class FetchSessions {
  readonly #options: FetchSessionsOptions;
  /** The one unused for the longest first. */
  readonly #sessions = new Map<number, FetchSession>();

  constructor(options: FetchSessionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  open(request: FetchRequest, apiVersion: number): FetchContext {
    const { sessionId, sessionEpoch } = request;
    const usesTopicIds = apiVersion >= IDS_FROM;
    if (sessionEpoch !== FINAL_EPOCH && sessionEpoch !== INITIAL_EPOCH) return this.#goOn(request, usesTopicIds);
    // Whoever begins anew, or ends, has no use for the old one.
    this.#sessions.delete(sessionId);
    return sessionEpoch === FINAL_EPOCH ? sessionless(itemsOf(request.topics)) : this.#begin(request, usesTopicIds);
  }

  #begin({ topics }: FetchRequest, usesTopicIds: boolean): FetchContext {
    const wanted = itemsOf(topics);
    const items = [...wanted.values()];
    return {
      errorCode: ErrorCode.NONE,
      items,
      respond: (answers) => {
        const session = this.#create(wanted.size, usesTopicIds);
        session?.begin(wanted, answers);
        return response(session?.id ?? NO_SESSION, items, answers);
      },
    };
  }

  #goOn(request: FetchRequest, usesTopicIds: boolean): FetchContext {
    const session = this.#sessions.get(request.sessionId);
    if (!session) return failed(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    if (session.epoch !== request.sessionEpoch) return failed(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    if (session.usesTopicIds !== usesTopicIds) return failed(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
    session.update(itemsOf(request.topics), request.forgottenTopicsData);
    this.#sessions.delete(session.id);
    if (session.size === 0) return sessionless(new Map());
    this.#sessions.set(session.id, session);
    session.lastUsedAt = this.#options.clock.monotonic();
    session.nextEpoch();
    return { errorCode: ErrorCode.NONE, items: session.items(), respond: answerIn(session) };
  }

  #create(size: number, usesTopicIds: boolean): FetchSession | undefined {
    const { clock, slots } = this.#options;
    const now = clock.monotonic();
    if (slots <= 0 || (this.#sessions.size >= slots && !this.#evict(size, now))) return undefined;
    const session = new FetchSession(this.#newId(), usesTopicIds, now);
    this.#sessions.set(session.id, session);
    return session;
  }

  /** Makes room for a session of `size` partitions; false when every other has the better claim to its slot. */
  #evict(size: number, now: number): boolean {
    const [oldest] = this.#sessions.values();
    if (oldest && now - oldest.lastUsedAt > EVICTION_MS) return this.#sessions.delete(oldest.id);
    let smallest: FetchSession | undefined;
    for (const session of this.#sessions.values()) {
      const isOld = now - session.createdAt > EVICTION_MS;
      if (isOld && (!smallest || session.size < smallest.size)) smallest = session;
    }
    return smallest !== undefined && smallest.size < size && this.#sessions.delete(smallest.id);
  }

  #newId(): number {
    for (;;) {
      const id = 1 + Math.floor(this.#options.random.next() * 0x7fff_fffe);
      if (!this.#sessions.has(id)) return id;
    }
  }
}

function sessionless(wanted: ReadonlyMap<string, FetchItem>): FetchContext {
  const items = [...wanted.values()];
  return { errorCode: ErrorCode.NONE, items, respond: (answers) => response(NO_SESSION, items, answers) };
}

function failed(errorCode: number): FetchContext {
  return { errorCode, items: [], respond: () => ({ ...response(NO_SESSION, [], []), errorCode }) };
}

function answerIn(session: FetchSession) {
  const items = session.items();
  const expected = session.epoch;
  return (answers: readonly FetchAnswer[]): FetchResponse => {
    if (session.epoch !== expected) {
      // Another request of the session overtook this one while it waited: what it told must not be told again.
      return { ...response(session.id, [], []), errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH };
    }
    const told: FetchItem[] = [];
    const news: FetchAnswer[] = [];
    for (const [i, item] of items.entries()) {
      const answer = answers[i]!;
      if (!session.tell(item, answer)) continue;
      told.push(item);
      news.push(answer);
    }
    return response(session.id, told, news);
  };
}

function response(sessionId: number, items: readonly FetchItem[], answers: readonly FetchAnswer[]): FetchResponse {
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, sessionId, responses: grouped(items, answers) };
}
