import { type KafkaRecord } from '../../src/common/record.js';
import { ErrorCode } from '../../src/protocol/error-codes.js';
import { decodeBatch, verifyCrc } from '../../src/protocol/record-batch.js';
import {
  baseOffset,
  baseSequence,
  batchSize,
  hasProducerId,
  producerEpoch,
  producerId,
  recordCount,
  setBaseOffset,
} from '../../src/protocol/record-batch-header.js';

// One partition of the model broker: batches in a list, and the sequence rules of idempotent producers.

interface ProducerState {
  epoch: number;
  /** At most five, newest last. */
  batches: { readonly first: number; readonly last: number; readonly offset: number }[];
}

export interface AppendResult {
  readonly errorCode: number;
  readonly baseOffset: number;
}

const refused = (errorCode: number): AppendResult => ({ errorCode, baseOffset: -1 });

export class ModelLog {
  readonly batches: Buffer[] = [];
  readonly producers = new Map<bigint, ProducerState>();
  /** Re-sent batches that were answered from memory. */
  duplicates = 0;
  nextOffset = 0;

  constructor(
    readonly topic: string,
    readonly partition: number,
    public leader: number,
  ) {}

  records(): KafkaRecord[] {
    return this.batches.flatMap((batch) => {
      const out: KafkaRecord[] = [];
      decodeBatch(this.topic, this.partition, batch, 0, batch.length, 0, out);
      return out;
    });
  }

  append(bytes: Buffer, maxBytes: number): AppendResult {
    if (bytes.length !== batchSize(bytes)) return refused(ErrorCode.INVALID_RECORD);
    if (bytes.length > maxBytes) return refused(ErrorCode.MESSAGE_TOO_LARGE);
    if (!verifyCrc(bytes)) return refused(ErrorCode.CORRUPT_MESSAGE);
    if (!hasProducerId(bytes)) return this.#store(bytes);
    const first = baseSequence(bytes);
    const last = (first + recordCount(bytes) - 1) % 2 ** 31;
    const epoch = producerEpoch(bytes);
    const state = this.producers.get(producerId(bytes));
    if (state && epoch < state.epoch) return refused(ErrorCode.INVALID_PRODUCER_EPOCH);
    if (state && epoch > state.epoch && first !== 0) return refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    if (state && epoch === state.epoch) {
      const known = state.batches.find((batch) => batch.first === first && batch.last === last);
      if (known) {
        this.duplicates++;
        return { errorCode: 0, baseOffset: known.offset };
      }
      if (first !== (state.batches.at(-1)!.last + 1) % 2 ** 31) return refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    }
    const offset = this.nextOffset;
    const kept = state && state.epoch === epoch ? state.batches.slice(-4) : [];
    this.producers.set(producerId(bytes), { epoch, batches: [...kept, { first, last, offset }] });
    return this.#store(bytes);
  }

  #store(bytes: Buffer): AppendResult {
    const batch = Buffer.from(bytes);
    setBaseOffset(batch, 0, this.nextOffset);
    this.batches.push(batch);
    this.nextOffset += recordCount(batch);
    return { errorCode: 0, baseOffset: baseOffset(batch) };
  }
}
