import { crc32c } from '../../../protocol/crc32c.js';
import { WireReader } from '../../../protocol/wire-reader.js';
import { WireWriter } from '../../../protocol/wire-writer.js';
import { type AppendedBatch, type ProducerState, rewindSequence } from './producer-state.js';

// The `.snapshot` file: the state of a partition's producers at the offset in its name, as Kafka writes it. Only the
// newest batch of each producer is kept.

const VERSION = 1;
const CHECKED_FROM = 6;
const NONE = -1;

export function encodeSnapshot(states: Iterable<ProducerState>): Buffer {
  const all = [...states];
  const body = new WireWriter(CHECKED_FROM + all.length * 50);
  body.array(all, (writer, state) => {
    const last = state.batches.at(-1);
    writer.i64Exact(state.producerId);
    writer.i16(state.epoch);
    writer.i32(last?.lastSequence ?? NONE);
    writer.i64(last?.lastOffset ?? NONE);
    writer.i32(last ? last.lastOffset - last.firstOffset : 0);
    writer.i64(state.lastTimestamp);
    writer.i32(state.coordinatorEpoch);
    writer.i64(state.currentTxnFirstOffset);
  });
  const bytes = body.toBuffer();
  const head = Buffer.alloc(CHECKED_FROM);
  head.writeInt16BE(VERSION, 0);
  head.writeUInt32BE(crc32c(bytes), 2);
  return Buffer.concat([head, bytes]);
}

/** The states in a snapshot, `now` being when they were last heard of; undefined when the bytes are not sound. */
export function decodeSnapshot(bytes: Buffer, now: number): ProducerState[] | undefined {
  if (bytes.length < CHECKED_FROM || bytes.readInt16BE(0) !== VERSION) return undefined;
  if (bytes.readUInt32BE(2) !== crc32c(bytes, CHECKED_FROM)) return undefined;
  return new WireReader(bytes, CHECKED_FROM).array((reader) => readState(reader, now));
}

function readState(reader: WireReader, now: number): ProducerState {
  const producerId = reader.i64Exact();
  const epoch = reader.i16();
  const lastSequence = reader.i32();
  const lastOffset = reader.i64();
  const offsetDelta = reader.i32();
  const lastTimestamp = reader.i64();
  const coordinatorEpoch = reader.i32();
  const currentTxnFirstOffset = reader.i64();
  const batches: AppendedBatch[] = [];
  if (lastOffset >= 0) {
    batches.push({
      firstSequence: lastSequence < 0 ? NONE : rewindSequence(lastSequence, offsetDelta),
      lastSequence,
      firstOffset: lastOffset - offsetDelta,
      lastOffset,
      timestamp: lastTimestamp,
    });
  }
  return {
    producerId,
    epoch,
    batches,
    currentTxnFirstOffset,
    coordinatorEpoch,
    lastTimestamp,
    lastActivity: now,
  };
}
