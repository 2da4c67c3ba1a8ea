import { type Clock } from '../../../common/clock.js';
import { type Logger } from '../../../common/logger.js';
import { randomUuid, systemRandom } from '../../../common/random.js';
import { type KafkaRecord } from '../../../common/record.js';
import { type IdempotentOptions, type IdempotentWindow } from '../../../decorators/idempotent.js';
import { type NeededTopic } from '../../client/admin/needed-topics.js';
import { parseDuration, parseInteger } from '../../config/formats.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { textHeader } from '../../dead-letters/header-bytes.js';
import { RETRY_TOPIC_HEADERS } from '../../dead-letters/header-names.js';
import { DedupGuard } from '../../dedup/dedup-guard.js';
import { type DedupStore, type DedupWindow } from '../../dedup/dedup-store.js';
import { type IdReader, idMistake, idReader, requiredId } from '../../dedup/message-id.js';
import { isSqlDedupStore } from '../../dedup/sql-dedup-store.js';
import { SqlIds } from '../../dedup/sql-ids.js';
import { TopicDedupStore } from '../../dedup/topic-dedup-store.js';
import { type KafkaRebalanceListener } from '../../listener/partitions/rebalance-callbacks.js';
import { type EndpointNumbers } from '../declarations/endpoint-options.js';
import { type ListenerConnection } from '../declarations/listener-declaration.js';
import { type OptionReader } from '../option-reader.js';
import { type ProviderLookup } from '../provider-lookup.js';
import { DatabasePatience } from './database-patience.js';
import { type SqlUnit } from './sql-invoker.js';
import { type StoreShelf } from './store-shelf.js';

// `@Idempotent` of a listener, worked out: its own options over those of the module over the configuration.

