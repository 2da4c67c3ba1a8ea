import { type Random } from '../../src/common/random.js';
import { type OutgoingRecord } from '../../src/common/record.js';
import { InitProducerId, Produce } from '../../src/protocol/messages/index.js';
import { encodeRecords } from '../../src/protocol/record-batch.js';
import { SocketClient } from '../../test/support/raw-client.js';
import { type PartitionLedger, recordValue, type SentBatch } from './ledger.js';

// A producer that outlives the broker: it keeps several requests in flight, and after a restart an idempotent one
// sends again, byte for byte and in order, whatever it has no answer for.

export interface WriterForm {
  readonly isIdempotent: boolean;
  readonly maxRecords: number;
  readonly maxValueBytes: number;
  readonly partitionsPerRequest: number;
  readonly compression: 'none' | 'gzip';
}

interface Part {
  readonly ledger: PartitionLedger;
  readonly batch: SentBatch;
}

const IN_FLIGHT = 5;
/** Records carry times that go back and forth by so much. */
const TIME_JITTER_MS = 400;

export class Writer {
  #number = 0;
  #producerId = -1n;
  readonly #sequences = new Map<PartitionLedger, number>();
  /** Requests without an answer, oldest first. */
  #open: Part[][] = [];
  acknowledged = 0;
  resent = 0;

  constructor(
    readonly id: number,
    readonly form: WriterForm,
    readonly random: Random,
    readonly problems: string[],
  ) {}

  /** Forgets partitions that are gone. */
  leave(ledgers: ReadonlySet<PartitionLedger>): void {
    this.#open = this.#open.filter((parts) => parts.every(({ ledger }) => !ledgers.has(ledger)));
    for (const ledger of ledgers) this.#sequences.delete(ledger);
  }

  /** Works until `signal` aborts or the connection ends. `newIds` sees every producer id that was given out. */
  async run(port: number, ledgers: readonly PartitionLedger[], signal: AbortSignal, newIds: (id: bigint) => void) {
    let client: SocketClient | undefined;
    try {
      client = await SocketClient.connect(port);
      if (this.form.isIdempotent) await this.#resend(client);
      else this.#open = [];
      if (this.form.isIdempotent && (this.#producerId < 0n || this.random.next() < 0.05)) {
        const { producerId } = await client.send(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 });
        newIds(producerId);
        this.#producerId = producerId;
        this.#sequences.clear();
      }
      const lanes = Array.from({ length: IN_FLIGHT }, () => this.#lane(client!, ledgers, signal));
      await Promise.all(lanes);
    } catch {
      // The connection ended: what is open stays open.
    } finally {
      client?.close();
    }
  }

  async #resend(client: SocketClient): Promise<void> {
    this.resent += this.#open.length;
    await Promise.all(this.#open.slice().map((parts) => this.#send(client, parts)));
  }

  async #lane(client: SocketClient, ledgers: readonly PartitionLedger[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const parts = this.#nextParts(ledgers);
      this.#open.push(parts);
      await this.#send(client, parts);
    }
  }

  #nextParts(ledgers: readonly PartitionLedger[]): Part[] {
    const { partitionsPerRequest } = this.form;
    const from = Math.floor(this.random.next() * ledgers.length);
    const count = Math.min(ledgers.length, 1 + Math.floor(this.random.next() * partitionsPerRequest));
    return Array.from({ length: count }, (_, i) => this.#batchFor(ledgers[(from + i) % ledgers.length]!));
  }

  #batchFor(ledger: PartitionLedger): Part {
    const { form, random } = this;
    const count = 1 + Math.floor(random.next() * form.maxRecords);
    const first = this.#number;
    this.#number += count;
    const now = Date.now();
    const records = Array.from(
      { length: count },
      (_, i): OutgoingRecord => ({
        key: null,
        value: recordValue(this.id, first + i, Math.floor(random.next() * form.maxValueBytes)),
        timestamp: now + Math.floor((random.next() - 0.5) * TIME_JITTER_MS),
      }),
    );
    const sequence = this.#sequences.get(ledger) ?? 0;
    const producer = form.isIdempotent
      ? { producerId: this.#producerId, producerEpoch: 0, baseSequence: sequence }
      : {};
    const bytes = encodeRecords(records, { timestamp: now, compression: form.compression, ...producer });
    this.#sequences.set(ledger, sequence + count);
    const { isIdempotent } = form;
    const batch = { writer: this.id, first, count, bytes, isIdempotent, baseOffset: undefined };
    ledger.sent(batch);
    return { ledger, batch };
  }

  async #send(client: SocketClient, parts: readonly Part[]): Promise<void> {
    const byTopic = new Map<string, Part[]>();
    for (const part of parts) {
      const { topic } = part.ledger;
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), part]);
    }
    const topicData = [...byTopic].map(([name, own]) => ({
      name,
      partitionData: own.map(({ ledger, batch }) => ({ index: ledger.partition, records: batch.bytes! })),
    }));
    const { responses } = await client.send(Produce, 8, { acks: -1, timeoutMs: 30_000, topicData });
    this.#open = this.#open.filter((open) => open !== parts);
    for (const { name, partitionResponses } of responses) {
      for (const { index, errorCode, baseOffset, errorMessage } of partitionResponses) {
        const part = parts.find(({ ledger }) => ledger.topic === name && ledger.partition === index)!;
        if (errorCode === 0) this.#acknowledge(part, baseOffset);
        else this.problems.push(`writer ${this.id} on ${name}-${index}: error ${errorCode} (${errorMessage})`);
      }
    }
  }

  #acknowledge({ ledger, batch }: Part, baseOffset: number): void {
    ledger.acknowledged(batch, baseOffset);
    this.acknowledged += batch.count;
  }
}
