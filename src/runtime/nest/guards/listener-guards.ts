import { type KafkaProperties } from '../../config/kafka-properties.js';
import { type DedupGuard } from '../../dedup/dedup-guard.js';
import { SequenceGuard } from '../../dedup/sequence-guard.js';
import { type ListenerEndpoint } from '../../listener/listener-endpoint.js';
import { type EndpointNumbers } from '../declarations/endpoint-options.js';
import { type ListenerConnection, type ListenerDeclaration } from '../declarations/listener-declaration.js';
import { isManual } from '../handlers/handler-factory.js';
import { idempotentBatch, idempotentRecord } from './idempotent-invoker.js';
import { idempotenceOf } from './idempotent-option.js';
import { inboxOf } from './inbox-option.js';
import { externalOffsetsOf, type OffsetsQuestion } from './offsets-option.js';
import { type SqlUnit, sqlBatch, sqlRecord } from './sql-invoker.js';
import { transactionsOf } from './transaction-option.js';

// What stands around a listener's handler so that records count once, or come in safely: message ids, offsets kept
// elsewhere, Kafka's transactions, an inbox; and which of them go together.

type Handler = ListenerEndpoint['handler'];

/** What all of them are asked with. */
type KeptElsewhere = Omit<OffsetsQuestion, 'own' | 'endpoint'>;

export interface GuardQuestion {
  readonly kept: KeptElsewhere;
  readonly declaration: ListenerDeclaration;
  readonly connection: ListenerConnection;
  readonly numbers: EndpointNumbers;
  readonly properties: KafkaProperties;
  readonly notices: string[];
}

export class ListenerGuards {
  /** What the endpoint has more, or other, because of them. */
  readonly parts: Partial<ListenerEndpoint>;
  readonly neededTopics: NonNullable<ReturnType<typeof idempotenceOf>['topics']>;
  readonly rebalanceListeners: NonNullable<ReturnType<typeof idempotenceOf>['rebalanceListeners']>;
  readonly #ackMode: string;
  readonly #guard: DedupGuard | undefined;
  readonly #unit: SqlUnit | undefined;

  constructor({ kept, declaration, connection, numbers, properties, notices }: GuardQuestion) {
    const { options, source } = declaration;
    const { read, listener, logger } = kept;
    const elsewhere = externalOffsetsOf({ ...kept, own: options.offsets, endpoint: numbers });
    const counted = { ...numbers, ...elsewhere.commits };
    const wanted = { own: options.idempotent, common: connection.idempotent };
    const ids = idempotenceOf({ ...kept, ...wanted, endpoint: counted, connection });
    const asked = {
      isGuarded: ids.guard !== undefined,
      hasOwnOffsets: elsewhere.offsets !== undefined,
      properties,
      listenerTransactions: connection.listenerTransactions,
    };
    const transactions = transactionsOf(read, options, source, numbers, asked, notices);
    const inbox = inboxOf(read, options, listener, numbers);
    if (inbox && (transactions.transactions || elsewhere.offsets)) {
      const problem = 'keeps offsets by itself; leave the transaction, or the store of offsets, out';
      read.mistake('inbox', undefined, problem);
    }
    const header = options.sequence && (read.text('sequence.header', options.sequence.header) ?? 'sequence-id');
    const arrivals = header ? new SequenceGuard({ listener, header, logger }) : undefined;
    this.parts = { ...elsewhere.commits, ...transactions, inbox, offsets: elsewhere.offsets, arrivals };
    this.neededTopics = ids.topics ?? [];
    this.rebalanceListeners = ids.rebalanceListeners ?? [];
    this.#ackMode = numbers.ackMode;
    this.#guard = ids.guard;
    this.#unit = oneUnit(kept, ids.unit, elsewhere.unit);
  }

  /** Whether handlers run in a SQL transaction. */
  get hasSql(): boolean {
    return this.#unit !== undefined;
  }

  /** The handler inside of its SQL transaction. */
  inSql(handler: Handler): Handler {
    return this.#unit ? inSqlUnit(handler, this.#unit) : handler;
  }

  /** The same for records that come by way of retry topics, whose groups keep their offsets in Kafka. */
  inSqlOfRetries(handler: Handler): Handler {
    if (!this.#unit) return handler;
    const { offsets: _offsets, ...ids } = this.#unit;
    return inSqlUnit(handler, ids as SqlUnit);
  }

  /** The handler behind the claim of message ids. */
  behindClaims(handler: Handler): Handler {
    const guard = this.#guard;
    if (!guard) return handler;
    const manual = isManual(this.#ackMode);
    if (handler.kind === 'record') return { kind: 'record', invoke: idempotentRecord(handler.invoke, guard, manual) };
    return { kind: 'batch', invoke: idempotentBatch(handler.invoke, guard, manual) };
  }

  /** The endpoint with its handler behind the claims, which hear of records as they come and go. */
  around(endpoint: ListenerEndpoint): ListenerEndpoint {
    if (!this.#guard) return endpoint;
    return { ...endpoint, handler: this.behindClaims(endpoint.handler), keeper: this.#guard };
  }
}

/** Ids and offsets in one transaction, which they can only share in one database. */
function oneUnit({ read }: KeptElsewhere, ids: SqlUnit | undefined, offsets: SqlUnit | undefined): SqlUnit | undefined {
  if (ids === undefined || offsets === undefined) return ids ?? offsets;
  if (ids.database !== offsets.database) {
    const problem = 'is another database than that of the message ids; give both the same client';
    read.mistake('offsets.store', undefined, problem);
  }
  return { ...offsets, ...ids };
}

function inSqlUnit(handler: Handler, unit: SqlUnit): Handler {
  if (handler.kind === 'record') return { kind: 'record', invoke: sqlRecord(handler.invoke, unit) };
  return { kind: 'batch', invoke: sqlBatch(handler.invoke, unit) };
}