export interface IdempotentQuestion {
  readonly read: OptionReader;
  readonly own: boolean | IdempotentOptions | undefined;
  /** What the module says for all listeners. */
  readonly common: IdempotentOptions | undefined;
  readonly listener: string;
  readonly endpoint: EndpointNumbers;
  readonly properties: KafkaProperties;
  readonly lookup: ProviderLookup;
  readonly shelf: StoreShelf;
  readonly connection: Pick<ListenerConnection, 'sendRecord' | 'logs'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What stands before the handler: a guard with claims, or a transaction that the ids are written in. */
export interface Idempotence {
  readonly guard?: DedupGuard;
  readonly unit?: SqlUnit;
  /** Told about partitions before the listener is. */
  readonly rebalanceListeners?: readonly KafkaRebalanceListener[];
  readonly topics?: readonly NeededTopic[];
}

const DEFAULT_ID = '#header:message-id';
const DEFAULT_WINDOW = 1_000;
/** As the container bounds the records of a partition that wait and run in a pool. */
const POOL_BUDGET = 2_000;

export function idempotenceOf(question: IdempotentQuestion): Idempotence {
  const { read, endpoint, listener, properties, clock, logger } = question;
  const given = optionsOf(question);
  if (given === undefined) return {};
  const idOf = idOption(question, given);
  const window = windowOf(question, given);
  const leaseMs = leaseOf(read, given.lease) ?? properties.get('listener.idempotent.lease');
  const reference = typeof given.store === 'string' ? read.text('idempotent.store', given.store) : given.store;
  const named = reference ?? properties.get('listener.idempotent.store');
  if (named === 'topic') return inTopic(question, given, { idOf, window, leaseMs });
  const store = question.shelf.dedup(named, {
    wanted: {
      origin: read.where,
      option: 'idempotent.store',
      allowed: 'memory, redis, or a provider that is a client of Redis or SQL, or a DedupStore',
    },
    lookup: question.lookup,
    properties,
    mistakes: read.mistakes,
  });
  if (store === undefined || idOf === undefined || window === undefined) return {};
  const scopeOf = scopes(question, given);
  if (isSqlDedupStore(store)) {
    refuseManual(read, endpoint);
    return {
      unit: {
        database: store.database,
        patience: given.whenDown === 'fail' ? undefined : new DatabasePatience({ listener, clock, logger }),
        ids: new SqlIds({ listener, store, idOf, scopeOf, window, clock, logger }),
      },
    };
  }
  return { guard: guardOf(question, given, store, { idOf, window, leaseMs }) };
}

interface GuardParts {
  readonly idOf: IdReader | undefined;
  readonly window: DedupWindow | undefined;
  readonly leaseMs: number;
}

function guardOf(
  question: IdempotentQuestion,
  given: IdempotentOptions,
  store: DedupStore,
  { idOf, window, leaseMs }: GuardParts,
): DedupGuard {
  const { listener, clock, logger } = question;
  const claimant = { owner: randomUuid(systemRandom), leaseMs };
  const whenDown = given.whenDown ?? 'wait';
  const scopeOf = scopes(question, given);
  return new DedupGuard({ listener, store, idOf: idOf!, scopeOf, window: window!, claimant, whenDown, clock, logger });
}

/** Ids in compacted topics of the group's, one for each topic that it reads, with as many partitions. */
function inTopic(question: IdempotentQuestion, given: IdempotentOptions, parts: GuardParts): Idempotence {
  const { endpoint, read, connection, clock } = question;
  const { groupId, topics } = endpoint;
  if (parts.idOf === undefined || parts.window === undefined) return {};
  if (groupId === '' || topics.length === 0) {
    const problem = 'needs a group, and topics by name: its ids stand in a topic of the group';
    read.mistake('idempotent.store', 'topic', problem);
    return {};
  }
  // Records of retry topics have the partition of the first one, and their ids stand with its ids.
  const journalOf = (topic: string) => {
    const own = topics.includes(topic) ? topic : topics[0]!;
    return `${groupId.replace(/[^a-zA-Z0-9._-]/g, '_')}.${own}.message-ids`.slice(-249);
  };
  const store = new TopicDedupStore(
    {
      append: ({ topic, partition }, record) => connection.sendRecord(journalOf(topic), partition, record),
      read: (partitions, visit) =>
        connection.logs.readLogs(
          partitions.map(({ topic, partition }) => ({ topic: journalOf(topic), partition })),
          visit,
        ),
    },
    parts.window,
    clock,
  );
  const configs = { 'cleanup.policy': 'compact' };
  return {
    guard: guardOf(question, given, store, parts),
    rebalanceListeners: [{ isPatient: true, onPartitionsAssigned: (partitions) => store.restore(partitions) }],
    topics: topics.map((as) => ({ name: journalOf(as), as, configs, grows: true })),
  };
}

/** The transaction commits after the handler returned; an acknowledgment within it would come before. */
export function refuseManual(read: OptionReader, { ackMode }: EndpointNumbers): void {
  if (ackMode !== 'MANUAL' && ackMode !== 'MANUAL_IMMEDIATE') return;
  read.mistake('ackMode', ackMode, 'acknowledges before the SQL transaction commits; take BATCH, or leave it out');
}

function optionsOf({ own, common, properties }: IdempotentQuestion): IdempotentOptions | undefined {
  if (own === false) return undefined;
  const id = properties.get('listener.idempotent.id');
  if (own === undefined && common === undefined && id === undefined) return undefined;
  return { ...(id === undefined ? {} : { id }), ...common, ...(typeof own === 'object' ? own : {}) };
}

function idOption({ read, listener }: IdempotentQuestion, given: IdempotentOptions): IdReader | undefined {
  const id = typeof given.id === 'function' ? given.id : read.text('idempotent.id', given.id ?? DEFAULT_ID);
  if (id === undefined) return undefined;
  const mistake = typeof id === 'string' ? idMistake(id) : undefined;
  if (mistake !== undefined) {
    const allowed = '#header:name, #key, a property of the payload, topic-partition-offset, or a function';
    read.mistake('idempotent.id', id as string, `${mistake}; allowed: ${allowed}`);
    return undefined;
  }
  const reader = idReader(id);
  return given.missing === 'handle' ? reader : requiredId(reader, listener);
}

function leaseOf(read: OptionReader, given: number | string | undefined): number | undefined {
  const inRange = (text: string) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms >= 1_000 && ms <= 3_600_000 ? ms : undefined;
  };
  return read.parsed('idempotent.lease', given, inRange, 'a duration from 1s to 1h');
}

