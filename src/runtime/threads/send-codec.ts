import { NO_HEADERS, type OutgoingRecord, type RecordHeader } from '../../common/record.js';
import { slicesOf } from './call-codec.js';

// Records to send as plain data, many in one message: written as they come into memory that is used again, and copied
// out as one block with all numbers in front and all bytes behind them.
//
//   numbers of a record   slot, topic, partition, timestamp, key length, value length, headers
//   of each header        name length, value length          (-1: null; NaN: not said)

export interface SendPack {
  readonly topics: readonly string[];
  readonly numbers: number;
  readonly memory: ArrayBuffer;
}

/** Numbers of a record without headers. */
const NUMBERS = 7;
/** Memory that is kept between messages. */
const KEPT_BYTES = 256 * 1_024;
const FIRST_NUMBERS = 1_024;
const FIRST_BYTES = 16 * 1_024;
/** UTF-8 takes no more for each unit of text. */
const BYTES_OF_UNIT = 3;

export class SendWriter {
  #topics: string[] = [];
  #numbers = new Float64Array(FIRST_NUMBERS);
  #count = 0;
  #block = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #at = 0;

  /** Throws on a record that is none; what was added before stays as it is. */
  add(slot: number, topic: string, partition: number | undefined, record: OutgoingRecord): void {
    const before = this.#at;
    try {
      this.#write(slot, topic, partition, record);
    } catch (error) {
      this.#at = before;
      throw error;
    }
  }

  #write(slot: number, topic: string, partition: number | undefined, record: OutgoingRecord): void {
    const { key, value } = record;
    const headers = record.headers ?? NO_HEADERS;
    let topicIndex = this.#topics.indexOf(topic);
    if (topicIndex < 0) topicIndex = this.#topics.push(topic) - 1;
    this.#reserveNumbers(NUMBERS + 2 * headers.length);
    const numbers = this.#numbers;
    let at = this.#count;
    numbers[at] = slot;
    numbers[at + 1] = topicIndex;
    numbers[at + 2] = partition ?? Number.NaN;
    numbers[at + 3] = record.timestamp ?? Number.NaN;
    numbers[at + 4] = this.#put(key);
    numbers[at + 5] = this.#put(value);
    numbers[at + 6] = headers.length;
    at += NUMBERS;
    for (const header of headers) {
      numbers[at] = this.#put(header.key);
      numbers[at + 1] = this.#put(header.value);
      at += 2;
    }
    this.#count = at;
  }

  /** What was added since the last time. */
  take(): SendPack {
    const numbers = this.#numbers.subarray(0, this.#count);
    const block = Buffer.allocUnsafeSlow(numbers.byteLength + this.#at);
    new Float64Array(block.buffer, 0, this.#count).set(numbers);
    this.#block.copy(block, numbers.byteLength, 0, this.#at);
    const pack = { topics: this.#topics, numbers: this.#count, memory: block.buffer as ArrayBuffer };
    this.#topics = [];
    this.#count = 0;
    this.#at = 0;
    if (this.#block.length > KEPT_BYTES) this.#block = Buffer.allocUnsafeSlow(FIRST_BYTES);
    if (this.#numbers.byteLength > KEPT_BYTES) this.#numbers = new Float64Array(FIRST_NUMBERS);
    return pack;
  }

  /** Writes behind the bytes before; gives the length. */
  #put(data: Buffer | string | null): number {
    if (data === null) return -1;
    if (typeof data === 'string') {
      this.#reserve(data.length * BYTES_OF_UNIT);
      const length = this.#block.write(data, this.#at);
      this.#at += length;
      return length;
    }
    this.#reserve(data.length);
    this.#at += data.copy(this.#block, this.#at);
    return data.length;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#block.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#at + bytes, this.#block.length * 2));
    this.#block.copy(larger, 0, 0, this.#at);
    this.#block = larger;
  }

  #reserveNumbers(more: number): void {
    if (this.#count + more <= this.#numbers.length) return;
    const larger = new Float64Array(Math.max(this.#count + more, this.#numbers.length * 2));
    larger.set(this.#numbers);
    this.#numbers = larger;
  }
}

type Outgoing = { -readonly [P in keyof OutgoingRecord]: OutgoingRecord[P] };

/** Calls `visit` with each record, in their order; the records are slices of the block. */
export function readSends(
  { topics, numbers: count, memory }: SendPack,
  visit: (slot: number, topic: string, partition: number | undefined, record: Outgoing, index: number) => void,
): void {
  const numbers = new Float64Array(memory, 0, count);
  const take = slicesOf(memory, count * 8);
  for (let at = 0, index = 0; at < count; index++) {
    const record: Outgoing = { key: take(numbers[at + 4]!), value: take(numbers[at + 5]!) };
    const partition = numbers[at + 2]!;
    const timestamp = numbers[at + 3]!;
    const [slot, topic, headers] = [numbers[at]!, topics[numbers[at + 1]!]!, numbers[at + 6]!];
    at += NUMBERS;
    if (headers > 0) {
      const all: RecordHeader[] = [];
      for (const end = at + 2 * headers; at < end; at += 2) {
        const key = take(numbers[at]!)!.toString();
        all.push({ key, value: take(numbers[at + 1]!) });
      }
      record.headers = all;
    }
    if (!Number.isNaN(timestamp)) record.timestamp = timestamp;
    visit(slot, topic, Number.isNaN(partition) ? undefined : partition, record, index);
  }
}
