// A record as everything above the wire sees it.

export interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** Headers of a record that has none: shared, so that the common case allocates nothing. */
export const NO_HEADERS: readonly RecordHeader[] = Object.freeze([]);

/** Kafka's names: the producer's time, or the broker's at the append. */
export type TimestampType = 'CreateTime' | 'LogAppendTime';

/** One record read from a partition. Key, value and headers are slices of the fetched batch: copy what you keep. */
export interface KafkaRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Ms since the epoch: the producer's time, or the broker's under LogAppendTime. */
  readonly timestamp: number;
  /** Whose time it is. Left out: the producer's. */
  readonly timestampType?: TimestampType;
  readonly key: Buffer | null;
  /** Null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/** A record on its way to a partition: keys and values are bytes already, or text, which is written as UTF-8. */
export interface OutgoingRecord {
  readonly key: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: readonly RecordHeader[];
  /** Ms since the epoch; the time of sending when left out. */
  readonly timestamp?: number;
  /** Key and value before serialization, for a producer that asks for them. */
  readonly given?: { readonly key: unknown; readonly value: unknown };
}

/** The bytes of an outgoing record's key or value. */
export function bytesOfData(data: Buffer | string | null): Buffer | null {
  return typeof data === 'string' ? Buffer.from(data) : data;
}
