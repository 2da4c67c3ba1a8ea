import { type KafkaRecord, NO_HEADERS, type RecordHeader } from '../../common/record.js';

// Calls as plain data, many in one message: one block of memory with all numbers in front and all bytes behind them.
// Records are slices of what was fetched; sending them as they are would copy the whole answer of the broker each time.
//
//   numbers of a call     slot, id, attempt, records
//   of each of them       topic, partition, offset, timestamp, key length, value length, headers
//   of each header        name length, value length          (-1: null)

/** One call: a record, or the records of a batch. */
export interface PackedCall {
  readonly slot: number;
  /** Unlike the slot, never used again: late acknowledgments name it. */
  readonly id: number;
  readonly attempt: number;
  readonly records: readonly KafkaRecord[];
}

export interface CallPack {
  readonly topics: readonly string[];
  readonly numbers: number;
  readonly memory: ArrayBuffer;
}

/** From this size on, memory is handed over instead of copied. */
const TRANSFER_BYTES = 16 * 1_024;

/** What `postMessage` hands over with a pack. */
export function transferOf({ memory }: Pick<CallPack, 'memory'>): ArrayBuffer[] {
  return memory.byteLength >= TRANSFER_BYTES ? [memory] : [];
}

export function packCalls(calls: readonly PackedCall[]): CallPack {
  const topics: string[] = [];
  const numbers: number[] = [];
  let bytes = 0;
  for (const { slot, id, attempt, records } of calls) {
    numbers.push(slot, id, attempt, records.length);
    for (const { topic, partition, offset, timestamp, key, value, headers } of records) {
      let topicIndex = topics.indexOf(topic);
      if (topicIndex < 0) topicIndex = topics.push(topic) - 1;
      numbers.push(topicIndex, partition, offset, timestamp, lengthOf(key), lengthOf(value), headers.length);
      bytes += (key?.length ?? 0) + (value?.length ?? 0);
      for (const header of headers) {
        const nameLength = Buffer.byteLength(header.key);
        numbers.push(nameLength, lengthOf(header.value));
        bytes += nameLength + (header.value?.length ?? 0);
      }
    }
  }
  const block = Buffer.allocUnsafeSlow(numbers.length * 8 + bytes);
  new Float64Array(block.buffer, 0, numbers.length).set(numbers);
  let at = numbers.length * 8;
  for (const { records } of calls) {
    for (const { key, value, headers } of records) {
      if (key !== null) at += key.copy(block, at);
      if (value !== null) at += value.copy(block, at);
      for (const header of headers) {
        at += block.write(header.key, at);
        if (header.value !== null) at += header.value.copy(block, at);
      }
    }
  }
  return { topics, numbers: numbers.length, memory: block.buffer as ArrayBuffer };
}

export function unpackCalls({ topics, numbers: count, memory }: CallPack): PackedCall[] {
  const numbers = new Float64Array(memory, 0, count);
  let at = 0;
  const take = slicesOf(memory, count * 8);
  const record = (): KafkaRecord => {
    const topic = topics[numbers[at]!]!;
    const partition = numbers[at + 1]!;
    const offset = numbers[at + 2]!;
    const timestamp = numbers[at + 3]!;
    const key = take(numbers[at + 4]!);
    const value = take(numbers[at + 5]!);
    const count = numbers[at + 6]!;
    at += 7;
    return { topic, partition, offset, timestamp, key, value, headers: count === 0 ? NO_HEADERS : headers(count) };
  };
  const headers = (count: number): RecordHeader[] => {
    const all: RecordHeader[] = [];
    for (let index = 0; index < count; index++, at += 2) {
      const key = take(numbers[at]!)!.toString();
      all.push({ key, value: take(numbers[at + 1]!) });
    }
    return all;
  };
  const calls: PackedCall[] = [];
  while (at < count) {
    const slot = numbers[at]!;
    const id = numbers[at + 1]!;
    const attempt = numbers[at + 2]!;
    const size = numbers[at + 3]!;
    at += 4;
    calls.push({ slot, id, attempt, records: Array.from({ length: size }, record) });
  }
  return calls;
}

/** Gives what lies in a block from `from` on, slice by slice; null for a length of -1. */
export function slicesOf(memory: ArrayBuffer, from: number): (length: number) => Buffer | null {
  let at = from;
  return (length) => {
    if (length < 0) return null;
    const slice = Buffer.from(memory, at, length);
    at += length;
    return slice;
  };
}

function lengthOf(bytes: Buffer | null): number {
  return bytes === null ? -1 : bytes.length;
}
