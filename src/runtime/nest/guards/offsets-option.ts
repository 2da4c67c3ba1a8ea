import { type Clock } from '../../../common/clock.js';
import { type Logger } from '../../../common/logger.js';
import { type ExternalOffsetsOptions } from '../../../decorators/external-offsets.js';
import { parseBoolean, parseChoice } from '../../config/formats.js';
import { type KafkaProperties } from '../../config/kafka-properties.js';
import { ExternalOffsets, type OffsetConvention } from '../../offsets/external-offsets.js';
import { type OffsetStore } from '../../offsets/offset-store.js';
import { OffsetsInTransaction } from '../../offsets/offsets-in-transaction.js';
import { isSqlOffsetStore, type SqlOffsetStore } from '../../offsets/sql-offset-store.js';
import { type EndpointNumbers } from '../declarations/endpoint-options.js';
import { type OptionReader } from '../option-reader.js';
import { type ProviderLookup } from '../provider-lookup.js';
import { DatabasePatience } from './database-patience.js';
import { refuseManual } from './idempotent-option.js';
import { type SqlUnit } from './sql-invoker.js';
import { type StoreShelf } from './store-shelf.js';

// `@ExternalOffsets` of a listener, worked out.

export interface OffsetsQuestion {
  readonly read: OptionReader;
  readonly own: ExternalOffsetsOptions | false | undefined;
  readonly listener: string;
  readonly endpoint: EndpointNumbers;
  readonly properties: KafkaProperties;
  readonly lookup: ProviderLookup;
  readonly shelf: StoreShelf;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface OffsetsElsewhere {
  readonly offsets?: ExternalOffsets;
  readonly unit?: SqlUnit;
  /** When they are stored, where it is not as the listener's ack mode says. */
  readonly commits?: CommitTimes;
}

type CommitTimes = Partial<Pick<EndpointNumbers, 'ackMode' | 'ackTimeMs'>>;

/** Longer than any process lives, and short enough for a timer. */
const NEVER_MS = 0x7fff_ffff;

export function externalOffsetsOf(question: OffsetsQuestion): OffsetsElsewhere {
  const { read, own, endpoint, listener, properties, clock, logger } = question;
  const configured = properties.get('listener.offset-store');
  if (own === false || (own === undefined && (configured === 'kafka' || endpoint.groupId === ''))) return {};
  const reference = typeof own?.store === 'string' ? read.text('offsets.store', own.store) : own?.store;
  if (endpoint.groupId === '') {
    read.mistake('groupId', undefined, 'offsets are stored by group; give the listener one');
    return {};
  }
  const store = question.shelf.offsets(reference ?? configured, {
    wanted: {
      origin: read.where,
      option: 'offsets.store',
      allowed: 'file, redis, or a provider that is a client of Redis or SQL, or an OffsetStore',
    },
    lookup: question.lookup,
    properties,
    mistakes: read.mistakes,
  });
  const convention =
    read.parsed<OffsetConvention>(
      'offsets.convention',
      own?.convention as OffsetConvention | undefined,
      (text) => parseChoice(text, ['next', 'last']),
      'next, last',
    ) ?? 'next';
  if (store === undefined) return {};
  const commits = commitsOf(read, own);
  const common = { listener, group: endpoint.groupId, convention, clock, logger };
  if (!(read.parsed<boolean>('offsets.transaction', own?.transaction, parseBoolean, 'true or false') ?? false)) {
    return { offsets: new ExternalOffsets({ ...common, store }), commits };
  }
  if (!isPossibleInTransaction(read, store, endpoint)) return {};
  const advancing: OffsetStore = {
    load: (group, partitions, claims) => store.load(group, partitions, claims),
    store: (group, offsets) => store.advance(group, offsets),
  };
  const offsets = new ExternalOffsets({ ...common, store: advancing });
  return {
    offsets,
    commits,
    unit: {
      database: store.database,
      patience: new DatabasePatience({ listener, clock, logger }),
      offsets: new OffsetsInTransaction(store, offsets),
    },
  };
}

function commitsOf(read: OptionReader, own: ExternalOffsetsOptions | undefined): CommitTimes {
  const when = read.parsed(
    'offsets.when',
    own?.when as 'commit' | 'revoke' | undefined,
    (text) => parseChoice(text, ['commit', 'revoke']),
    'commit, revoke',
  );
  return when === 'revoke' ? { ackMode: 'TIME', ackTimeMs: NEVER_MS } : {};
}

function isPossibleInTransaction(
  read: OptionReader,
  store: OffsetStore,
  endpoint: EndpointNumbers,
): store is SqlOffsetStore {
  const before = read.mistakes.length;
  if (!isSqlOffsetStore(store)) {
    read.mistake(
      'offsets.transaction',
      'true',
      'needs a store in SQL; give the pool or ORM of the database as its store',
    );
  }
  if (endpoint.workers !== undefined && endpoint.order !== 'partition') {
    const problem =
      "one offset cannot tell what is finished out of order; take order 'partition', or leave workers out";
    read.mistake('offsets.transaction', 'true', problem);
  }
  if (endpoint.threads !== undefined) {
    read.mistake('offsets.transaction', 'true', 'the transaction would be in another thread; leave threads out');
  }
  refuseManual(read, endpoint);
  return read.mistakes.length === before;
}
