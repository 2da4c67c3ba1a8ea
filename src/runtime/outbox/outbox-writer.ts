import { randomUUID } from 'node:crypto';
import { NestdawError } from '../../common/errors.js';
import { bytesOfData, NO_HEADERS, type OutgoingRecord } from '../../common/record.js';
import { currentSqlTransaction } from '../sql/current-transaction.js';
import { type SqlRunner } from '../sql/sql-database.js';
import { type FileOutboxStore } from './file-outbox-store.js';
import { type OutboxMessage } from './outbox-message.js';
import { SqlOutboxStore } from './sql-outbox-store.js';

// Where a record goes that a template would hand to its producer: into the outbox.

export interface OutboxWriterOptions {
  readonly store: SqlOutboxStore | FileOutboxStore;
  readonly messageIdHeader: string;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** Called when messages may be ready to be relayed. */
  readonly onWritten: () => void;
}

export class OutboxWriter {
  readonly #options: OutboxWriterOptions;
  readonly #transaction: SqlRunner | undefined;

  /** With a transaction: every record becomes part of that one, instead of the current one. */
  constructor(options: OutboxWriterOptions, transaction?: SqlRunner) {
    this.#options = options;
    this.#transaction = transaction;
  }

  within(transaction: SqlRunner): OutboxWriter {
    return new OutboxWriter(this.#options, transaction);
  }

  async write(topic: string, partition: number | undefined, record: OutgoingRecord): Promise<void> {
    const { store, onWritten } = this.#options;
    const message = this.#message(topic, partition, record);
    if (store instanceof SqlOutboxStore) await store.append(this.#openTransaction(topic), [message]);
    else {
      await store.append([message]);
      onWritten();
    }
  }

  #message(topic: string, partition: number | undefined, record: OutgoingRecord): OutboxMessage {
    const { messageIdHeader, now } = this.#options;
    const { key, value, headers = NO_HEADERS, timestamp = now() } = record;
    const own = headers.find((header) => header.key === messageIdHeader)?.value?.toString();
    const others = own === undefined ? headers : headers.filter((header) => header.key !== messageIdHeader);
    const bytes = { key: bytesOfData(key), value: bytesOfData(value) };
    return { messageId: own ?? randomUUID(), topic, partition, ...bytes, headers: others, timestamp };
  }

  /** One of its own would commit the message without the rows that it tells about. */
  #openTransaction(topic: string): SqlRunner {
    const transaction = this.#transaction ?? currentSqlTransaction();
    if (transaction) return transaction;
    throw new NestdawError(
      'KAFKA_SQL_FAILED',
      `a message for ${topic} was to be written to the outbox outside of a SQL transaction: call it inside of ` +
        'outbox.inTransaction(…) or an @Outbox method, or hand it yours: outbox.within(transaction).send(…)',
    );
  }
}