/** Ids of different groups, and of different topics, have nothing to do with each other. */
function scopes(
  { read, endpoint, listener }: IdempotentQuestion,
  given: IdempotentOptions,
): (record: KafkaRecord) => string {
  const fixed = read.text('idempotent.scope', given.scope);
  if (fixed !== undefined) return () => fixed;
  // Without a group every process handles every record, and so does every start.
  const owner = endpoint.groupId || `${listener}-${randomUuid(systemRandom)}`;
  const known = new Map<string, string>();
  const own = new Set(endpoint.topics);
  return (record) => {
    // A record that comes again through a retry topic is the same message.
    const topic = own.has(record.topic) ? record.topic : (originalTopicOf(record) ?? record.topic);
    let scope = known.get(topic);
    if (scope === undefined) {
      scope = `${owner}/${topic}`;
      known.set(topic, scope);
    }
    return scope;
  };
}

function originalTopicOf(record: KafkaRecord): string | undefined {
  return textHeader(record, RETRY_TOPIC_HEADERS.topic);
}

function windowOf(question: IdempotentQuestion, given: IdempotentOptions): DedupWindow | undefined {
  const { read, properties } = question;
  const asked = asWindow(given.window);
  const count = wholeOf(read, asked.count) ?? properties.get('listener.idempotent.window-count');
  const timeMs = read.duration('idempotent.window', asked.time) ?? properties.get('listener.idempotent.window-time');
  const { records, ms } = redelivered(question);
  if (count === undefined && timeMs === undefined) {
    return { count: Math.max(DEFAULT_WINDOW, 2 * records), timeMs: ms === undefined ? undefined : 2 * ms + 60_000 };
  }
  // What is redelivered after a crash must still be known, or it is handled twice.
  if (timeMs === undefined && count! <= records) {
    const problem = `up to ${records} records of a partition can be redelivered; give a window of more ids than that`;
    read.mistake('idempotent.window', String(count), problem);
    return undefined;
  }
  if (ms !== undefined && timeMs === undefined) {
    const problem = `all that was handled since the last commit can be redelivered, ${ms} ms; give a window of time`;
    read.mistake('idempotent.window', String(count), problem);
    return undefined;
  }
  return { count, timeMs };
}

function asWindow(given: IdempotentOptions['window']): IdempotentWindow {
  if (given === undefined) return {};
  if (typeof given === 'object') return given;
  if (typeof given === 'number') return { count: given };
  return /^\d+$/.test(given.trim()) ? { count: given } : { time: given };
}

function wholeOf(read: OptionReader, count: number | string | undefined): number | undefined {
  const inRange = (text: string) => {
    const number = parseInteger(text);
    return number !== undefined && number >= 1 && number <= 1_000_000 ? number : undefined;
  };
  return read.parsed('idempotent.window', count, inRange, 'a number of ids from 1 to 1000000');
}

/** The most records of one partition that a crash makes come again, and the time between commits where that counts. */
function redelivered({ endpoint, properties }: IdempotentQuestion): { readonly records: number; readonly ms?: number } {
  const { ackMode, ackCount, ackTimeMs, workers } = endpoint;
  const polled = properties.get('consumer.max-poll-records') + (workers === undefined ? 0 : POOL_BUDGET);
  const counts = ackMode === 'COUNT' || ackMode === 'COUNT_TIME';
  return {
    records: polled + (counts ? ackCount : 0),
    ...(ackMode === 'TIME' ? { ms: ackTimeMs } : {}),
  };
}
