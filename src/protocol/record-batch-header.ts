// The 61 bytes in front of every record batch (magic 2), read and patched in place. A batch stays bytes from the
// socket to the file and back; nothing here looks at the records.
//
//   0 baseOffset i64 · 8 batchLength i32 · 12 partitionLeaderEpoch i32 · 16 magic i8 · 17 crc u32 · 21 attributes i16
//   23 lastOffsetDelta i32 · 27 baseTimestamp i64 · 35 maxTimestamp i64 · 43 producerId i64 · 51 producerEpoch i16
//   53 baseSequence i32 · 57 recordCount i32 · 61 records
//
// The checksum covers everything from `attributes` on, so offset and leader epoch are patched without touching it.

/** Bytes before `batchLength` counts: base offset and the length itself. */
export const LOG_OVERHEAD = 12;
export const BATCH_HEADER_BYTES = 61;
/** Where the checksummed part begins. */
export const CRC_FROM = 21;
export const MAGIC_V2 = 2;
export const NO_PRODUCER_ID = -1n;

export const COMPRESSION_MASK = 0x07;
export const TIMESTAMP_TYPE_BIT = 0x08;
export const TRANSACTIONAL_BIT = 0x10;
export const CONTROL_BIT = 0x20;
export const DELETE_HORIZON_BIT = 0x40;

/** Clamped to safe integers, as everywhere on the wire: only a corrupt or hostile batch is beyond them. */
function i64(b: Buffer, at: number): number {
  const value = b.readInt32BE(at) * 0x1_0000_0000 + b.readUInt32BE(at + 4);
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(Number.MIN_SAFE_INTEGER, value));
}

function setI64(b: Buffer, at: number, value: number): void {
  b.writeInt32BE(Math.floor(value / 0x1_0000_0000), at);
  b.writeInt32BE(value | 0, at + 4);
}

export const baseOffset = (b: Buffer, at = 0): number => i64(b, at);
export const setBaseOffset = (b: Buffer, at: number, value: number): void => setI64(b, at, value);
export const batchLength = (b: Buffer, at = 0): number => b.readInt32BE(at + 8);
/** Sets the length from the size of the whole batch. */
export const setBatchSize = (b: Buffer, at: number, size: number): void =>
  void b.writeInt32BE(size - LOG_OVERHEAD, at + 8);
/** The whole batch, overhead included. */
export const batchSize = (b: Buffer, at = 0): number => LOG_OVERHEAD + b.readInt32BE(at + 8);
export const leaderEpoch = (b: Buffer, at = 0): number => b.readInt32BE(at + 12);
export const setLeaderEpoch = (b: Buffer, at: number, value: number): void => void b.writeInt32BE(value, at + 12);
export const magic = (b: Buffer, at = 0): number => b.readInt8(at + 16);
export const crc = (b: Buffer, at = 0): number => b.readUInt32BE(at + 17);
export const setCrc = (b: Buffer, at: number, value: number): void => void b.writeUInt32BE(value >>> 0, at + 17);
export const attributes = (b: Buffer, at = 0): number => b.readInt16BE(at + 21);
export const setAttributes = (b: Buffer, at: number, value: number): void => void b.writeInt16BE(value, at + 21);
export const lastOffsetDelta = (b: Buffer, at = 0): number => b.readInt32BE(at + 23);
export const lastOffset = (b: Buffer, at = 0): number => i64(b, at) + b.readInt32BE(at + 23);
/** First offset after the batch. */
export const nextOffset = (b: Buffer, at = 0): number => i64(b, at) + b.readInt32BE(at + 23) + 1;
export const baseTimestamp = (b: Buffer, at = 0): number => i64(b, at + 27);
export const setBaseTimestamp = (b: Buffer, at: number, value: number): void => setI64(b, at + 27, value);
export const maxTimestamp = (b: Buffer, at = 0): number => i64(b, at + 35);
export const setMaxTimestamp = (b: Buffer, at: number, value: number): void => setI64(b, at + 35, value);
export const producerId = (b: Buffer, at = 0): bigint => b.readBigInt64BE(at + 43);
export const producerEpoch = (b: Buffer, at = 0): number => b.readInt16BE(at + 51);
export const baseSequence = (b: Buffer, at = 0): number => b.readInt32BE(at + 53);
export const recordCount = (b: Buffer, at = 0): number => b.readInt32BE(at + 57);
export const setRecordCount = (b: Buffer, at: number, value: number): void => void b.writeInt32BE(value, at + 57);

export const compressionOf = (b: Buffer, at = 0): number => attributes(b, at) & COMPRESSION_MASK;
export const isTransactional = (b: Buffer, at = 0): boolean => (attributes(b, at) & TRANSACTIONAL_BIT) !== 0;
export const isControl = (b: Buffer, at = 0): boolean => (attributes(b, at) & CONTROL_BIT) !== 0;
export const isLogAppendTime = (b: Buffer, at = 0): boolean => (attributes(b, at) & TIMESTAMP_TYPE_BIT) !== 0;
/** Time from which tombstones and markers of the batch may go; -1 when no cleaning has met them yet. */
export const deleteHorizon = (b: Buffer, at = 0): number =>
  (attributes(b, at) & DELETE_HORIZON_BIT) === 0 ? -1 : baseTimestamp(b, at);
/** Whether the batch belongs to a producer with an id (kafkajs sends epoch 0 and sequence 0 without one). */
export const hasProducerId = (b: Buffer, at = 0): boolean => b.readInt32BE(at + 43) >= 0;

/** Whether a whole batch lies at `at`: size at least a header's and not beyond `end`. */
export function isWholeBatch(b: Buffer, at: number, end: number = b.length): boolean {
  if (end - at < BATCH_HEADER_BYTES) return false;
  const length = b.readInt32BE(at + 8);
  return length >= BATCH_HEADER_BYTES - LOG_OVERHEAD && at + LOG_OVERHEAD + length <= end;
}
