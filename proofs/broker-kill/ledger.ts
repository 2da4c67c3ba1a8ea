import { type BatchRecord } from '../../src/protocol/record-batch.js';

// What was sent and what was acknowledged. A record's value says who wrote it and as which one, and the rest of it
// follows from that, so that bytes that come back can be checked without keeping them.

const IDENTITY_BYTES = 12;

/** One batch that was sent: records `first` to `first + count - 1` of its writer. */
export interface SentBatch {
  readonly writer: number;
  readonly first: number;
  readonly count: number;
  /** The bytes as they were sent; kept only as long as a retry may be due. */
  bytes: Buffer | undefined;
  /** Of a writer with a producer id. */
  readonly isIdempotent: boolean;
  /** Undefined until the broker has acknowledged it. */
  baseOffset: number | undefined;
}

export function recordValue(writer: number, number: number, length: number): Buffer {
  const value = Buffer.alloc(Math.max(IDENTITY_BYTES, length), (writer * 31 + number * 7) & 0xff);
  value.writeUInt32BE(writer, 0);
  value.writeUInt32BE(number, 4);
  value.writeUInt32BE(value.length, 8);
  return value;
}

/** Who wrote the record; undefined when its bytes are not those that were sent. */
export function identityOf({ value }: BatchRecord): { writer: number; number: number } | undefined {
  if (!value || value.length < IDENTITY_BYTES) return undefined;
  const writer = value.readUInt32BE(0);
  const number = value.readUInt32BE(4);
  return value.equals(recordValue(writer, number, value.readUInt32BE(8))) ? { writer, number } : undefined;
}

/** All that was sent to one partition. */
export class PartitionLedger {
  readonly #batches = new Map<string, SentBatch>();
  readonly #acknowledged: SentBatch[] = [];

  constructor(
    readonly topic: string,
    readonly partition: number,
  ) {}

  get name(): string {
    return `${this.topic}-${this.partition}`;
  }

  sent(batch: SentBatch): void {
    this.#batches.set(`${batch.writer}/${batch.first}`, batch);
  }

  acknowledged(batch: SentBatch, baseOffset: number): void {
    batch.baseOffset = baseOffset;
    batch.bytes = undefined;
    this.#acknowledged.push(batch);
  }

  find(writer: number, first: number): SentBatch | undefined {
    return this.#batches.get(`${writer}/${first}`);
  }

  get acks(): readonly SentBatch[] {
    return this.#acknowledged;
  }
}
